"""Batches of a model's inputs, from arrays or datasets, so that analyses of large data need little memory."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.analysis.model_inputs import as_arrays, batches, fits
from kzoo.checks import require


def input_batches(who: str, model: keras.Model, data: Any, batch_size: int = 32) -> Iterator[list[np.ndarray]]:
    """Yields the batches of `data`, each a list of arrays (batch, ...), one for each input of the model.

    data: an array (examples, ...), a list of such arrays for a model of several inputs, or a `tf.data.Dataset` of
    batches: of inputs, or of (inputs, targets) or (inputs, targets, weights) as `fit` takes them.
    batch_size: the most examples of a batch.
    ValueError for data without examples, without a batch axis or of another shape than the inputs, and for values that
    are not finite or not real.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> [x.shape for (x,) in input_batches("an analysis", model, np.zeros((5, 2)), batch_size=4)]
    [(4, 2), (1, 2)]
    """
    count = 0
    for inputs in _from_dataset(model, data) if isinstance(data, tf.data.Dataset) else [as_arrays(model, data)]:
        _check(who, model, inputs)
        for x in inputs:
            _check_values(who, x, count)
        count += len(inputs[0])
        yield from map(list, zip(*(batches(who, x, batch_size) for x in inputs)))
    require(count, who, "data with at least one example", examples=count)


def _from_dataset(model, data):
    for element in data:
        several = isinstance(element, (tuple, list))
        # (inputs, targets), unless all parts together are the inputs of a model of several inputs
        named = several and len(keras.tree.flatten(element[0])) == len(model.inputs)
        yield [np.asarray(part) for part in keras.tree.flatten(element[0] if named else element)]


def _check(who, model, inputs):
    shapes = [tuple(symbol.shape) for symbol in model.inputs]
    received = [x.shape for x in inputs]
    one = len(shapes) == 1
    expected = f"inputs of shape {shapes[0] if one else shapes}, the first axis that of the examples"
    require(fits(inputs, shapes), who, expected, shape=received[0] if one and len(received) == 1 else received)
    require(len({len(x) for x in inputs}) == 1, who, "inputs of as many examples", shapes=received)


def _check_values(who, x, before):
    if x.dtype.kind in "fc":
        bad = np.flatnonzero(~(np.isfinite(x) & np.isreal(x)).all(tuple(range(1, x.ndim))))
        require(not bad.size, who, "inputs, real and finite numbers", example=before + int(min(bad, default=0)))
