"""Convolutional capsules: the votes of a capsule are convolutions over the map of the capsules below.

Source: the first author's code of Sabour, Frosst & Hinton 2017, arXiv:1710.09829, https://github.com/Sarasra/models,
research/capsules, `conv_slim_capsule`.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, tensors
from kzoo.ops.conv import conv
from kzoo.ops.route import route
from kzoo.types import Padding, Size, Tensor


def conv_capsules(
    x: Tensor,
    kernel: Tensor,
    strides: Size = 1,
    padding: Padding = "valid",
    dilations: Size = 1,
    iterations: int = 3,
    bias: Tensor | None = None,
    leaky: bool = False,
) -> Tensor:
    """Returns maps of capsules: at each position, those below vote for them by a convolution and the votes are routed.

    Shapes: x (B, *spatial, inputs, d) floating, kernel (*size, d, outputs, D), shared by all positions and by all
    inputs; bias (outputs, D) or None, shared by all positions; returns (B, *output, outputs, D) in x's dtype.
    The window's arguments are those of `conv`, the others those of `route`: each input's softmax is over the outputs at
    one position.

    >>> x = ops.ones((1, 5, 4, 3, 8))  # 3 capsules of 8 numbers at each of 5 x 4 positions
    >>> tuple(conv_capsules(x, ops.ones((3, 3, 8, 2, 16)), padding="same").shape)
    (1, 5, 4, 2, 16)
    """
    x, kernel = tensors("conv_capsules", "ConvCapsules2D", x, kernel)
    check_floating("conv_capsules", x)
    check_one_dtype("conv_capsules", "x and kernel", x=x, kernel=kernel)
    rank = len(x.shape) - 3
    require(1 <= rank <= 3, "conv_capsules", "x (batch, *spatial, inputs, d)", shape=tuple(x.shape))
    *size, depth, outputs, dimension = kernel.shape if len(kernel.shape) == rank + 3 else (0,) * (rank + 3)
    fits = depth == x.shape[-1] and outputs > 0
    expected = "kernel (*size, d, outputs, dimension) for x (batch, *spatial, inputs, d)"
    require(fits, "conv_capsules", expected, x=tuple(x.shape), kernel=tuple(kernel.shape))
    batch, *spatial, inputs, _ = ops.shape(x)
    maps = ops.reshape(ops.moveaxis(x, -2, 1), (-1, *spatial, depth))  # each input is a sample of the convolution
    weights = ops.reshape(kernel, (*size, depth, outputs * dimension))
    votes = conv(maps, weights, strides, padding, dilations)
    votes = ops.reshape(votes, (batch, inputs, *ops.shape(votes)[1:-1], outputs, dimension))
    return route(ops.moveaxis(votes, 1, -3), iterations, bias, leaky)
