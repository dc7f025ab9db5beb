"""Runs a model call by call, also the calls of models that it holds, so that an analysis can read or change each.

It is how all analyses of what a model computes reach its inside: any functional or Sequential model, nested or not.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from kzoo.checks import require
from kzoo.models.graph import calls, is_graph
from kzoo.models.layer_paths import find_path
from kzoo.types import Tensor

Visit = Callable[[str, Any, tuple[Any, ...], dict[str, Any]], Any]  # visit(path, operation, args, kwargs) -> outputs


def compute(path: str, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Returns the outputs of a call: the visit that changes nothing."""
    return operation(*args, **kwargs)


def run(model: keras.Model, inputs: Any, visit: Visit = compute) -> list[Tensor]:
    """Returns the outputs of a model at inference, each of whose calls is computed by `visit`.

    `visit` receives the path of a layer ("backbone/conv1" in the model "backbone"), the layer or operation, and the
    arguments of the call. Models that the model holds are not visited, but their layers are.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="fc1"), keras.layers.ReLU(name="relu")])
    >>> paths = []
    >>> _ = run(model, keras.ops.ones((1, 2)), lambda path, *call: paths.append(path) or compute(path, *call))
    >>> paths
    ['fc1', 'relu']
    """
    return _run(model, inputs, visit, "")


def _run(model, inputs, visit, prefix):
    given = keras.tree.flatten(inputs)
    expected = f"as many arrays as {model.name} has inputs, {len(model.inputs)}"
    require(len(given) == len(model.inputs), "analysis", expected, inputs=len(given))
    values = {id(symbol): keras.ops.convert_to_tensor(x, dtype=symbol.dtype) for symbol, x in zip(model.inputs, given)}
    for call in calls(model):
        args, kwargs = call.fill_in(values)
        path = prefix + call.operation.name
        stateful = getattr(call.operation, "stateful", False)
        require(not stateful, "analysis", "layers without a state that lasts from call to call", layer=path)
        if is_graph(call.operation):
            outputs = _run(call.operation, args, visit, f"{path}/")
        else:
            outputs = keras.tree.flatten(visit(path, call.operation, args, kwargs))
        values.update((id(symbol), y) for symbol, y in zip(call.outputs, outputs))
    return [values[id(symbol)] for symbol in model.outputs]


def outputs_at(model: keras.Model, inputs: Any, layers: Sequence[str], visit: Visit = compute) -> list[Tensor]:
    """Returns the first output of each of the layers, found by path or by the end of a path that only one has.

    The outputs are those that the rest of the model is computed from, so that a gradient tape knows the way through
    them. Refuses a layer that is called several times.
    """
    paths = [inner_path(model, find_path(model, "layer", layer)) for layer in layers]
    return run_with(model, inputs, paths, visit)[1]


def run_with(
    model: keras.Model, inputs: Any, paths: Sequence[str], visit: Visit = compute
) -> tuple[list[Tensor], list[Tensor]]:
    """Returns the outputs of a model, and the first output of each of the layers or operations at these whole paths."""
    found: dict[str, list[Tensor]] = {path: [] for path in paths}

    def record(path, operation, args, kwargs):
        outputs = visit(path, operation, args, kwargs)
        if path in found:
            found[path].append(keras.tree.flatten(outputs)[0])
        return outputs

    outputs = run(model, inputs, record)
    for path in paths:
        count = len(found[path])
        require(count == 1, model.name, f"layer, one that is called once; {path} is called {count} times", layer=path)
    return outputs, [found[path][0] for path in paths]


def input_dependencies(model: keras.Model) -> dict[str, frozenset[int]]:
    """Returns {path: indices of the model's inputs that it depends on} of each layer and operation.

    >>> a, b = keras.Input((2,)), keras.Input((2,))
    >>> x = keras.layers.ReLU(name="relu")(b)
    >>> model = keras.Model([a, b], keras.layers.Add(name="sum")([a, x]))
    >>> {path: sorted(indices) for path, indices in input_dependencies(model).items()}
    {'relu': [1], 'sum': [0, 1]}
    """
    found: dict[str, frozenset[int]] = {}
    _depend(model, [frozenset([index]) for index in range(len(model.inputs))], found, "")
    return found


