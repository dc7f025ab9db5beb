"""Filter response normalization with its thresholded linear unit.

Source: Singh & Krishnan 2020, "Filter response normalization layer: eliminating batch dependence in the training of
deep neural networks", arXiv:1911.09737, equations 1 to 4.
"""

import math

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops.backend import check_floating, spatial_rank, sum_dtype, tensors
from kzoo.ops.sizes import after_checks, require_pixels, shape_of
from kzoo.types import Tensor


def filter_response_norm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    tau: Tensor | None = None,
    epsilon: float = 1e-6,
    extra_epsilon: Tensor | None = None,
) -> Tensor:
    """Returns gamma * x / sqrt(mean square of the channel over the positions + epsilon) + beta, at least tau.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; gamma, beta and tau (C,); returns x's shape and dtype,
    computed in float32 or wider. Each sample and channel is normalized on its own, without subtracting a mean.
    tau: None for no threshold. extra_epsilon: None, or a scalar whose magnitude is added to epsilon, which the paper
    learns for maps of one position.

    >>> filter_response_norm([[[3.0], [-3.0]]], [2.0], [1.0], [0.0])[0, :, 0].numpy().round(3)
    array([3., 0.], dtype=float32)
    """
    who = "filter_response_norm"
    (x,) = tensors(who, "FilterResponseNormalization", x)
    check_floating(who, x)
    rank = spatial_rank(who, x.shape)
    require_pixels(who, shape_of(x))
    check_epsilon(who, epsilon)
    dtype = sum_dtype(x.dtype)
    y = ops.cast(after_checks(x), dtype)
    gamma, beta, tau, extra = (
        None if part is None else ops.cast(part, dtype) for part in (gamma, beta, tau, extra_epsilon)
    )
    for name, part in (("gamma", gamma), ("beta", beta), ("tau", tau)):
        good = part is None or tuple(part.shape) == (x.shape[-1],)
        require(good, who, f"{name} of shape (C,)", x=tuple(x.shape), **{name: None if part is None else part.shape})
    energy = ops.mean(y * y, tuple(range(1, rank + 1)), keepdims=True)
    small = epsilon if extra is None else epsilon + ops.absolute(extra)
    y = gamma * (y * ops.rsqrt(energy + small)) + beta
    return ops.cast(y if tau is None else ops.maximum(y, tau), x.dtype)


def check_epsilon(who, epsilon):
    """Raises Refusal unless epsilon is a finite number above 0."""
    require(is_number(epsilon) and 0 < epsilon < math.inf, who, "epsilon, a number above 0", epsilon=epsilon)
