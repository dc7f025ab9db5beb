"""Finds weights by path, such as "stage1/kernel", and by shell patterns of paths."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import keras

from kzoo.checks import Refusal, nearest
from kzoo.models.graph import is_graph
from kzoo.models.layer_paths import layer_paths


def match_weights(model: keras.Model, setting: str, patterns: Iterable[str]) -> list[tuple[str, Any, list[str]]]:
    """Returns (path, weight, those of the patterns that match the path) for each trainable weight of a model.

    Raises Refusal, which starts with `setting`, for a pattern that matches no weight, with the nearest paths.
    """
    paths = weight_paths(model)
    for pattern in patterns:
        if not any(fnmatchcase(path, pattern) for path in paths):
            raise Refusal(f"{setting}: {pattern!r} matches no trainable weight; {nearest(pattern, paths)}")
    return [
        (path, weight, [pattern for pattern in patterns if fnmatchcase(path, pattern)])
        for path, weight in paths.items()
    ]


def weight_paths(model: keras.Model) -> dict[str, Any]:
    """Returns {path: trainable weight}: the path of its layer in the model and its name in the layer.

    >>> inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="fc1")], name="backbone")
    >>> list(weight_paths(keras.Sequential([inner, keras.layers.BatchNormalization(name="norm")])))
    ['backbone/fc1/kernel', 'backbone/fc1/bias', 'norm/gamma', 'norm/beta']
    """
    layers = {path: layer for path, layer in layer_paths(model).items() if not is_graph(layer)}
    return {
        f"{path}/{_name_within(layer, weight)}": weight
        for path, layer in layers.items()
        for weight in layer.trainable_weights
    }


def _name_within(layer, weight):
    """Returns what follows the layer's name in a weight's own path: "kernel", or "forward_lstm/lstm_cell/kernel"."""
    names = weight.path.split("/")
    return "/".join(names[names.index(layer.name) + 1 :]) if layer.name in names[:-1] else weight.name
