"""Local response normalization: each channel divided by the energy of its neighbours.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section
3.3; the other form is that of Caffe and cuda-convnet.
"""

import functools
import math

from keras import ops

from kzoo.checks import as_bool, is_integer, is_number, require
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.large_windows import fold_axis
from kzoo.ops.views import written_out
from kzoo.ops.xla import island
from kzoo.types import Tensor


def local_response_normalization(
    x: Tensor,
    depth_radius: int = 2,
    bias: float = 2.0,
    alpha: float = 1e-4,
    beta: float = 0.75,
    divide_by_size: bool = False,
    size: int | None = None,
    within_channel: bool = False,
) -> Tensor:
    """Returns x / (bias + alpha * sum of the squares of the channels at most depth_radius away)^beta.

    Shapes: x (B, ..., C) floating; returns the same shape and dtype, computed in float32 or wider. The defaults are the
    paper's; the formula is also that of `tf.nn.local_response_normalization`, whose defaults differ.
    divide_by_size: whether alpha is divided by the number of summands, as in Caffe and PyTorch, where k is bias.
    size: the number of channels in the window, instead of 2 * depth_radius + 1. Of an even one, one more lies before
    the channel than after it, as in PyTorch.
    within_channel: whether the window has `size` pixels along each spatial axis of the same channel, as in Caffe's
    WITHIN_CHANNEL, whose k is always 1.

    >>> local_response_normalization([[1.0, 2.0]], 1, bias=1.0, alpha=1.0, beta=1.0).numpy().round(4)
    array([[0.1667, 0.3333]], dtype=float32)
    """
    who = "local_response_normalization"
    (x,) = tensors(who, "LocalResponseNormalization", x)
    require(len(x.shape) >= 2, who, "x (batch, ..., channels)", shape=tuple(x.shape))
    check_floating(who, x)
    require(x.shape[-1] is not None, who, "a known number of channels", shape=tuple(x.shape))
    divide_by_size = as_bool(who, divide_by_size=divide_by_size)
    within_channel = as_bool(who, within_channel=within_channel)
    require(not within_channel or len(x.shape) >= 3, who, "spatial axes to sum over", shape=tuple(x.shape))
    settings = as_response(who, depth_radius, bias, alpha, beta, size)
    return _normalize(x, **settings, divide=divide_by_size, within=within_channel)


def as_response(who, depth_radius, bias, alpha, beta, size):
    """Returns the checked settings as keyword arguments, with the size of the window instead of its radius."""
    require(is_integer(depth_radius, least=0), who, "depth_radius, an integer of at least 0", depth_radius=depth_radius)
    require(is_number(bias) and 0 < bias < math.inf, who, "bias, a number above 0", bias=bias)
    require(is_number(alpha) and 0 <= alpha < math.inf, who, "alpha, a number of at least 0", alpha=alpha)
    require(is_number(beta) and 0 <= beta < math.inf, who, "beta, a number of at least 0", beta=beta)
    require(size is None or is_integer(size, least=1), who, "size, an integer above 0 or None", size=size)
    size = int(2 * depth_radius + 1 if size is None else size)
    return {"size": size, "bias": float(bias), "alpha": float(alpha), "beta": float(beta)}


@island
def _normalize(x, *, size, bias, alpha, beta, divide, within):
    y = ops.cast(x, sum_dtype(x.dtype))
    axes = range(1, len(x.shape) - 1) if within else (len(x.shape) - 1,)
    energy = functools.reduce(functools.partial(_sum_of_window, size=size), axes, y * y)
    rate = alpha / size ** len(axes) if divide else alpha
    return ops.cast(y * (bias + rate * energy) ** -beta, x.dtype)


def _sum_of_window(x, axis, size):
    """Returns the sums of the `size` elements around each element along an axis; beyond its ends are zeros."""
    before, after, length = size // 2, (size - 1) // 2, ops.shape(x)[axis]
    if isinstance(length, int):  # nothing is further away
        before, after = min(before, length - 1), min(after, length - 1)
    pads = [(0, 0)] * len(x.shape)
    pads[axis] = (before, after)
    padded, taps = ops.pad(x, pads), before + after + 1
    if not written_out(taps):
        return fold_axis(sum, padded, axis, taps, length)
    return sum(padded[(slice(None),) * axis + (slice(tap, tap + length),)] for tap in range(taps))
