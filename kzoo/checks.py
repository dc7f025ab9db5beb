"""Checks of arguments, and `Refusal`, the exception whose messages say who expects what and what was received."""

import difflib
import numbers
import operator
import re
from collections.abc import Iterable
from typing import Any

MAX_MESSAGE, MAX_VALUE = 1000, 200  # characters of a message, and of a value or name that it quotes
PATH = re.compile(r"\bPosixPath\(('[^']*')\)")  # the repr of a path
# an error of a layer's `call` as Keras repeats it: in bold, between the layer's name and its arguments
REPEATED = re.compile(r"Exception encountered when calling .*?\x1b\[1m(.*?)\x1b\[0m.*", re.DOTALL)


class Refusal(ValueError):
    """A ValueError that the user can correct; the command line prints its message as one line and exits with code 2.

    Messages quote what a user or a file says, so they are made one line, printable and of bounded length. Keras repeats
    an error of a layer's `call` on several lines with the layer's arguments; these are kept.

    >>> str(Refusal("a\\n  \\x1b[31mred"))
    'a \\\\x1b[31mred'
    """

    def __init__(self, message: str) -> None:
        super().__init__(message if REPEATED.fullmatch(message) else one_line(message))


def one_line(text: Any, limit: int = MAX_MESSAGE) -> str:
    """Returns a text, or that of an exception, on one line: shortened and escaped.

    Of an error of a layer's `call`, which Keras repeats with the layer's arguments, only the error itself is returned.

    >>> one_line(ValueError("two\\n  lines")), one_line(KeyError())
    ('two lines', 'KeyError')
    """
    repeated = REPEATED.fullmatch(str(text))
    words = (repeated[1] if repeated else str(text)).split() or (
        [type(text).__name__] if isinstance(text, BaseException) else []
    )
    return escape(shorten(" ".join(words), limit))


def escape(text: str) -> str:
    """Returns a text with escapes for what is not printable, such as the codes that control a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shorten(text: str, limit: int) -> str:
    """Returns a text of at most `limit` characters: the middle of a longer one is left out.

    >>> shorten("0123456789", 10), shorten("0123456789", 9)
    ('0123456789', '012...789')
    """
    if len(text) <= limit:
        return text
    tail = (limit - 3) // 2
    return f"{text[: limit - 3 - tail]}...{text[len(text) - tail :]}"


def shown(value: Any) -> str:
    """Returns the repr of a value as messages show it: on one line and shortened, of paths as of texts.

    >>> from pathlib import Path
    >>> shown(Path("a/b"))
    "'a/b'"
    """
    try:
        return one_line(PATH.sub(r"\1", repr(value)), MAX_VALUE)
    except Exception:  # of an integer of thousands of digits, or of a class of the user's
        return f"<{type(value).__name__}>"


def require(ok: Any, who: str, expected: str, **received: Any) -> None:
    """Raises Refusal unless `ok`; the message names who expects what, and what it received.

    >>> require(False, "Conv2D", "filters, an integer above 0", filters=-1)
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: Conv2D expects filters, an integer above 0; received filters=-1.
    """
    if not ok:
        values = ", ".join(f"{name}={shown(value)}" for name, value in received.items())
        raise Refusal(f"{who} expects {expected}; received {values}.")


def is_integer(value: Any, least: int | None = None) -> bool:
    """Returns whether `value` is an integer (Python's or NumPy's, but no bool) of at least `least`."""
    if isinstance(value, bool) or getattr(value, "shape", ()) != ():
        return False
    try:
        index = operator.index(value)
    except TypeError:
        return False
    return least is None or index >= least


def as_bool(who: str, **value: Any) -> bool:
    """Returns the one value, named as messages name it, as a bool: True, False, NumPy's, 1 or 0.

    >>> as_bool("Conv2D", use_bias=1)
    True
    >>> as_bool("Conv2D", use_bias="no")
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: Conv2D expects use_bias, True or False; received use_bias='no'.
    """
    [(name, given)] = value.items()
    known = isinstance(given, numbers.Integral) or type(given).__name__ in ("bool", "bool_")
    require(known and given in (True, False), who, f"{name}, True or False", **value)
    return bool(given)


def is_number(value: Any) -> bool:
    """Returns whether `value` is a real number (Python's or NumPy's, but no bool); NaN and infinity count as such."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def nearest(name: Any, names: Iterable[str], count: int = 3) -> str:
    """Returns a phrase for error messages: the known names closest to `name`, or the first ones of all.

    >>> nearest("mnist1d_cn", ["mnist1d_cnn", "vgg16"])
    "did you mean 'mnist1d_cnn'?"
    """
    names = sorted(names)
    close = difflib.get_close_matches(shorten(str(name), MAX_VALUE), names, n=count, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(map(shown, close)) + "?"
    return "known: " + ", ".join(shorten(each, MAX_VALUE) for each in names[:12]) + (", ..." if len(names) > 12 else "")
