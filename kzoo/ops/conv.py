"""Convolution with every padding, strides and dilations together, and groups.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", sections 9.1 and 9.5; LeCun et al. 1989 for the
layer; Yu & Koltun 2016, arXiv:1511.07122, for the dilation.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import convolve, tensors
from kzoo.ops.views import window


def conv(x, kernel, strides=1, padding="valid", dilations=1):
    """Convolve (in the field's sense: correlate) x with a kernel shared by all positions.

    Shapes: x (B, *spatial, C), kernel (*size, C / groups, F), in 1 to 3 spatial axes; returns (B, *output, F).
    The number of groups is read from the shapes. Units: strides, padding and dilations in cells.
    padding: "valid", "same", "full", "circular", "reflect", "replicate", cells, or (mode, cells).
    Errors: ValueError that names the argument, what is expected and what came.

    >>> x = ops.reshape(ops.arange(6.0), (1, 6, 1))
    >>> conv(x, ops.ones((2, 1, 1)), strides=2, padding="circular", dilations=3)[0, :, 0].numpy()
    array([7., 5., 3.], dtype=float32)
    """
    x, kernel = tensors("conv", "Conv", x, kernel)
    rank = check_operands("conv", x, kernel, "(*size, channels / groups, filters)")
    channels, (*size, depth, filters) = x.shape[-1], kernel.shape
    groups = channels // depth
    require(
        groups * depth == channels and groups > 0 and filters % groups == 0,
        "conv",
        "kernel channels that divide the input's, into groups that divide the filters",
        input_channels=channels,
        kernel=tuple(kernel.shape),
    )
    win = window("conv", rank, tuple(size), strides, padding, dilations)
    win.check("conv", x.shape[1:-1])
    # the convolution pads by zeros itself where it can: a copy less
    native = win.mode == "zeros" and padding == "same"
    how = "SAME" if native else "VALID"
    if not native:
        x = win.pad(x)
    if groups == 1:
        return convolve(x, kernel, win.strides, how, win.dilations)
    parts = zip(ops.split(x, groups, -1), ops.split(kernel, groups, -1))
    return ops.concatenate([convolve(a, b, win.strides, how, win.dilations) for a, b in parts], -1)


def check_operands(who, x, kernel, layout):
    """Refuse operands of a wrong rank or of two dtypes; returns the number of spatial axes."""
    rank = len(x.shape) - 2
    require(1 <= rank <= 3, who, "x (batch, *spatial, channels) with 1 to 3 spatial axes", shape=tuple(x.shape))
    require(
        len(kernel.shape) - 2 in (rank, 2 * rank), who, f"kernel {layout}", x=tuple(x.shape), kernel=tuple(kernel.shape)
    )
    require(x.dtype == kernel.dtype, who, "x and kernel of one dtype", x=str(x.dtype), kernel=str(kernel.dtype))
    require(x.shape[-1] is not None, who, "a known number of channels", shape=tuple(x.shape))
    return rank
