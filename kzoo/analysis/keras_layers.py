"""Receptive fields and operation counts of Keras's own layers and operations, by type.

A layer may declare both itself, as kzoo's layers do, with methods of these names:
`receptive_field(input_shapes)` and `flops(input_shapes, output_shapes)`. For a class that cannot be changed, register a
function of (layer, input_shapes) in `layer_field` and one of (layer, input_shapes, output_shapes) in `layer_flops`:
`layer_flops.register(MyLayer, lambda layer, inputs, outputs: 0)`. Subclasses inherit what their bases declare.
"""

import functools
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import keras
from keras import layers

from kzoo.keras_names import existing
from kzoo.layers.field import (
    EXACT,
    UPPER_BOUND,
    Field,
    Fields,
    bins_field,
    pointwise,
    transposed_field,
    whole,
    window_field,
)
from kzoo.types import Shape

CONVOLUTIONS = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
POOLS = (
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
)
ADAPTIVE = existing(
    layers,
    *(f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)),
)
GLOBAL = (
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D,
)
UPSAMPLING = (layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
PADDINGS = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
CROPPINGS = (layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
SUMS = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
ALONG_AXES = (layers.LayerNormalization, layers.UnitNormalization, *existing(layers, "RMSNormalization"))
RECURRENT = (layers.SimpleRNN, layers.GRU, layers.LSTM)
ATTENTION = (layers.Attention, layers.AdditiveAttention, layers.MultiHeadAttention, layers.GroupQueryAttention)
UNCOUNTED = (  # pointwise, and no operations worth counting
    layers.Activation,
    layers.ELU,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ReLU,
    layers.ActivityRegularization,
    layers.Dropout,
    layers.AlphaDropout,
    layers.GaussianDropout,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
    layers.GaussianNoise,
    layers.Identity,
    layers.Masking,
    layers.Embedding,
    layers.Normalization,
    layers.Rescaling,
    layers.RepeatVector,
)
AUGMENTATION = (  # active in training only
    layers.RandomBrightness,
    layers.RandomContrast,
    layers.RandomFlip,
    layers.RandomRotation,
    layers.RandomTranslation,
    layers.RandomZoom,
    *existing(layers, "RandomColorDegeneration", "RandomColorJitter", "RandomErasing", "RandomGaussianBlur"),
    *existing(layers, "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization"),
    *existing(layers, "RandomSaturation", "RandomSharpness", "RandomShear"),
)
# fmt: off
BINARY_OPERATIONS = {
    "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "FloorDivide", "Power", "Mod", "Maximum", "Minimum",
    "Arctan2", "Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr",
    "LogicalXor", "Where",
}
POINTWISE_OPERATIONS = BINARY_OPERATIONS | {
    "Absolute", "Cast", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Elu", "Erf", "Exp", "Expm1", "Floor", "Gelu",
    "HardShrink", "HardSigmoid", "HardSilu", "HardTanh", "Isfinite", "Isinf", "Isnan", "LeakyRelu", "Log",
    "Log10", "Log1p", "Log2", "LogSigmoid", "LogicalNot", "Negative", "OnesLike", "Reciprocal", "Relu", "Relu6",
    "Round", "Rsqrt", "Selu", "Sigmoid", "Sign", "Silu", "Sin", "Sinh", "SoftShrink", "Softplus", "Softsign",
    "SparsePlus", "SparseSigmoid", "Sqrt", "Square", "Squareplus", "StopGradient", "Tan", "Tanh", "TanhShrink",
    "Threshold", "ZerosLike",
}
# fmt: on
ALONG_AXIS_OPERATIONS = {"Softmax", "LogSoftmax", "Normalize"}
REDUCTIONS = {"All", "Any", "Logsumexp", "Max", "Mean", "Min", "Prod", "Std", "Sum", "Var"}
INTERNAL_LAYERS = {"LayerScale"}  # of keras.applications, in no public module
TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}


def receptive_field(operation: Any, input_shapes: list[Shape]) -> Any:
    """Returns what a layer or operation sees of its inputs: a `Field` for each spatial axis, or None if unknown.

    A list has one entry for each input, None where the layer reads an input's shape only.
    """
    declared = getattr(operation, "receptive_field", None)
    return declared(input_shapes) if declared else layer_field(operation, input_shapes)


def flops(operation: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int | None:
    """Returns the operations of one call of a layer or operation for one example, or None if unknown."""
    declared = getattr(operation, "flops", None)
    return (declared or functools.partial(layer_flops, operation))(input_shapes, output_shapes)


@functools.singledispatch
def layer_field(operation: Any, input_shapes: list[Shape]) -> Any:
    """Returns the receptive field of an operation whose class declares none itself; the registry of Keras's layers."""
    name = _operation_name(operation)
    if name in POINTWISE_OPERATIONS | INTERNAL_LAYERS:
        return _broadcast(operation, input_shapes)
    if name in ALONG_AXIS_OPERATIONS:
        return _along_axes(operation, input_shapes)
    if name in REDUCTIONS:
        return _reduced(operation, input_shapes)
    if name == "Concatenate":
        return _concatenated(operation, input_shapes)
    if name == "Pad":
        return tuple(Field(1, padding=before) for before, _ in _of_spatial_axes(operation.pad_width))
    return None


@functools.singledispatch
def layer_flops(operation: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int | None:
    """Returns the operations of a layer whose class declares none itself; the registry of Keras's layers."""
    name = _operation_name(operation)
    if name in BINARY_OPERATIONS:
        return _merging(operation, input_shapes, output_shapes)
    if name in REDUCTIONS | INTERNAL_LAYERS:
        return _values(input_shapes[0])
    return 0 if name in POINTWISE_OPERATIONS | ALONG_AXIS_OPERATIONS | {"Concatenate", "Pad"} else None


def _operation_name(operation: Any) -> str:
    """Returns the class name of an operation of keras.ops, or "" for a public layer: these are looked up by type."""
    name = type(operation).__name__
    known = name in INTERNAL_LAYERS if isinstance(operation, layers.Layer) else isinstance(operation, keras.Operation)
    return name if known and type(operation).__module__.startswith("keras.") else ""


def _register(registry: Any, function: Callable[..., Any], *types: Iterable[type]) -> None:
    for several in types:
        for each in several:
            registry.register(each, function)


# Shapes


def _values(shape: Shape) -> int:
    return math.prod(n or 1 for n in shape[1:])


def _positions(layer: Any, shape: Shape) -> int:
    return math.prod(n or 1 for n in _spatial(layer, shape))


def _spatial(layer: Any, shape: Shape) -> Shape:
    return _of_spatial_axes(shape, getattr(layer, "data_format", None))


def _of_spatial_axes(values: Any, data_format: Any = None) -> Any:
    """Returns the entries of the spatial axes from a sequence with an entry for every axis."""
    return values[2:] if (data_format or keras.config.image_data_format()) == "channels_first" else values[1:-1]


def _each(value: Any, rank: int) -> tuple[Any, ...]:
    """Returns a setting for each axis; `value` is one for all axes, or a sequence with one for each."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def _pairs(value: Any) -> list[Any]:
    """Returns (before, after) for each axis; for a single axis Keras stores the pair without a list around it."""
    return list(value) if isinstance(value[0], (tuple, list)) else [value]


# Receptive fields


def _pointwise(layer: Any, input_shapes: list[Shape]) -> Fields:
    return pointwise(input_shapes[0])


def _whole(layer: Any, input_shapes: list[Shape]) -> Fields:
    return whole(input_shapes[0])


def _window(layer: Any, input_shapes: list[Shape]) -> Fields:
    spatial = _spatial(layer, input_shapes[0])
    pads: list[int | None] = [None if layer.padding == "same" else 0] * len(spatial)
    size, dilation = getattr(layer, "kernel_size", None), _each(getattr(layer, "dilation_rate", 1), len(spatial))
    size = _each(size or layer.pool_size, len(spatial))
    if layer.padding == "causal":
        pads = [(size[0] - 1) * dilation[0]]
    return tuple(map(window_field, spatial, size, _each(layer.strides, len(spatial)), dilation, pads))


def _transposed(layer: Any, input_shapes: list[Shape]) -> Fields:
    spatial = _spatial(layer, input_shapes[0])
    output = _spatial(layer, layer.compute_output_shape(input_shapes[0]))
    fields = []
    for n, m, size, stride, dilation in zip(
        spatial, output, layer.kernel_size, layer.strides, _each(layer.dilation_rate, len(spatial))
    ):
        reach = (size - 1) * dilation
        missing = m is None and layer.output_padding is not None
        total = reach + 1 - stride if n is None or m is None else (n - 1) * stride + reach + 1 - m
        cropped: Any = (0, reach) if missing else max(total, 0) // 2
        fields.append(transposed_field(size, stride, dilation, cropped if layer.padding == "same" else 0))
    return tuple(fields)


def _adaptive(layer: Any, input_shapes: list[Shape]) -> Fields:
    spatial = _spatial(layer, input_shapes[0])
    return tuple(map(bins_field, spatial, _each(layer.output_size, len(spatial))))


def _repeated(layer: Any, input_shapes: list[Shape]) -> Fields:
    factors = _each(layer.size, len(input_shapes[0]) - 2)
    method = getattr(layer, "interpolation", "nearest")
    return tuple(_interpolated(Fraction(1, factor), method) for factor in factors)


def _interpolated(stride: Fraction, method: str, antialias: bool = False) -> Field:
    """Returns the field of an interpolation: output pixel p is interpolated at position (p + 1/2) stride - 1/2.

    It depends on the pixels whose distance from that position is less than half the number of taps.
    """
    if method == "nearest":
        return Field.between(stride / 2 - 1 + _grid(stride), stride / 2, stride)
    middle, reach = Fraction(stride - 1, 2), Fraction(TAPS[method], 2) * (max(stride, Fraction(1)) if antialias else 1)
    on_a_pixel = stride.numerator % 2 == stride.denominator % 2 == 1  # at some p, where other weights are 0
    bound = antialias or method.startswith("lanczos") or (method == "bicubic" and on_a_pixel)
    return Field.between(
        middle - reach + _grid(stride), middle + reach - _grid(stride), stride, UPPER_BOUND if bound else EXACT
    )


def _grid(stride: Fraction) -> Fraction:
    """Returns a step of which all interpolation positions are multiples: "less than d" means "at most d - step"."""
    return Fraction(1, 2 * stride.denominator)


def _resized(layer: Any, input_shapes: list[Shape]) -> Fields:
    sizes = list(zip(_spatial(layer, input_shapes[0]), (layer.height, layer.width)))
    unknown = any(n is None for n, _ in sizes) or layer.interpolation not in TAPS
    if unknown or layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
        return whole(input_shapes[0], UPPER_BOUND)
    return tuple(_interpolated(Fraction(n or 1, m), layer.interpolation, layer.antialias) for n, m in sizes)


def _padded(layer: Any, input_shapes: list[Shape]) -> Fields:
    return tuple(Field(1, padding=before) for before, _ in _pairs(layer.padding))


def _cropped(layer: Any, input_shapes: list[Shape]) -> Fields:
    return tuple(Field(1, padding=-before) for before, _ in _pairs(layer.cropping))


def _center_crop(layer: Any, input_shapes: list[Shape]) -> Fields:
    sizes = list(zip(_spatial(layer, input_shapes[0]), (layer.height, layer.width)))
    if not all(n is not None and n >= m for n, m in sizes):  # smaller inputs are resized
        return whole(input_shapes[0], UPPER_BOUND)
    return tuple(Field(1, padding=-((n - m) // 2)) for n, m in sizes if n is not None)


def _along_axes(layer: Any, input_shapes: list[Shape]) -> Fields:
    """Returns the fields of a layer that computes along some axes and keeps them: it sees the whole of these."""
    rank = len(input_shapes[0])
    if layer.axis is None:
        return whole(input_shapes[0])
    summed = {axis % rank for axis in _each(layer.axis, 1)}
    return tuple(Field(None) if axis in summed else Field(1) for axis in _of_spatial_axes(range(rank)))


def _reduced(operation: Any, input_shapes: list[Shape]) -> Fields | None:
    fields = _along_axes(operation, input_shapes)
    removed = not operation.keepdims and any(field.size is None for field in fields)
    # if only some spatial axes are removed, the output's axes no longer correspond to the fields
    return None if removed and any(field.size is not None for field in fields) else fields


def _reshaped(layer: Any, input_shapes: list[Shape]) -> Fields:
    spatial, target = input_shapes[0][1:-1], tuple(layer.target_shape)
    if target[: len(spatial)] == tuple(spatial):
        return pointwise(input_shapes[0])
    return whole(input_shapes[0], EXACT if len(target) == 1 else UPPER_BOUND)


def _permuted(layer: Any, input_shapes: list[Shape]) -> Fields:
    same = tuple(layer.dims) == tuple(range(1, len(input_shapes[0])))
    return pointwise(input_shapes[0]) if same else whole(input_shapes[0], UPPER_BOUND)


def _broadcast(operation: Any, input_shapes: list[Shape]) -> Any:
    """Returns the fields of inputs that are broadcast: every position sees the whole of an axis that is stretched."""
    rank = max(map(len, input_shapes))
    aligned = [(1,) * (rank - len(shape)) + tuple(shape) for shape in input_shapes]
    stretched = [any(shape[axis] != 1 for shape in aligned) for axis in range(rank)]
    return [
        tuple(
            Field(None) if stretched[axis] and shape[axis] == 1 else Field(1) for axis in _of_spatial_axes(range(rank))
        )
        for shape in aligned
    ]


def _concatenated(layer: Any, input_shapes: list[Shape]) -> Any:
    rank = len(input_shapes[0])
    axes = list(_of_spatial_axes(range(rank)))
    if layer.axis % rank not in axes:
        return pointwise(input_shapes[0])
    at, fields = axes.index(layer.axis % rank), []
    before: int | None = 0
    for shape in input_shapes:
        if before is None:  # behind an input of unknown size
            return None
        own = list(pointwise(shape, UPPER_BOUND))
        own[at] = Field(1, padding=before, status=UPPER_BOUND)
        fields.append(tuple(own))
        size = shape[layer.axis]
        before = None if size is None else before + size
    return fields


def _recurrent(layer: Any, input_shapes: list[Shape]) -> Fields:
    return whole(input_shapes[0], UPPER_BOUND if layer.return_sequences else EXACT)


def _each_time(layer: Any, input_shapes: list[Shape]) -> Any:
    inner = receptive_field(layer.layer, [_without_time(shape) for shape in input_shapes])
    return (Field(1), *inner) if isinstance(inner, tuple) else None


def _without_time(shape: Shape) -> Shape:
    return (shape[0], *shape[2:])


def _inner(layer: Any, input_shapes: list[Shape]) -> Any:
    return receptive_field(layer.layer, input_shapes)


_register(layer_field, _window, CONVOLUTIONS, POOLS)
_register(layer_field, _transposed, TRANSPOSED)
_register(layer_field, _adaptive, ADAPTIVE)
_register(layer_field, _whole, GLOBAL, ATTENTION, [layers.Flatten, layers.Dot, layers.GroupNormalization])
_register(layer_field, _repeated, UPSAMPLING)
_register(layer_field, _padded, PADDINGS)
_register(layer_field, _cropped, CROPPINGS)
_register(layer_field, _along_axes, ALONG_AXES, [layers.Softmax])
_register(layer_field, _pointwise, UNCOUNTED, AUGMENTATION, [layers.Dense, layers.BatchNormalization])
_register(layer_field, _broadcast, SUMS)
_register(layer_field, _recurrent, RECURRENT, [layers.Bidirectional])
_register(layer_field, _resized, [layers.Resizing])
_register(layer_field, _center_crop, [layers.CenterCrop])
_register(layer_field, _reshaped, [layers.Reshape])
_register(layer_field, _permuted, [layers.Permute])
_register(layer_field, _concatenated, [layers.Concatenate])
_register(layer_field, _each_time, [layers.TimeDistributed])
_register(layer_field, _inner, [layers.SpectralNormalization])
# in training it crops at a random position; at inference it resizes the largest part of the target's proportions
_register(layer_field, lambda layer, shapes: whole(shapes[0], UPPER_BOUND), [layers.RandomCrop])


# Operation counts


def _nothing(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    return 0


def _products(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    """Returns two operations for each kernel weight at each position of the output."""
    dense = isinstance(layer, layers.Dense)  # its channels are last in every data format
    positions = _values(output_shapes[0][:-1]) if dense else _positions(layer, output_shapes[0])
    kernels = [weight for weight in layer.weights if weight.name.endswith("kernel")]
    return 2 * positions * sum(math.prod(kernel.shape) for kernel in kernels)


def _transposed_products(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    return 2 * _positions(layer, input_shapes[0]) * math.prod(layer.kernel.shape)


def _pooling(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    size = _each(layer.pool_size, len(output_shapes[0]) - 2)
    return _values(output_shapes[0]) * math.prod(size)


def _each_input(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    return _values(input_shapes[0])


def _merging(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    return (len(input_shapes) - 1) * _values(output_shapes[0])


def _scaling(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    return 4 * _values(output_shapes[0])


def _interpolation(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int | None:
    taps = TAPS.get(getattr(layer, "interpolation", "nearest"))
    return None if taps is None else 2 * taps**2 * _values(output_shapes[0]) * (taps > 1)


def _steps(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int:
    """Returns the operations of a recurrent layer: the products of its cell at each step."""
    cell = layer.cell
    return 2 * (input_shapes[0][1] or 1) * (math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape))


def _both_directions(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int | None:
    counts = [flops(each, input_shapes, output_shapes) for each in (layer.forward_layer, layer.backward_layer)]
    return sum(count or 0 for count in counts) if None not in counts else None


def _at_each_time(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int | None:
    inner = [[_without_time(shape) for shape in shapes] for shapes in (input_shapes, output_shapes)]
    count = flops(layer.layer, *inner)
    return None if count is None else (input_shapes[0][1] or 1) * count


def _inner_flops(layer: Any, input_shapes: list[Shape], output_shapes: list[Shape]) -> int | None:
    return flops(layer.layer, input_shapes, output_shapes)


_register(layer_flops, _products, CONVOLUTIONS, [layers.Dense])
_register(layer_flops, _transposed_products, TRANSPOSED)
_register(layer_flops, _pooling, POOLS)
_register(layer_flops, _each_input, GLOBAL, ADAPTIVE)
_register(layer_flops, _merging, SUMS)
_register(layer_flops, _scaling, [layers.BatchNormalization])
_register(layer_flops, _interpolation, UPSAMPLING, [layers.Resizing])
_register(layer_flops, _steps, RECURRENT)
_register(layer_flops, _both_directions, [layers.Bidirectional])
_register(layer_flops, _at_each_time, [layers.TimeDistributed])
_register(layer_flops, _inner_flops, [layers.SpectralNormalization])
_register(layer_flops, _nothing, UNCOUNTED, AUGMENTATION, PADDINGS, CROPPINGS, ALONG_AXES)
_register(layer_flops, _nothing, [layers.Concatenate, layers.Flatten, layers.Reshape, layers.Permute])
_register(layer_flops, _nothing, [layers.Softmax, layers.CenterCrop, layers.RandomCrop, layers.GroupNormalization])
