"""Layers that declare no operation count or receptive field, which `flops` and `receptive_fields` cannot follow."""

from typing import NamedTuple

import keras

from kzoo.analysis import keras_layers
from kzoo.models.graph import calls, is_graph


class UnknownLayer(NamedTuple):
    """A layer or operation of a model, and what its class does not declare."""

    path: str
    type: str
    missing: tuple[str, ...]  # of "operation count" and "receptive field"


def unknown_layers(model: keras.Model) -> list[UnknownLayer]:
    """Returns the layers and operations of a model whose operation count or receptive field is unknown.

    `model`: a functional or built Sequential model. Layers of nested models are named by path. How to declare both
    for a layer: `kzoo.analysis.keras_layers`. Where the list is empty and `flops` is None, a size is
    unknown: `flops` takes `input_shapes`.

    >>> x = keras.Input((8, 8, 1))
    >>> model = keras.Model(x, keras.layers.Lambda(lambda x: x[:, ::2], name="every_second_row")(x))
    >>> unknown_layers(model)
    [UnknownLayer(path='every_second_row', type='Lambda', missing=('operation count', 'receptive field'))]
    """
    return list(dict.fromkeys(_unknown(model, "")))


def _unknown(model, prefix):
    for call in calls(model):
        path = prefix + call.operation.name
        if is_graph(call.operation):
            yield from _unknown(call.operation, f"{path}/")
            continue
        # a size of 1 stands for unknown sizes: only whether there is a count matters
        inputs, outputs = ([(None, *(n or 1 for n in shape[1:])) for shape in each] for each in call[-3:-1])
        missing = []
        if keras_layers.flops(call.operation, inputs, outputs) is None:
            missing.append("operation count")
        if keras_layers.receptive_field(call.operation, call.input_shapes) is None:
            missing.append("receptive field")
        if missing:
            yield UnknownLayer(path, type(call.operation).__name__, tuple(missing))
