"""The batches from which the `adapt` methods of layers compute statistics."""

from collections.abc import Iterable, Iterator

import keras
import numpy as np

from kzoo.checks import require
from kzoo.types import Tensor

__all__ = ()  # for other layers only

MOST = 256  # examples at a time, so that an array of all examples is not copied as a whole


def adapt_batches(layer: keras.layers.Layer, data: Tensor | Iterable[Tensor]) -> Iterator[np.ndarray]:
    """Yields the examples of `data` as float64 batches, after building the layer for their shape.

    `data`: an array (N, ...), or an iterable of such arrays, as a batched `tf.data.Dataset` is.
    Errors: Refusal if there are no examples, or if the layer does not take their shape.
    """
    count = 0
    for examples in map(np.asarray, [data] if hasattr(data, "shape") else data):
        for start in range(0, len(examples), MOST):
            batch = examples[start : start + MOST].astype("float64")
            if not layer.built:
                layer.build((None, *batch.shape[1:]))
            layer.compute_output_shape(batch.shape)
            yield batch
            count += len(batch)
    require(count > 0, type(layer).__name__, "at least one example to adapt to", examples=count)
