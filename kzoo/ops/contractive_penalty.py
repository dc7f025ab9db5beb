"""The contractive penalty: the squared Frobenius norm of a layer's Jacobian, from the layer's outputs.

Source: Rifai, Vincent, Muller, Glorot & Bengio 2011, "Contractive auto-encoders: explicit invariance during feature
extraction", equations 1 and 6, for fully connected layers; here also for convolutions, whose windows at the border
hold fewer taps.
"""

from keras import ops

from kzoo.checks import is_integer, nearest, require
from kzoo.ops.backend import check_floating, check_one_dtype, sum_dtype, tensors
from kzoo.ops.conv import conv
from kzoo.ops.views import as_tuple
from kzoo.types import Padding, Size, Tensor

SLOPES = {  # the derivative of an activation, from its value
    "linear": ops.ones_like,
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
    "relu": lambda y: ops.cast(y > 0, y.dtype),
    "softplus": lambda y: 1 - ops.exp(-y),
    "elu": lambda y: ops.where(y > 0, ops.ones_like(y), y + 1),
}


def contractive_penalty(
    y: Tensor,
    kernel: Tensor,
    activation: str = "sigmoid",
    input_size: Size | None = None,
    strides: Size = 1,
    padding: Padding = "valid",
    dilations: Size = 1,
) -> Tensor:
    """Returns the sum of squares of all derivatives of a layer's outputs by its inputs, for each example.

    Shapes: y, the outputs of activation(x @ kernel + bias), (B, F) with kernel (C, F), or of a convolution, (B,
    *output, F) with kernel (*size, C, F); returns (B,).
    Arguments: activation, one of SLOPES, whose derivative follows from its value; of convolutions input_size, the
    spatial size of x, and the geometry, as `conv`, with zeros as padding.

    >>> contractive_penalty([[0.5, 0.5]], [[2.0, 0.0], [0.0, 4.0]]).numpy()
    array([1.25], dtype=float32)
    """
    who = "contractive_penalty"
    y, kernel = tensors(who, "Contractive", y, kernel)
    check_floating(who, y)
    check_one_dtype(who, "y and kernel", y=y, kernel=kernel)
    require(activation in SLOPES, who, f"activation, {nearest(activation, SLOPES)}", activation=activation)
    fits = len(y.shape) == len(kernel.shape) > 1 and y.shape[-1] == kernel.shape[-1]
    require(fits, who, "y (B, *output, F), kernel (*size, C, F)", y=tuple(y.shape), kernel=tuple(kernel.shape))
    dtype, rank = sum_dtype(y.dtype), len(y.shape) - 2
    squared = ops.square(ops.cast(kernel, dtype))
    if rank == 0:
        of_outputs = ops.sum(squared, 0)
    else:
        sizes = as_tuple(who, "input_size", input_size, rank) if input_size is not None else ()
        known = len(sizes) == rank and all(is_integer(n, 1) for n in sizes)
        require(known, who, f"input_size, {rank} integers above 0", input_size=input_size)
        # the squared norms of the kernels, without the taps that lie in the padding
        of_outputs = conv(ops.ones((1, *sizes, kernel.shape[-2]), dtype), squared, strides, padding, dilations)[0]
        same = all(n is None or n == m for n, m in zip(y.shape[1:-1], of_outputs.shape[:-1]))
        require(same, who, f"y of the size {tuple(of_outputs.shape[:-1])}", y=tuple(y.shape))
    slopes = SLOPES[activation](ops.cast(y, dtype))
    return ops.cast(ops.sum(ops.square(slopes) * of_outputs, tuple(range(1, rank + 2))), y.dtype)
