"""Checks of arguments, and `Refusal`, the exception whose messages say who expects what and what was received."""

import difflib
import numbers
import operator
from collections.abc import Iterable
from typing import Any


class Refusal(ValueError):
    """A ValueError that the user can correct; the command line prints its message as one line and exits with code 2."""


def require(ok: Any, who: str, expected: str, **received: Any) -> None:
    """Raises Refusal unless `ok`; the message names who expects what, and what it received.

    >>> require(False, "Conv2D", "filters, an integer above 0", filters=-1)
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: Conv2D expects filters, an integer above 0; received filters=-1.
    """
    if not ok:
        values = ", ".join(f"{name}={value!r}" for name, value in received.items())
        raise Refusal(" ".join(f"{who} expects {expected}; received {values}.".split()))  # an array's text has lines


def is_integer(value: Any, least: int | None = None) -> bool:
    """Returns whether `value` is an integer (Python's or NumPy's, but no bool) of at least `least`."""
    if isinstance(value, bool) or getattr(value, "shape", ()) != ():
        return False
    try:
        index = operator.index(value)
    except TypeError:
        return False
    return least is None or index >= least


def is_number(value: Any) -> bool:
    """Returns whether `value` is a real number (Python's or NumPy's, but no bool); NaN and infinity count as such."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def nearest(name: Any, names: Iterable[str], count: int = 3) -> str:
    """Returns a phrase for error messages: the known names closest to `name`, or the first ones of all.

    >>> nearest("mnist1d_cn", ["mnist1d_cnn", "vgg16"])
    "did you mean 'mnist1d_cnn'?"
    """
    names = sorted(names)
    close = difflib.get_close_matches(str(name), names, n=count, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(map(repr, close)) + "?"
    return "known: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
