"""Units: one number of a layer's output for each example, or one of its maps."""

from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.types import Tensor

Unit: TypeAlias = int | tuple[int, ...]  # a channel or class, or (*position, channel)


def unit_map(who: str, y: Tensor, unit: Unit, channels_first: bool = False) -> Tensor:
    """Returns what a unit is of a layer's outputs y: (B, *spatial) of a map, (B,) of a single number.

    unit: a channel or class, or (*position, channel), a position of a map. Negative numbers count from the end.
    ValueError for a unit that the layer does not have.

    >>> y = ops.reshape(ops.arange(6), (1, 3, 2))
    >>> unit_map("an analysis", y, 1).numpy(), unit_map("an analysis", y, (2, 0)).numpy()
    (array([[1, 3, 5]], dtype=int32), array([4], dtype=int32))
    """
    if channels_first and len(y.shape) > 2:
        y = ops.moveaxis(y, 1, -1)
    shape = tuple(y.shape)
    index: Any = unit if isinstance(unit, (tuple, list)) else (unit,)
    last = shape[-len(index) :] if len(index) in (1, len(shape) - 1) else ()
    good = bool(last) and all(is_integer(i) and (n is None or -n <= i < n) for i, n in zip(index, last))
    expected = f"unit, a channel or (*position, channel) of outputs of shape (*position, channels) = {shape[1:]}"
    require(good, who, expected, unit=unit)
    return y[(..., *map(int, index))] if len(index) == 1 else y[(slice(None), *map(int, index))]


def unit_value(who: str, y: Tensor, unit: Unit, channels_first: bool = False) -> Tensor:
    """Returns the values (B,) of a unit of a layer's outputs; of a map its mean over the positions."""
    values = unit_map(who, y, unit, channels_first)
    return ops.mean(values, axis=tuple(range(1, len(values.shape)))) if len(values.shape) > 1 else values


def class_of(who: str, outputs: Tensor, class_index: Any = None) -> Any:
    """Returns the classes (B,) that an analysis is of: `class_index` for all examples or each, or the most probable."""
    count, classes = outputs.shape[0], outputs.shape[-1]
    if class_index is None:
        return keras.ops.argmax(outputs, -1)
    given = [class_index] * count if is_integer(class_index) else list(class_index) if np.iterable(class_index) else []
    good = len(given) == count and all(is_integer(index) and 0 <= index < classes for index in given)
    require(good, who, f"class_index below {classes}, one or one for each example", class_index=class_index)
    return keras.ops.convert_to_tensor([int(index) for index in given], "int32")
