"""What a convolution layer multiplies with what: the position that each tap reads, and the weight of each link.

All kinds of convolution are described alike. Their kernel is an array (*tile, taps, weights), in which output position
p uses the part at p modulo tile: a tile of 1 is a convolution, one of the output's size a locally connected layer. A
table of links says which weight lies between an input channel and a filter, which covers groups, depthwise kernels and
connection tables.
"""

import functools
import math
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from kzoo.checks import Refusal, require
from kzoo.layers.conv import Conv
from kzoo.layers.fft_conv import FFTConv
from kzoo.layers.gabor_conv import GaborConv2D
from kzoo.layers.locally_connected import LocallyConnected
from kzoo.layers.spatially_separable_conv import SpatiallySeparableConv
from kzoo.layers.standardized_conv import StandardizedConv
from kzoo.layers.table_conv import TableConv
from kzoo.layers.tiled_conv import TiledConv
from kzoo.ops.filters import gabor
from kzoo.ops.standardize_kernel import standardize_kernel
from kzoo.ops.views import window
from kzoo.types import Tensor

COMPUTED_BY = {"call", "op", "op_with_bias", "convolution_op"}  # methods that say what a convolution computes


class ConvKernel(NamedTuple):
    """The weights of a convolution, in the same form for all kinds."""

    weights: np.ndarray  # (*tile, taps, weights of a tap)
    links: np.ndarray  # (channels, filters): the number of the weight in a tap, or -1 where there is none


@functools.singledispatch
def conv_kernel(layer: Any) -> ConvKernel:
    """Returns the kernel of a built convolution layer. ValueError for other layers, which it names.

    >>> layer = layers.DepthwiseConv1D(3)
    >>> layer.build((None, 8, 2))
    >>> kernel = conv_kernel(layer)
    >>> kernel.weights.shape, kernel.links.tolist()
    ((1, 3, 2), [[0, -1], [-1, 1]])
    """
    raise Refusal(
        "convolution_matrix expects a convolution layer of kzoo or Keras, which is linear; received "
        f"{getattr(layer, 'name', layer)}, {type(layer).__name__}."
    )


def check_known(layer: Any) -> None:
    """Raises Refusal for a layer that is no convolution, or of a subclass that changes what it computes."""
    classes = type(layer).__mro__
    known = next((cls for cls in classes if cls in conv_kernel.registry), object)
    if known is object or (isinstance(layer, GaborConv2D) and layer.energy):
        conv_kernel.dispatch(object)(layer)
    for cls in classes[: classes.index(known)]:
        changed = sorted(COMPUTED_BY & vars(cls).keys())
        expected = f"a layer that computes what {known.__name__} does; {cls.__name__} has its own {', '.join(changed)}"
        require(not changed, "convolution_matrix", expected, layer=layer.name)


def tap_reads(layer: Any, spatial: tuple[int, ...]) -> np.ndarray:
    """Returns which input position each tap reads at each output position: (*output, taps), -1 for padding.

    Positions are numbered row by row.

    >>> tap_reads(layers.Conv1D(1, 3, padding="same"), (4,)).tolist()
    [[-1, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, -1]]
    """
    numbers = np.arange(1.0, math.prod(spatial) + 1).reshape(1, *spatial, 1)  # 0 is padding
    if isinstance(layer, TRANSPOSED):
        found = _transposed_reads(layer, numbers)
    else:
        rank, who = len(spatial), type(layer).__name__
        dilations = getattr(layer, "dilation_rate", 1)
        win = window(who, rank, layer.kernel_size, layer.strides, layer.padding, dilations)
        win.check(who, spatial)
        views = win.views(np.asarray(win.pad(numbers)), win.output(spatial))
        found = np.stack([view[0, ..., 0] for _, view in views], -1)
    return np.rint(found).astype("int64") - 1


def _transposed_reads(layer, numbers):
    """The layer itself, with a filter for each tap whose weight is 1 at that tap and 0 at the others."""
    taps = math.prod(layer.kernel_size)
    dilated = tuple((k - 1) * d + 1 for k, d in zip(layer.kernel_size, layer.dilation_rate))
    unit = np.zeros((*dilated, taps, 1))  # zeros between the taps, since TensorFlow dilates none of these on CPUs
    unit[tuple(slice(None, None, d) for d in layer.dilation_rate)] = np.eye(taps).reshape(*layer.kernel_size, taps, 1)
    settings = (layer.strides, layer.padding, layer.output_padding, "channels_last")
    return np.asarray(ops.conv_transpose(numbers, unit, *settings))[0]


