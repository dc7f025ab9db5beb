"""Receptive fields: what each position of a map sees of the input, followed through the graph of a model.

Source: Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks", Distill, for the
recurrences and the union over branches. The recurrences run forwards here, so that every layer gets its fields.
"""

from typing import Any

import keras

from kzoo.analysis import keras_layers
from kzoo.analysis.walk import check_input_shapes
from kzoo.checks import Refusal, require
from kzoo.layers.field import UNKNOWN, Field, Fields, union
from kzoo.models.graph import Call, calls, check_graph, is_graph
from kzoo.types import Shape


def receptive_fields(model: keras.Model, input_shapes: list[Shape] | None = None) -> dict[str, Fields]:
    """Returns the fields of each layer's first output at inference, {layer's name: a `Field` for each spatial axis}.

    `model`: a functional or built Sequential model whose first input has 1 to 3 spatial axes. Where branches meet, a
    position sees the union of what they see. A field of size None sees the whole axis, as behind a dense layer or a
    global pool. Behind a layer that declares no field (`kzoo.analysis.unknown_layers` names these) the status is
    "unknown". A nested model has an entry under its own name, and one for each of its layers, named by path:
    "backbone/conv1". A layer that is called several times has the fields of its last call. Layers that no spatial input
    reaches are left out. ValueError for branches of different strides, naming the layer.
    `input_shapes`: (batch, ...) of the model's inputs, if they are not the ones it was built with.

    >>> from keras import layers
    >>> x = keras.Input((32, 32, 3))
    >>> y = layers.Conv2D(8, 3, padding="same", name="a")(x)
    >>> model = keras.Model(x, layers.MaxPooling2D(2, name="b")(layers.Conv2D(8, 3, padding="same")(y)))
    >>> receptive_fields(model)["b"][0]
    Field(size=6, stride=Fraction(2, 1), padding=2, status='exact')
    """
    found = layer_fields(model, input_shapes)
    return {path: tuple(field.rounded() for field in fields) for path, fields in found.items()}


def layer_fields(
    model: keras.Model, input_shapes: list[Shape] | None = None, index: int | None = None
) -> dict[str, Fields]:
    """Returns what `receptive_fields` does, before rounding to whole pixels.

    index: that of the input whose pixels are seen, by default all inputs with as many axes as the first.
    Unlike in `receptive_fields`, fields of size None have the stride of their map.

    >>> from keras import layers
    >>> inner = keras.Sequential([keras.Input((8, 1)), layers.Conv1D(2, 3, strides=2, name="a")], name="inner")
    >>> list(layer_fields(keras.Sequential([keras.Input((8, 1)), inner])))
    ['inner/a', 'inner']
    """
    check_graph("receptive_fields", model)
    if input_shapes is not None:
        check_input_shapes("receptive_fields", model, input_shapes)
    shape = model.inputs[index or 0].shape
    rank = len(shape) - 2
    require(1 <= rank <= 3, "receptive_fields", "a model with 1 to 3 spatial axes", input_shape=shape)
    found: dict[str, Fields] = {}
    start = [
        (Field(1),) * rank if len(tensor.shape) == rank + 2 and index in (None, number) else None
        for number, tensor in enumerate(model.inputs)
    ]
    _trace(model, start, input_shapes, found)
    return found


def _trace(
    model: keras.Model,
    inputs: list[Fields | None],
    input_shapes: list[Shape] | None,
    found: dict[str, Fields],
    prefix: str = "",
) -> list[Fields | None]:
    """Returns the fields of each output of a model from those of its inputs (None: sees no input).

    Adds the fields of each layer to `found`, under its path.
    """
    seen = {id(tensor): fields for tensor, fields in zip(model.inputs, inputs)}
    last: dict[str, int] = {}
    for call in calls(model, input_shapes):
        fields = [seen[id(tensor)] for tensor in call.inputs]
        path = prefix + call.operation.name
        if is_graph(call.operation):
            outputs = _trace(call.operation, fields, call.input_shapes, found, f"{path}/")
        else:
            outputs = _through(call, fields)
        seen.update((id(tensor), fields) for tensor, fields in zip(call.outputs, outputs))
        if outputs[0] is not None and call.number >= last.get(path, 0):
            found[path], last[path] = outputs[0], call.number
    return [seen[id(tensor)] for tensor in model.outputs]


def _through(call: Call, inputs: list[Fields | None]) -> list[Fields | None]:
    """Returns the fields of each output of a call, from those of its inputs."""
    if all(fields is None for fields in inputs):
        return [None] * len(call.outputs)
    rank = next(len(fields) for fields in inputs if fields is not None)
    unknown = (Field(None, status=UNKNOWN),) * rank
    declared = keras_layers.receptive_field(call.operation, call.input_shapes)
    if declared is None:
        return [unknown] * len(call.outputs)
    each = declared if isinstance(declared, list) else [declared] * len(inputs)
    read = [_after(own, fields) for own, fields in zip(each, inputs) if own is not None and fields is not None]
    first = tuple(_meet(call.operation.name, parts) for parts in zip(*read)) if read else None
    # a layer declares the fields of its first output; they hold for other outputs of the same size too
    alike = [shape[1:-1] == call.output_shapes[0][1:-1] for shape in call.output_shapes]
    return [first if same else unknown for same in alike]


def _after(own: Fields, inner: Fields) -> Fields:
    """Returns a layer's fields in pixels of the model's input; axes that it does not declare keep their fields."""
    padded = own + (Field(1),) * (len(inner) - len(own))
    return tuple(outer.after(field) for outer, field in zip(padded, inner))


def _meet(name: str, parts: Any) -> Field:
    strides = {part.stride for part in parts if part.size is not None}
    if len(strides) > 1 and all(part.size is not None for part in parts):
        raise Refusal(f"receptive_fields expects branches of one stride at layer {name}; received {sorted(strides)}.")
    return union(parts)
