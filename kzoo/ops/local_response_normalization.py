"""Local response normalization: each channel divided by the energy of its neighbours.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section
3.3; the other form is that of Caffe and cuda-convnet.
"""

import math

from keras import ops

from kzoo.checks import is_integer, is_number, require
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
) -> Tensor:
    """Returns x / (bias + alpha * sum of the squares of the channels at most depth_radius away)^beta.

    Shapes: x (B, ..., C) floating; returns the same shape and dtype, computed in float32 or wider. The defaults are the
    paper's; the formula is also that of `tf.nn.local_response_normalization`, whose defaults differ. With
    divide_by_size alpha is divided by 2 * depth_radius + 1, as in Caffe and PyTorch, where size 5 is depth_radius 2,
    and k is bias.

    >>> local_response_normalization([[1.0, 2.0]], 1, bias=1.0, alpha=1.0, beta=1.0).numpy().round(4)
    array([[0.1667, 0.3333]], dtype=float32)
    """
    who = "local_response_normalization"
    (x,) = tensors(who, "LocalResponseNormalization", x)
    require(len(x.shape) >= 2, who, "x (batch, ..., channels)", shape=tuple(x.shape))
    check_floating(who, x)
    require(x.shape[-1] is not None, who, "a known number of channels", shape=tuple(x.shape))
    return _normalize(x, **as_response(who, depth_radius, bias, alpha, beta, divide_by_size))


def as_response(who, depth_radius, bias, alpha, beta, divide_by_size):
    """Returns the checked settings as keyword arguments, with alpha as in the paper."""
    require(is_integer(depth_radius, least=0), who, "depth_radius, an integer of at least 0", depth_radius=depth_radius)
    require(is_number(bias) and 0 < bias < math.inf, who, "bias, a number above 0", bias=bias)
    require(is_number(alpha) and 0 <= alpha < math.inf, who, "alpha, a number of at least 0", alpha=alpha)
    require(is_number(beta) and 0 <= beta < math.inf, who, "beta, a number of at least 0", beta=beta)
    alpha = alpha / (2 * depth_radius + 1) if divide_by_size else alpha
    return {"radius": int(depth_radius), "bias": float(bias), "alpha": float(alpha), "beta": float(beta)}


@island
def _normalize(x, *, radius, bias, alpha, beta):
    y, channels = ops.cast(x, sum_dtype(x.dtype)), x.shape[-1]
    radius = min(radius, channels - 1)  # no channels are further away
    squares = ops.pad(y * y, [(0, 0)] * (len(x.shape) - 1) + [(radius, radius)])
    size = 2 * radius + 1
    if written_out(size):
        energy = sum(squares[..., o : o + channels] for o in range(size))
    else:
        energy = fold_axis(sum, squares, len(x.shape) - 1, size, channels)
    return ops.cast(y * (bias + alpha * energy) ** -beta, x.dtype)
