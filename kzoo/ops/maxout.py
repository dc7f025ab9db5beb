"""Maxout: the maximum of several channels, a learned piecewise linear convex function.

Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, "Maxout networks", arXiv:1302.4389.
"""

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import check_ordered, tensors
from kzoo.ops.large_windows import fold_axis
from kzoo.ops.views import maximum, written_out
from kzoo.ops.xla import island
from kzoo.types import Tensor

ORDERS = ("interleaved", "adjacent")


def maxout(x: Tensor, num_units: int, axis: int = -1, order: str = "interleaved") -> Tensor:
    """Returns the maximum of each unit's channels.

    Shapes: x (B, ..., num_units * pieces, ...), the channels on `axis`; returns the same with num_units channels.
    order: the channels of unit u are u, u + num_units, u + 2 * num_units, ... ("interleaved", the order of TensorFlow
    Addons), or u * pieces to (u + 1) * pieces - 1 ("adjacent").
    NaN wins; of equal values the first receives the gradient.

    >>> maxout([[1.0, 3.0, 2.0, 0.0]], 2).numpy(), maxout([[1.0, 3.0, 2.0, 0.0]], 2, order="adjacent").numpy()
    (array([[2., 3.]], dtype=float32), array([[3., 2.]], dtype=float32))
    """
    (x,) = tensors("maxout", "Maxout", x)
    check_ordered("maxout", x)
    axis = check_units("maxout", tuple(x.shape), num_units, axis, order)
    return _maxout(x, num_units=int(num_units), axis=axis, order=order)


@island
def _maxout(x, *, num_units, axis, order):
    shape, pieces = ops.shape(x), x.shape[axis] // num_units
    sizes, along = ((num_units, pieces), axis + 1) if order == "adjacent" else ((pieces, num_units), axis)
    y = ops.reshape(x, (*shape[:axis], *sizes, *shape[axis + 1 :]))
    if not written_out(pieces):
        return ops.squeeze(fold_axis(maximum, y, along, pieces, 1), along)
    return maximum(y[(slice(None),) * along + (piece,)] for piece in range(pieces))


def check_units(who, shape, num_units, axis, order):
    """Returns the axis as a positive number; raises a ValueError unless num_units divides its channels.

    A shape of None is not known yet and is not checked.
    """
    require(order in ORDERS, who, f"order, one of {ORDERS}", order=order)
    require(is_integer(num_units, least=1), who, "num_units, an integer above 0", num_units=num_units)
    require(is_integer(axis), who, "axis, an integer", axis=axis)
    if shape is None:
        return axis
    rank = len(shape)
    good = -rank <= axis < rank and axis % rank != 0
    require(good, who, "axis, that of the channels", axis=axis, shape=shape)
    channels = shape[axis]
    require(channels is not None, who, "a known number of channels", axis=axis, shape=shape)
    fits = channels > 0 and channels % num_units == 0
    require(fits, who, "num_units that divides the channels", num_units=num_units, channels=channels)
    return axis % rank
