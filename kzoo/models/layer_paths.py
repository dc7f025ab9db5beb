"""Finds layers by path, also in models that a model holds: layer "conv1" of model "backbone" is "backbone/conv1"."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from kzoo.checks import nearest, require
from kzoo.models.graph import Call, calls, is_graph
from kzoo.types import Tensor


def layer_paths(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Returns {path: layer} of the layers of a model, each followed by its own layers if it is a model.

    >>> inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="fc1")], name="backbone")
    >>> list(layer_paths(keras.Sequential([inner, keras.layers.ReLU(name="relu")])))
    ['backbone', 'backbone/fc1', 'relu']
    """
    require(isinstance(model, keras.Model), "analysis", "a Keras model", model=type(model).__name__)
    found = {}
    for layer in model.layers:
        found[layer.name] = layer
        if is_graph(layer):
            found |= {f"{layer.name}/{path}": inner for path, inner in layer_paths(layer).items()}
    return found


def find_path(model: keras.Model, setting: str, layer: Any) -> str:
    """Returns the path of the layer that a path, or the end of only one path, stands for.

    Refuses unknown layers, naming the nearest, and ends of several paths, naming these.
    """
    paths = layer_paths(model)
    known = isinstance(layer, str) and layer in paths
    ends = [layer] if known else [path for path in paths if path.endswith(f"/{layer}")]
    if not ends:
        names = {*paths, *(path.rpartition("/")[2] for path in paths)}
        require(False, model.name, f"{setting}, {nearest(layer, names)}", **{setting: layer})
    require(len(ends) == 1, model.name, f"{setting}, one of the layers {', '.join(ends)}", **{setting: layer})
    return ends[0]


def layers_until(model: keras.Model, until: str) -> dict[str, keras.layers.Layer]:
    """Returns {path: layer} of the layer `until` and of all layers that it depends on.

    A model that it depends on in part is not among them, only the layers of that part.
    """
    reached = set(_paths_until(model, find_path(model, "until", until).split("/")))
    return {
        path: layer
        for path, layer in layer_paths(model).items()
        if not reached.isdisjoint(itertools.accumulate(path.split("/"), "{}/{}".format))
    }


def tensors_at(model: keras.Model, setting: str, paths: Sequence[str], side: str = "outputs") -> list[Tensor]:
    """Returns the first of the "outputs" or "inputs" of the layer at each path, computed from the inputs of `model`.

    A model that holds such layers is called again, with the layers that they depend on only. Refuses a layer that is
    called several times.
    """
    found: dict[str, Tensor] = {}
    for first, group in itertools.groupby(sorted(paths), lambda path: path.partition("/")[0]):
        whole, within = _split(group)
        layer = model.get_layer(first)
        if isinstance(layer, keras.layers.InputLayer):
            found[first] = layer.output
            continue
        call = _only_call(model, setting, first)
        if whole:
            found[first] = getattr(call, side)[0]
        if within:
            inner = keras.Model(layer.inputs, tensors_at(layer, setting, within, side), name=f"{first}_{side}")
            training = {key: value for key, value in call.arguments.items() if key == "training"}
            outputs = keras.tree.flatten(inner(call.inputs if len(call.inputs) > 1 else call.inputs[0], **training))
            found |= {f"{first}/{path}": output for path, output in zip(within, outputs)}
    return [found[path] for path in paths]


def _split(paths):
    """Returns the paths that end at their first name, and what follows the first name of the others, each once."""
    unique = dict.fromkeys(paths)
    return [p for p in unique if "/" not in p], [p.partition("/")[2] for p in unique if "/" in p]


def _only_call(model, setting, name) -> Call:
    found = [call for call in calls(model) if call.operation.name == name]
    expected = f"{setting}, a layer called once; {name} is called {len(found)} times"
    require(len(found) == 1, model.name, expected, **{setting: name})
    return found[0]


def _paths_until(model, names) -> Iterator[str]:
    """Yields the path of each layer needed for the layer that `names` lead to, and those of models that are needed."""
    first, *rest = names
    needed: set[int] = set()  # ids of tensors
    for call in reversed(list(calls(model))):
        whole = not needed.isdisjoint(map(id, call.outputs))
        if whole or call.operation.name == first:
            needed.update(map(id, call.inputs))
            if whole or not rest:
                yield call.operation.name
            else:
                yield from (f"{first}/{path}" for path in _paths_until(call.operation, rest))