def _shared(layer: Any, kernel: Any, links: np.ndarray) -> ConvKernel:
    """Returns the kernel (*size, *channels and filters) that all positions share."""
    rank, taps = len(layer.kernel_size), math.prod(layer.kernel_size)
    return ConvKernel(_array(kernel).reshape(*(1,) * rank, taps, -1), links)


def _array(kernel: Tensor) -> np.ndarray:
    wide = keras.backend.standardize_dtype(kernel.dtype) == "float64"
    return np.asarray(ops.cast(kernel, "float64" if wide else "float32"))


def _all_links(channels: int, filters: int) -> np.ndarray:
    return np.arange(channels * filters).reshape(channels, filters)


def _grouped_links(channels: int, depth: int, filters: int) -> np.ndarray:
    """Links of filters that read `depth` of the channels."""
    links = np.tile(_all_links(depth, filters), (channels // depth, 1))
    group = np.arange(channels)[:, None] // depth == np.arange(filters) // (filters * depth // channels)
    return np.where(group, links, -1)


def _conv(layer: Any) -> ConvKernel:
    depth, filters = layer.kernel.shape[-2:]
    return _shared(layer, layer.kernel, _grouped_links(depth * layer.groups, depth, filters))


def _standardized(layer: Any) -> ConvKernel:
    return _conv(layer)._replace(
        weights=_shared(layer, standardize_kernel(layer.kernel, layer.epsilon, layer.gain), np.empty(0)).weights
    )


def _tiled(layer: Any) -> ConvKernel:
    *shape, channels, filters = layer.kernel.shape
    tile, taps = shape[: layer.rank], math.prod(layer.kernel_size)
    return ConvKernel(_array(layer.kernel).reshape(*tile, taps, -1), _all_links(channels, filters))


def _table(layer: Any) -> ConvKernel:
    channels = next(iter(layer.input_spec.axes.values()))
    links = np.full((channels, layer.filters), -1)
    filters = np.repeat(np.arange(layer.filters), [len(each) for each in layer.table])
    links[np.concatenate(layer.table), filters] = np.arange(len(filters))
    return _shared(layer, layer.kernel, links)


def _spatially_separable(layer: Any) -> ConvKernel:
    first, *others = map(_array, layer.kernels)
    product = first  # (*taps so far, channels, filters, terms)
    for other in others:
        product = np.einsum("...cfq,bfq->...bcfq", product, other)
    return _shared(layer, product.sum(-1), _all_links(*first.shape[1:3]))


def _gabor(layer: Any) -> ConvKernel:
    # the same for all channels
    kernel = gabor(layer.kernel_size, *layer.parameters, zero_mean=layer.zero_mean)  # type: ignore[misc]
    channels = next(iter(layer.input_spec.axes.values()))
    return _shared(layer, kernel, np.tile(np.arange(layer.filters), (channels, 1)))


def _depthwise(layer: Any) -> ConvKernel:
    channels, multiplier = layer.kernel.shape[-2:]
    own = np.arange(channels)[:, None] == np.arange(channels * multiplier) // multiplier
    return _shared(layer, layer.kernel, np.where(own, np.arange(channels * multiplier), -1))


def _separable(layer: Any) -> ConvKernel:
    depthwise = _array(layer.depthwise_kernel)
    channels, multiplier = depthwise.shape[-2:]
    pointwise = _array(layer.pointwise_kernel).reshape(channels, multiplier, -1)
    kernel = np.einsum("...cm,cmf->...cf", depthwise, pointwise)
    return _shared(layer, kernel, _all_links(channels, pointwise.shape[-1]))


def _transposed(layer: Any) -> ConvKernel:
    filters, channels = layer.kernel.shape[-2:]
    return _shared(layer, layer.kernel, _all_links(filters, channels).T)


TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
for _function, _classes in (
    (_conv, (Conv, FFTConv, layers.Conv1D, layers.Conv2D, layers.Conv3D)),
    (_standardized, (StandardizedConv,)),
    (_tiled, (TiledConv, LocallyConnected)),
    (_table, (TableConv,)),
    (_spatially_separable, (SpatiallySeparableConv,)),
    (_gabor, (GaborConv2D,)),
    (_depthwise, (layers.DepthwiseConv1D, layers.DepthwiseConv2D)),
    (_separable, (layers.SeparableConv1D, layers.SeparableConv2D)),
    (_transposed, TRANSPOSED),
):
    for _class in _classes:
        conv_kernel.register(_class, _function)
