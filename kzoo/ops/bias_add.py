"""Bias addition, for a bias that is shared by all positions, repeats with a tile, or differs at every position.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.5 (biases are shared as the kernels are).
"""

import itertools

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import ceil_div, check_one_dtype, sum_dtype, tensors
from kzoo.types import Tensor


def bias_add(y: Tensor, bias: Tensor) -> Tensor:
    """Returns y plus a bias: position p gets the bias at p modulo the bias's spatial shape.

    Shapes: y (B, *output, F); bias (F,), (*tile, F) or (*output, F); returns y's shape and dtype.

    >>> bias_add(ops.zeros((1, 5, 1)), [[1.0], [2.0]])[0, :, 0].numpy()
    array([1., 2., 1., 2., 1.], dtype=float32)
    """
    y, bias = tensors("bias_add", "Conv{}D", y, bias)
    good = len(bias.shape) in (1, len(y.shape) - 1) and bias.shape[-1] == y.shape[-1] and 0 not in bias.shape[:-1]
    require(good, "bias_add", "bias (F,) or (*tile, F)", y=tuple(y.shape), bias=tuple(bias.shape))
    check_one_dtype("bias_add", "y and bias", y=y, bias=bias)
    output, dtype = ops.shape(y)[1:-1], sum_dtype(y.dtype)
    bias = ops.cast(bias, dtype)  # whose gradient is a sum over samples and positions
    for axis, (size, period) in enumerate(itertools.zip_longest(output, bias.shape[:-1], fillvalue=1)):
        if period != 1 and not (isinstance(size, int) and period == size):  # an unknown size is a tensor
            turns = [1] * len(bias.shape)
            turns[axis] = ceil_div(size, period)
            bias = ops.tile(bias, turns)[(slice(None),) * axis + (slice(0, size),)]
    return ops.cast(ops.cast(y, dtype) + bias, y.dtype)
