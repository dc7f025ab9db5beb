"""The calls of layers that make up a model, in the order of computation."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras

from kzoo.checks import require
from kzoo.types import Shape


class Call(NamedTuple):
    """One call of a layer or of an operation on tensors; a shared layer has several."""

    operation: Any
    number: int  # in the order in which the layer was called
    arguments: dict[str, Any]  # given by name
    inputs: list[Any]
    outputs: list[Any]
    input_shapes: list[Shape]
    output_shapes: list[Shape]
    fill_in: Callable[[dict[int, Any]], tuple[tuple[Any, ...], dict[str, Any]]]  # (args, kwargs) from values by id


def check_graph(who: str, model: Any) -> None:
    """Raises Refusal for anything but a model whose layers and inputs are known."""
    require(is_graph(model), who, "a functional or built Sequential model", model=type(model).__name__)


def calls(model: keras.Model, input_shapes: list[Shape] | None = None) -> Iterator[Call]:
    """Yields each call between a model's inputs and outputs after those that compute its inputs.

    `input_shapes`: of the model's inputs, if they are not the ones it was built with: a nested model may be called with
    others. ValueError for a model that is no graph of layers: one with a `call` of its own, or not yet built.
    """
    expected = "a functional or Sequential model that knows its input shape"
    require(is_graph(model), "analysis", expected, model=type(model).__name__)
    built = [tuple(tensor.shape) for tensor in model.inputs]
    shapes = built if input_shapes is None else [tuple(shape) for shape in input_shapes]
    same = shapes == built
    known: dict[int, Any] = {
        id(tensor): tensor if same else keras.KerasTensor(shape, tensor.dtype)
        for tensor, shape in zip(model.inputs, shapes)
    }
    pending = list(reversed(model.outputs))
    while pending:
        tensor = pending[-1]
        if id(tensor) in known:
            pending.pop()
            continue
        # Keras lists a model's layers publicly, but stores their connections in these two private attributes only
        operation, number, _ = tensor._keras_history
        node = operation._inbound_nodes[number]
        missing = [part for part in node.input_tensors if id(part) not in known]
        if missing:
            pending.extend(reversed(missing))
            continue
        outputs = node.output_tensors
        specs = outputs
        if not same:
            args, kwargs = node.arguments.fill_in(known)
            specs = keras.tree.flatten(operation.compute_output_spec(*args, **kwargs))
        known.update((id(output), spec) for output, spec in zip(outputs, specs))
        inputs = list(node.input_tensors)
        yield Call(
            operation,
            number,
            node.arguments.kwargs,
            inputs,
            list(outputs),
            [tuple(known[id(part)].shape) for part in inputs],
            [tuple(spec.shape) for spec in specs],
            node.arguments.fill_in,
        )


def reapply(model: keras.Model, inputs: list[Any], replaced: dict[str, Any] | None = None) -> list[Any]:
    """Returns the outputs of a model's layers for other symbolic inputs, one for each of the model's.

    replaced: {name: layer}, layers that take the place of those with these names.

    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> reapply(model, [keras.Input((3,))])[0].shape
    (None, 2)
    """
    known = {id(old): new for old, new in zip(model.inputs, inputs, strict=True)}
    for call in calls(model):
        args, kwargs = call.fill_in(known)
        outputs = (replaced or {}).get(call.operation.name, call.operation)(*args, **kwargs)
        known.update(zip(map(id, call.outputs), keras.tree.flatten(outputs)))
    return [known[id(tensor)] for tensor in model.outputs]


def is_graph(operation: Any) -> bool:
    """Returns whether a layer is a model made of a graph of layers."""
    if isinstance(operation, keras.Sequential):
        return operation.built and bool(operation.layers)
    return isinstance(operation, keras.Model) and hasattr(operation, "operations")
