"""Classes that only some of the supported versions of Keras have."""

from types import ModuleType
from typing import Any


def existing(module: ModuleType, *names: str) -> tuple[Any, ...]:
    """Returns those of the classes of a module that it has.

    >>> import math
    >>> existing(math, "floor", "no_such_function")
    (<built-in function floor>,)
    """
    return tuple(getattr(module, name) for name in names if hasattr(module, name))
