"""The cost of models, and what can be computed within the operations of one result."""

import keras
from keras import layers

from kzoo.analysis.model_cost import BATCH, OPERATIONS, VALUES, Cost, model_cost


def test_nested_models_and_open_sizes():
    inner = keras.Sequential([keras.Input((None, 2)), layers.Conv1D(3, 2), layers.ReLU()], name="inner")
    x = keras.Input((None, 2))
    model = keras.Model(x, layers.GlobalAveragePooling1D()(inner(x)))
    found = model_cost(model, [(1, 9, 2)])
    assert found.values == 8 * 3 + 8 * 3 + 3
    assert found.operations is not None and found.operations >= 2 * 8 * 3 * 2 * 2
    assert model_cost(model).operations is None


def test_what_is_affordable():
    assert [Cost(OPERATIONS // n, 0).affordable(2, 8) for n in (1, 5, 100)] == [2, 5, 8]
    assert Cost(None, 0).affordable(2, 8) == 2
    assert [Cost(1, values).batch_size for values in (0, VALUES // 4, 2 * VALUES)] == [BATCH, 4, 1]