def _depend(model, given, found, prefix):
    """Returns what each output of a model depends on, from what its inputs do; adds its layers to `found`."""
    known = {id(symbol): indices for symbol, indices in zip(model.inputs, given)}
    for call in calls(model):
        read, path = [known[id(symbol)] for symbol in call.inputs], prefix + call.operation.name
        if is_graph(call.operation):
            outputs = _depend(call.operation, read, found, f"{path}/")
        else:
            found[path] = found.get(path, frozenset()).union(*read)
            outputs = [frozenset().union(*read)] * len(call.outputs)
        known.update((id(symbol), indices) for symbol, indices in zip(call.outputs, outputs))
    return [known[id(symbol)] for symbol in model.outputs]


def inner_path(model: keras.Model, path: str) -> str:
    """Returns the path of a layer, or of the layer that computes the first output of a nested model at this path."""
    layer = model
    for name in path.split("/"):
        layer = layer.get_layer(name)
    return f"{path}/{last_path(layer)}" if is_graph(layer) else path


def last_path(model: keras.Model, index: int = 0) -> str:
    """Returns the path of the layer or operation that computes an output of a model, by default the first."""
    for call in calls(model):
        for number, symbol in enumerate(call.outputs):
            if symbol is model.outputs[index]:
                inner = f"/{last_path(call.operation, number)}" if is_graph(call.operation) else ""
                return call.operation.name + inner
    return model.inputs[0]._keras_history[0].name  # a model that returns its input


def before_softmax(model: keras.Model, visit: Visit = compute, layer: str | None = None) -> Visit:
    """Returns a visit with which `run` returns the logits of a model whose first output is a softmax.

    layer: the path of a layer whose outputs become logits instead, if it ends in a softmax and computes an output of
    the model. Elsewhere, and for other models, it is the given visit.
    """
    ends = [last_path(model, index) for index in range(len(model.outputs))]
    last = ends[0] if layer is None else layer if layer in ends else None

    def logits(path, operation, args, kwargs):
        if path != last or not is_softmax(operation):
            return visit(path, operation, args, kwargs)
        if not hasattr(operation, "activation") or isinstance(operation, keras.layers.Activation):
            return args[0]
        with activation_replaced(operation, keras.activations.linear):
            return visit(path, operation, args, kwargs)

    return logits


def is_softmax(operation: Any) -> bool:
    """Returns whether a layer or operation ends in a softmax."""
    return (
        isinstance(operation, keras.layers.Softmax)
        or getattr(operation, "activation", None) is keras.activations.softmax
        or type(operation) is operation_type(keras.ops.softmax)
    )


def operation_type(function: Callable[..., Any]) -> type:
    """Returns the class of the operations by which calls of a function of `keras.ops` appear in a model."""
    return type(function(keras.KerasTensor((None, 2)))._keras_history[0])


@contextlib.contextmanager
def activation_replaced(layer: keras.layers.Layer, activation: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Context manager: gives a layer another activation function."""
    before = layer.activation
    layer.activation = activation
    try:
        yield
    finally:
        layer.activation = before


def channels_first(model: keras.Model) -> bool:
    """Returns whether the maps of a model have their channels first: what its layers say, or else Keras's setting."""
    return next(_data_formats(model), keras.config.image_data_format()) == "channels_first"


def check_input_shapes(who: str, model: keras.Model, input_shapes: Any) -> None:
    """Raises Refusal for shapes that are not (batch, ...) of the model's inputs; spatial sizes may be others."""
    built, axis = [tuple(symbol.shape) for symbol in model.inputs], 1 if channels_first(model) else -1
    given = list(input_shapes) if isinstance(input_shapes, (list, tuple)) else []
    good = len(given) == len(built) and all(
        isinstance(shape, (list, tuple))
        and len(shape) == len(own)
        and (len(own) < 2 or own[axis] in (None, shape[axis]))
        for shape, own in zip(given, built)
    )
    require(good, who, f"input_shapes, one for each of {built}", input_shapes=input_shapes)


def _data_formats(model: keras.Model) -> Iterator[str]:
    for call in calls(model):
        if is_graph(call.operation):
            yield from _data_formats(call.operation)
        elif getattr(call.operation, "data_format", None) is not None:
            yield call.operation.data_format
