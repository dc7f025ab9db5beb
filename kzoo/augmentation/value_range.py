"""The values of black and white in images, which layers that change colours need to know."""

import math
from typing import Any

from kzoo.checks import is_number, require


def as_value_range(who: str, value_range: Any) -> tuple[float, float]:
    """Returns the values of black and white. Raises Refusal unless they are finite and black is below white.

    >>> as_value_range("ColorJitter", [0, 255])
    (0, 255)
    """
    pair = isinstance(value_range, (list, tuple)) and len(value_range) == 2
    fits = pair and all(is_number(value) and math.isfinite(value) for value in value_range)
    fits = fits and value_range[0] < value_range[1]
    require(fits, who, "value_range, two finite numbers, black below white", value_range=value_range)
    black, white = value_range
    return black, white
