"""Convolution with every padding, strides and dilations together, and groups.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", sections 9.1 and 9.5; LeCun et al. 1989, "Backpropagation
applied to handwritten zip code recognition", for the layer; Yu & Koltun 2016, arXiv:1511.07122, for the dilation.
"""

import functools
import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_one_dtype, convolve, dtype_of, spatial_rank, tensors
from kzoo.ops.bias_add import bias_add
from kzoo.ops.local_conv import patches
from kzoo.ops.sizes import after_checks, sizes_of
from kzoo.ops.views import Window, window, written_out
from kzoo.ops.xla import compiled_on_cpu
from kzoo.types import Padding, Size, Tensor

WIDEST_PATCH = 1024  # elements of a patch, up to which `_by_matrix_product` is worth the copies it makes
NARROW_PATCH = 64  # elements of a patch, up to which samples on the last axis are faster


def conv(
    x: Tensor,
    kernel: Tensor,
    strides: Size = 1,
    padding: Padding = "valid",
    dilations: Size = 1,
    bias: Tensor | None = None,
) -> Tensor:
    """Returns the convolution (cross-correlation) of x with a kernel shared by all positions, plus a bias if given.

    Shapes: x (B, *spatial, C), kernel (*size, C / groups, F), in 1 to 3 spatial axes, bias as in `bias_add`; returns
    (B, *output, F). The number of groups follows from the shapes.
    padding: "valid", "same", "full", "circular", "reflect", "replicate", amounts (an integer, or an integer or pair for
    each axis), or a pair (mode, amounts).

    >>> x = ops.reshape(ops.arange(6.0), (1, 6, 1))
    >>> conv(x, ops.ones((2, 1, 1)), strides=2, padding="circular", dilations=3)[0, :, 0].numpy()
    array([7., 5., 3.], dtype=float32)
    """
    x, kernel = tensors("conv", "Conv{}D", x, kernel)
    rank = check_operands("conv", x, kernel, "(*size, channels / groups, filters)")
    channels, (*size, depth, filters) = x.shape[-1], kernel.shape
    groups = channels // depth if depth else 0
    require(
        groups * depth == channels and groups > 0 and filters % groups == 0,
        "conv",
        "kernel channels that divide the input's, into groups that divide the filters",
        input_channels=channels,
        kernel=tuple(kernel.shape),
    )
    if bias is not None:
        (bias,) = tensors("conv", "Conv{}D", bias)
        check_one_dtype("conv", "x and bias", x=x, bias=bias)
    win = window("conv", rank, tuple(size), strides, padding, dilations)
    win.check("conv", sizes_of(x))
    x = after_checks(x)
    if groups == 1 and written_out(sum(size)) and math.prod(size) * depth <= WIDEST_PATCH and compiled_on_cpu():
        return _by_matrix_product(win.pad(x), kernel, bias, strides=win.strides, dilations=win.dilations)
    # the backend's convolution pads with zeros where it can, which saves a copy; not for one output (see `convolve`)
    sizes = x.shape[1:-1]
    native = win.pads_as_same(sizes) and win.output(sizes)[-1] != 1 and (rank < 3 or max(win.dilations) == 1)
    run = functools.partial(
        convolve, strides=win.strides, padding="SAME" if native else "VALID", dilations=win.dilations
    )
    x = x if native else win.pad(x)
    if groups == 1 and tuple(x.shape[1:-1]) == tuple(size) and not native and dtype_of(x) != "float16":
        y = _one_output(x, kernel)
    elif groups == 1:
        y = run(x, kernel)
    else:
        parts = zip(ops.split(x, groups, -1), ops.split(kernel, groups, -1))
        y = ops.concatenate([run(a, b) for a, b in parts], -1)
    return y if bias is None else bias_add(y, bias)


def _one_output(x, kernel):
    """Returns the convolution with a kernel as large as x: a matrix product, in a third of the convolution's time."""
    *size, channels, filters = kernel.shape
    inputs = math.prod(size) * channels
    y = ops.matmul(ops.reshape(x, (-1, inputs)), ops.reshape(kernel, (inputs, filters)))
    return ops.reshape(y, (-1, *(1 for _ in size), filters))


def _by_matrix_product(x, kernel, bias, *, strides, dilations):
    """Returns the convolution as matrix products over views side by side.

    Inside a function that XLA compiles for CPU, XLA's own convolution is a plain loop on one core, 5 to 10 times
    slower.

    For small patches and a batch of at least as many samples as output positions, the samples are the last axis of the
    products. They vectorize better than a few filters: with 15, a step of `mnist1d_cnn` takes 0.6 of the time. A shared
    bias is then the weight of an extra input that is always 1; to sum the gradient of a bias that is added afterwards,
    XLA would transpose everything back.
    """
    (*size, _, filters), rank = kernel.shape, len(kernel.shape) - 2
    win = Window(tuple(size), strides, dilations, ((0, 0),) * rank)
    batch, output = x.shape[0], win.output(x.shape[1:-1])
    sizes = win.output(ops.shape(x)[1:-1])
    views = [view for _, view in win.views(x, sizes)] if written_out(*size) else [patches(x, win, sizes, -1, first=1)]
    weights = ops.reshape(kernel, (-1, filters))
    if shared := bias is not None and tuple(bias.shape) == (filters,):
        views.append(ops.ones_like(views[0][..., :1]))
        weights = ops.concatenate([weights, ops.reshape(bias, (1, filters))], 0)
    if None in (batch, *output) or batch < math.prod(output) or weights.shape[0] > NARROW_PATCH:
        y = ops.matmul(ops.concatenate(views, -1), weights)
        return y if bias is None or shared else bias_add(y, bias)
    transposed = ops.concatenate([ops.transpose(view, (*range(1, rank + 2), 0)) for view in views], rank)
    weights = ops.broadcast_to(ops.transpose(weights), (*output, filters, weights.shape[0]))
    y = ops.transpose(ops.matmul(weights, transposed), (rank + 1, *range(rank + 1)))
    return y if bias is None or shared else bias_add(y, bias)


def check_operands(who, x, kernel, layout, tiled=False):
    """Returns the number of spatial axes; raises a ValueError for operands of wrong rank or of two dtypes."""
    rank = spatial_rank(who, x.shape)
    fits = len(kernel.shape) - 2 == (2 * rank if tiled else rank)
    require(fits, who, f"kernel {layout}", x=tuple(x.shape), kernel=tuple(kernel.shape))
    check_one_dtype(who, "x and kernel", x=x, kernel=kernel)
    require(x.shape[-1] is not None, who, "a known number of channels", shape=tuple(x.shape))
    return rank
