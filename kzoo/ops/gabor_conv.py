"""Convolution with Gabor functions, with eight parameters for each filter whatever its size.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.10, equations 9.15 to 9.18.
"""

import math
from collections.abc import Sequence

from keras import ops

from kzoo.checks import as_bool, require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, spatial_rank, sum_dtype, tensors
from kzoo.ops.conv import conv
from kzoo.ops.filters import PARAMETERS, gabor
from kzoo.types import Padding, Size, Tensor


def gabor_conv(
    x: Tensor,
    parameters: Sequence[Tensor] | dict[str, Tensor],
    ksize: Size,
    strides: Size = 1,
    padding: Padding = "valid",
    dilations: Size = 1,
    energy: bool = False,
    zero_mean: bool = False,
) -> Tensor:
    """Returns the convolution of the channels' sum with Gabor functions: simple cells, or with `energy` complex cells.

    Shapes: x (B, H, W, C) floating; parameters, eight tensors (F,) in the order of `filters.gabor`: alpha, beta_x,
    beta_y, frequency, phase, x0, y0, tau, or a dict of them, as `filters.gabor_bank` gives; returns (B, H', W', F) in
    x's dtype, computed in float32 or wider. padding: as `conv`.
    energy: sqrt(s0^2 + s1^2) of the responses at phase and phase + pi / 2, with gradient 0 where both are 0.

    >>> line = [[0.0]] * 2 + [[1.0]] + [[0.0]] * 2
    >>> gabor_conv([[line]], [[1.0]] + [[0.0]] * 7, (1, 3), padding="same").numpy().ravel()
    array([0., 1., 1., 1., 0.], dtype=float32)
    """
    who = "gabor_conv"
    (x,) = tensors(who, "GaborConv2D", x)
    require(spatial_rank(who, x.shape) == 2, who, "x (batch, height, width, channels)", shape=tuple(x.shape))
    check_floating(who, x)
    if isinstance(parameters, dict):
        known = set(parameters) == set(PARAMETERS)
        require(known, who, f"parameters named {PARAMETERS}", parameters=sorted(parameters))
        parameters = [parameters[name] for name in PARAMETERS]
    several = hasattr(parameters, "__len__") and len(parameters) == 8
    require(several, who, "parameters, eight tensors (filters,)", parameters=parameters)
    energy, zero_mean = as_bool(who, energy=energy), as_bool(who, zero_mean=zero_mean)
    kernel = gabor(ksize, *parameters, zero_mean=zero_mean)  # type: ignore[misc]
    if energy:
        *before, phase, x0, y0, tau = parameters
        (phase,) = tensors(who, "GaborConv2D", phase)
        quarter_turn = (*before, ops.cast(phase, kernel.dtype) + math.pi / 2, x0, y0, tau)
        shifted = gabor(ksize, *quarter_turn, zero_mean=zero_mean)  # type: ignore[misc]
        kernel = ops.concatenate([kernel, shifted], -1)
    dtype = sum_dtype(x.dtype)
    total = ops.sum(ops.cast(x, dtype), -1, keepdims=True)
    y = conv(total, ops.cast(kernel, dtype), strides, padding, dilations)
    if not energy:
        return ops.cast(y, x.dtype)
    even, odd = ops.split(y, 2, -1)
    return ops.cast(safe_math.root(even**2 + odd**2), x.dtype)
