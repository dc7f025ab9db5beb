"""The calls of a model as a flat list in the order of computation, each with the receptive fields of its inputs."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from kzoo.analysis import keras_layers
from kzoo.analysis.walk import is_softmax
from kzoo.layers.base_pooling import BasePooling
from kzoo.layers.field import EXACT, STATUSES, UNKNOWN, Field, whole
from kzoo.layers.fractional_max_pooling import FractionalMaxPooling
from kzoo.layers.padding import Padding
from kzoo.layers.scaled_tanh import ScaledTanh
from kzoo.models.graph import calls, is_graph
from kzoo.types import Shape

CHANNELWISE = (
    *keras_layers.POOLS,
    *keras_layers.UPSAMPLING,
    *keras_layers.PADDINGS,
    *keras_layers.CROPPINGS,
    *keras_layers.SUMS,
    *keras_layers.UNCOUNTED,
    keras.layers.BatchNormalization,
    BasePooling,
    FractionalMaxPooling,
    Padding,
    ScaledTanh,
)

Axis = tuple[float | None, float, float]  # size (None: the whole axis), stride and padding, as in `Field`


class Source(NamedTuple):
    """What a call reads: the number of a step, and its receptive field there along each spatial axis."""

    step: int
    axes: list[Axis] | None  # None: it reads nothing but the shape


class Step(NamedTuple):
    """An input of the model (without sources), or one call of a layer or operation; nested models are resolved.

    shape: of the first output, without the batch; status: how exact the fields are, the worst of `STATUSES`;
    channelwise: whether each of its maps is computed from the maps of the same number only.
    """

    path: str
    kind: str
    shape: tuple[int | None, ...]
    sources: list[Source]
    status: str
    channelwise: bool


def model_steps(model: keras.Model, input_shapes: list[Shape] | None = None) -> list[Step]:
    """Returns the inputs of a model, then its calls in the order in which `kzoo.analysis.walk.run` visits them.

    input_shapes: (batch, ...) of the model's inputs, if they are not the ones it was built with.

    >>> layers = [keras.Input((8, 1), name="x"), keras.layers.Conv1D(2, 3, strides=2, name="a")]
    >>> for step in model_steps(keras.Sequential(layers)):
    ...     print(step.path, step.kind, step.shape, step.sources)
    x Input (8, 1) []
    a Conv1D (3, 2) [Source(step=0, axes=[(3.0, 2.0, 0.0)])]
    """
    shapes = input_shapes or [tuple(tensor.shape) for tensor in model.inputs]
    steps = [
        Step(tensor._keras_history[0].name, "Input", tuple(shape[1:]), [], EXACT, True)
        for tensor, shape in zip(model.inputs, shapes)
    ]
    _add_calls(model, list(range(len(steps))), input_shapes, "", steps)
    return steps


def step_layers(model: keras.Model) -> list[Any]:
    """Returns the layer or operation of each of the `model_steps`, None for the inputs of the model."""

    def operations(model: keras.Model) -> Iterator[Any]:
        for call in calls(model):
            if is_graph(call.operation):
                yield from operations(call.operation)
            else:
                yield call.operation

    return [*[None] * len(model.inputs), *operations(model)]


def is_channelwise(operation: Any) -> bool:
    """Returns whether a layer or operation is known to compute each map from the maps of the same number only.

    >>> is_channelwise(keras.layers.MaxPooling2D()), is_channelwise(keras.layers.Conv2D(2, 3))
    (True, False)
    """
    known = isinstance(operation, CHANNELWISE) or type(operation).__name__ in keras_layers.POINTWISE_OPERATIONS
    return known and not is_softmax(operation)


def _add_calls(
    model: keras.Model, inputs: list[int], input_shapes: list[Shape] | None, prefix: str, steps: list[Step]
) -> list[int]:
    """Adds the calls of a model whose inputs are these steps; returns the steps of its outputs."""
    known = {id(tensor): number for tensor, number in zip(model.inputs, inputs)}
    for call in calls(model, input_shapes):
        read = [known[id(tensor)] for tensor in call.inputs]
        path = prefix + call.operation.name
        if is_graph(call.operation):
            outputs = _add_calls(call.operation, read, call.input_shapes, f"{path}/", steps)
        else:
            each = _fields(call.operation, call.input_shapes)
            declared = [field for fields in each if fields is not None for field in fields]
            status = max((field.status for field in declared), key=STATUSES.index, default=EXACT)
            sources = [Source(number, _axes(fields)) for number, fields in zip(read, each)]
            kind, shape = type(call.operation).__name__, tuple(call.output_shapes[0][1:])
            steps.append(Step(path, kind, shape, sources, status, is_channelwise(call.operation)))
            outputs = [len(steps) - 1] * len(call.outputs)
        known.update((id(tensor), number) for tensor, number in zip(call.outputs, outputs))
    return [known[id(tensor)] for tensor in model.outputs]


def _fields(operation: Any, shapes: list[Shape]) -> list[tuple[Field, ...] | None]:
    """Returns the fields of each input of a call along all of its spatial axes."""
    declared = keras_layers.receptive_field(operation, shapes)
    if declared is None:
        return [whole(shape, UNKNOWN) for shape in shapes]
    each = declared if isinstance(declared, list) else [declared] * len(shapes)
    return [
        None if fields is None else (*fields, *[Field(1)] * (len(shape) - 2 - len(fields)))[: max(len(shape) - 2, 0)]
        for fields, shape in zip(each, shapes)
    ]


def _axes(fields: tuple[Field, ...] | None) -> list[Axis] | None:
    if fields is None:
        return None
    return [
        (None if field.size is None else float(field.size), float(field.stride), float(field.padding))
        for field in fields
    ]
