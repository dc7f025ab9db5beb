"""`adapt_batches`: examples of arrays and of iterables, a few at a time, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.layers import MeanSubtraction, ZCAWhitening
from kzoo.layers.adapt_batches import MOST, adapt_batches

X = np.arange(2 * (MOST + 4), dtype="uint8").reshape(-1, 2)


@pytest.mark.parametrize(
    "data, sizes",
    [
        (X, [MOST, 4]),
        ([X[:5], X[5:9]], [5, 4]),
        (iter([X[:5]]), [5]),
        (keras.ops.convert_to_tensor(X), [MOST, 4]),
        (tf.data.Dataset.from_tensor_slices(X).batch(200), [200, len(X) - 200]),
    ],
    ids=["array", "list", "iterator", "tensor", "dataset"],
)
def test_yields_every_example(data, sizes):
    layer = MeanSubtraction()
    batches = list(adapt_batches(layer, data))
    assert [len(batch) for batch in batches] == sizes and {batch.dtype.name for batch in batches} == {"float64"}
    np.testing.assert_array_equal(np.concatenate(batches), X[: sum(sizes)])
    assert layer.built and layer.mean.shape == (2,)


def test_refuses():
    for data in ([], X[:0]):
        with pytest.raises(Refusal, match="ZCAWhitening expects at least one example to adapt to; received examples=0"):
            list(adapt_batches(ZCAWhitening(), data))
    with pytest.raises(Refusal, match="as many values as it was built for; received values=3"):
        list(adapt_batches(ZCAWhitening(), [X, np.zeros((4, 3))]))
