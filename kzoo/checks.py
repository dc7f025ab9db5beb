"""One way to refuse a bad argument, so that every message has the same three parts.

Source: none.
"""

import difflib
import numbers
import operator


class Refusal(ValueError):
    """A ValueError that is the user's to mend; the command line prints its text as one line and exits 2."""


def require(ok, who, expected, **received):
    """Unless `ok`, raise a Refusal: who refused, what was expected, what came instead.

    >>> require(False, "Conv2D", "filters, an integer above 0", filters=-1)
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: Conv2D expects filters, an integer above 0; received filters=-1.
    """
    if not ok:
        came = ", ".join(f"{name}={value!r}" for name, value in received.items())
        raise Refusal(" ".join(f"{who} expects {expected}; received {came}.".split()))  # an array's text has lines


def is_integer(value, least=None):
    """Whether `value` is a whole number (Python's or NumPy's, but no bool) of at least `least`."""
    if isinstance(value, bool) or getattr(value, "shape", ()) != ():
        return False
    try:
        index = operator.index(value)
    except TypeError:
        return False
    return least is None or index >= least


def is_number(value):
    """Whether `value` is a real number (Python's or NumPy's, but no bool); NaN and infinity are."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def nearest(name, names, count=3):
    """A phrase for error messages: the known names closest to `name`, or all of a short list.

    >>> nearest("mnist1d_cn", ["mnist1d_cnn", "vgg16"])
    "did you mean 'mnist1d_cnn'?"
    """
    names = sorted(names)
    close = difflib.get_close_matches(str(name), names, n=count, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(map(repr, close)) + "?"
    return "known: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
