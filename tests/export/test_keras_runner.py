"""A Keras model on batches of any number of examples: outputs, compilations, sizes, and what is refused."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.keras_runner import KerasRunner, as_floats

DRAW = np.random.default_rng(0)


def test_batches_are_filled_up_to_few_sizes(small_model, images, monkeypatch):
    run, sizes = KerasRunner(small_model), []
    whole = small_model.predict_on_batch(images)
    predict_on_batch = small_model.predict_on_batch
    monkeypatch.setattr(small_model, "predict_on_batch", lambda x: sizes.append(len(x)) or predict_on_batch(x))
    for count in (1, 5, 3, 8, 20, 9):
        np.testing.assert_allclose(run(images[:count]), whole[:count], atol=1e-6)
    assert run.shape == (8, 8, 1) and sizes == [1, 8, 8, 8, 32, 32]


@pytest.fixture(scope="module")
def any_size():
    """A runner of a segmentation model of images of any size from 5 x 5, and the model."""
    x = inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, padding="reflect")(layers.Conv2D(4, 5)(x))
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(layers.MaxPooling2D(2, padding="same")(x)))
    return KerasRunner(model), model


def test_any_size_is_one_graph(any_size):
    run, model = any_size
    for size in ((16, 16), (9, 12)):
        x = DRAW.uniform(0, 1, (2, *size, 3)).astype("float32")
        np.testing.assert_allclose(run(x), model(x), atol=1e-6)
    assert run.shape == (None, None, 3)


def test_batches_that_the_model_cannot_take(any_size):
    """An assertion in the graph is given in its own words."""
    with pytest.raises(Refusal) as caught:
        any_size[0](np.zeros((1, 2, 9, 3), "float32"))
    assert str(caught.value) == (
        "predict: the model cannot be run: conv expects a window that fits into the padded input on spatial axis 0; "
        "received ksize=5, dilation=1, input=2, padding=(0, 0)."
    )
    x = keras.Input((None, 1))
    run = KerasRunner(keras.Model(x, keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(2, 5)(x))))
    with pytest.raises(Refusal, match="^predict: the model cannot be run: ") as caught:
        run(np.zeros((1, 2, 1), "float32"))
    assert "\n" not in str(caught.value)


def test_several_inputs_are_refused():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    with pytest.raises(Refusal, match="^predict expects a model of one input; received inputs='a, b'.$"):
        KerasRunner(keras.Model([a, b], keras.layers.Add()([a, b])))


def test_half_precision_becomes_float32():
    x = keras.Input((2,))
    half = keras.Model(x, keras.layers.Dense(2, dtype="mixed_bfloat16")(x))
    outputs = KerasRunner(half)(np.ones((3, 2), "float32"))
    assert outputs.dtype == "float32" and outputs.shape == (3, 2)
    assert as_floats(np.ones(2)).dtype == "float64"
