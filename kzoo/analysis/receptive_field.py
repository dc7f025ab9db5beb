"""Receptive fields: what each map's cells see of the input, followed through the graph of a model.

Source: Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks", Distill, for the
recurrences, taken forwards here so that every layer has its own, and for the union over branches.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import keras
from keras import layers

from kzoo.checks import Refusal, require
from kzoo.layers.base_window import BaseWindow
from kzoo.ops.views import same_pair


class Field(NamedTuple):
    """What a cell of a map sees along one axis of the input, in the input's cells.

    `size`: how many cells; `stride`: how far the next cell's field is; `padding`: how many cells before the input the
    first cell's field begins (below 0: how many after). All of the input is seen where `size` is None.
    """

    size: int | None
    stride: Fraction = Fraction(1)
    padding: int = 0


WHOLE = Field(None)
CONVOLUTIONS = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
)
POOLS = (
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
)
PADDINGS = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
MIXING = ("Dense", "Flatten", "Global", "Adaptive", "Pyramid", "Capsules", "Fastfood", "Reshape")  # of the names


def receptive_fields(net):
    """The fields of each layer's first output, {layer's name: a `Field` for each spatial axis}.

    `net`: a functional model whose first input has 1 to 3 spatial axes. Where branches meet, a cell sees the union of
    what they see. Behind a dense layer or a global pool it sees all. Errors: ValueError for branches of different
    strides, naming the layer.

    >>> x = keras.Input((32, 32, 3))
    >>> y = layers.Conv2D(8, 3, padding="same", name="a")(x)
    >>> net = keras.Model(x, layers.MaxPooling2D(2, name="b")(layers.Conv2D(8, 3, padding="same")(y)))
    >>> receptive_fields(net)["b"][0]
    Field(size=6, stride=Fraction(2, 1), padding=2)
    """
    rank = len(net.inputs[0].shape) - 2
    require(1 <= rank <= 3, "receptive_fields", "a model with 1 to 3 spatial axes", input_shape=net.inputs[0].shape)
    found = {id(tensor): (Field(1),) * rank for tensor in net.inputs}
    fields = {}
    for layer in getattr(net, "operations", net.layers):  # operations on tensors too, which are no layers
        if isinstance(layer, layers.InputLayer):
            continue
        sources = keras.tree.flatten(layer.input)
        if "Unpooling" in type(layer).__name__:
            sources = sources[:1]  # indices see what the values see, and a reference is asked for its size alone
        seen = [_meet(layer.name, parts) for parts in zip(*(found[id(source)] for source in sources))]
        fields[layer.name] = tuple(_through(layer, seen, sources[0].shape))
        for output in keras.tree.flatten(layer.output):
            found[id(output)] = fields[layer.name]
    return fields


def _meet(name, parts):
    """The union of fields that meet in a layer."""
    if any(part.size is None for part in parts):
        return WHOLE
    strides = {part.stride for part in parts}
    if len(strides) > 1:
        raise Refusal(f"receptive_fields expects branches of one stride at layer {name}; received {sorted(strides)}.")
    begin = max(part.padding for part in parts)
    end = max(part.size - part.padding for part in parts)
    return Field(begin + end, parts[0].stride, begin)


def _through(layer, seen, shape):
    """The fields behind a layer, from those before it."""
    name, spatial = type(layer).__name__, _spatial(layer, shape, len(seen))
    if any(part in name for part in MIXING):
        return (WHOLE,) * len(seen)
    if isinstance(layer, PADDINGS) or name.startswith("Padding"):
        pads = layer.padding if isinstance(layer.padding[0], (tuple, list)) else [layer.padding]
        return [_window(field, 1, 1, 1, before) for field, (before, _) in zip(seen, pads)]
    if "Unpooling" in name or isinstance(layer, (layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)):
        factors = layer.strides if "Unpooling" in name else layer.size
        factors = (factors,) * len(seen) if isinstance(factors, int) else factors
        return [_upwards(field, factor) for field, factor in zip(seen, factors)]
    if isinstance(layer, BaseWindow):
        window = layer.window
        pairs = window.pairs([1 if n is None else n for n in spatial])
        geometry = zip(window.size, window.strides, window.dilations, (before for before, _ in pairs))
    elif isinstance(layer, (*CONVOLUTIONS, *POOLS)):
        size = layer.kernel_size if isinstance(layer, CONVOLUTIONS) else layer.pool_size
        dilations = getattr(layer, "dilation_rate", 1)
        size, strides, dilations = (
            (n,) * len(seen) if isinstance(n, int) else tuple(n) for n in (size, layer.strides, dilations)
        )
        same = layer.padding == "same"
        before = [same_pair(n or 1, k, s, d)[0] * same for n, k, s, d in zip(spatial, size, strides, dilations)]
        geometry = zip(size, strides, dilations, before)
    else:
        return seen  # cell by cell
    return [_window(field, *one) for field, one in zip(seen, geometry)]


def _window(field, size, stride, dilation, before):
    """A window over cells that see `field`."""
    if field.size is None:
        return WHOLE
    reach, start = dilation * (size - 1) * field.stride, before * field.stride
    return Field(math.ceil(field.size + reach), field.stride * stride, math.ceil(field.padding + start))


def _upwards(field, factor):
    """Each cell `factor` times: what it sees stays, in smaller steps."""
    return field if field.size is None else field._replace(stride=field.stride / factor)


def _spatial(layer, shape, rank):
    """The sizes of a layer's input, channels last or first."""
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return tuple(shape[2:] if first else shape[1:-1])[:rank]
