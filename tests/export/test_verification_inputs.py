"""Random batches of 1 and 7, in several sizes where the model leaves them open, and all examples."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export import verification_inputs as module
from kzoo.export.verification_inputs import input_sizes, random_input, verification_batches


def test_random_and_real(small_model, images, monkeypatch):
    monkeypatch.setattr(module, "EXAMPLES_BATCH", 8)
    found = verification_batches(small_model, images)
    assert [batch.shape for batch in found] == [f"{n} x 8 x 8 x 1" for n in (1, 7, 8, 8, 4)]
    assert all(batch.signature == "serving_default" and list(batch.inputs) == ["input"] for batch in found)
    for batch in found:
        np.testing.assert_allclose(batch.expected[0], small_model(batch.inputs["input"]), atol=1e-6)
    assert [batch.real for batch in found] == [False, False, True, True, True]
    np.testing.assert_array_equal(np.concatenate([batch.inputs["input"] for batch in found[2:]]), images)
    assert abs(found[1].inputs["input"].mean() - images.mean()) < 20  # noise of the examples' own range
    assert (
        verification_batches(small_model)[1].inputs["input"] == verification_batches(small_model)[1].inputs["input"]
    ).all()


def test_large_inputs_come_in_twos(small_model, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 64)
    assert [batch.shape for batch in verification_batches(small_model)] == ["1 x 8 x 8 x 1", "2 x 8 x 8 x 1"]


def test_several_inputs_and_outputs():
    a, b = keras.Input((2,), name="a"), keras.Input((), dtype="int32", name="b")
    model = keras.Model([a, b], {"z": keras.layers.Dense(1)(a), "y": keras.ops.one_hot(b, 3)})
    batch = verification_batches(model)[1]
    assert {name: (x.shape, x.dtype.name) for name, x in batch.inputs.items()} == {
        "a": ((7, 2), "float32"),
        "b": ((7,), "int32"),
    }
    assert [y.shape for y in batch.expected] == [(7, 3), (7, 1)]  # by name, as a signature has them


def test_examples_of_several_inputs(monkeypatch):
    monkeypatch.setattr(module, "EXAMPLES_BATCH", 3)
    a, b = keras.Input((None,), name="a"), keras.Input((1,), name="b")
    model = keras.Model([a, b], keras.ops.sum(a, -1, keepdims=True) * b)
    examples = {"b": np.arange(4.0)[:, None], "a": np.ones((4, 2))}
    found = verification_batches(model, examples)
    assert [batch.shape for batch in found] == ["1 x 2", "7 x 2", "1 x 7", "7 x 7", "3 x 2", "1 x 2"]
    assert list(found[-1].inputs) == ["a", "b"] and found[-1].real
    np.testing.assert_allclose(np.concatenate([batch.expected[0] for batch in found[-2:]]), [[0], [2], [4], [6]])
    nested = keras.Model({"b": b, "a": a}, {"c": model.output})
    (expected,) = verification_batches(nested, {"a": np.full((2, 3), 2.0), "b": np.array([[1.0], [5.0]])})[-1].expected
    np.testing.assert_allclose(expected, [[6], [30]])
    with pytest.raises(Refusal, match="export expects examples of the inputs a, b; received inputs="):
        verification_batches(model, {"a": np.ones((4, 2))})
    with pytest.raises(Refusal, match="export expects as many examples of each input"):
        verification_batches(model, {**examples, "b": np.ones((3, 1))})


def test_open_sizes():
    x = keras.Input((None, None, 3))
    model = keras.Model(x, keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(2, 40)(x)))
    assert input_sizes(model) == [[(128, 128, 3)], [(133, 137, 3)]]  # 32 is too small for the kernel
    assert input_sizes(model, np.zeros((1, 50, 60, 3))) == [[(50, 60, 3)], [(55, 69, 3)]]


def test_models_that_take_only_multiples_of_a_size():
    """Two poolings and unpoolings: odd sizes do not fit back."""
    x = keras.Input((None, None, 1), name="it")
    first, indices = layers.MaxPoolingWithArgmax2D(2)(x)
    second, inner = layers.MaxPoolingWithArgmax2D(2)(first)
    y = layers.MaxUnpooling2D(2)([layers.MaxUnpooling2D(2)([second, inner]), indices])
    assert input_sizes(keras.Model(x, y)) == [[(32, 32, 1)], [(64, 96, 1)]]


def test_models_of_one_size_are_refused():
    x = keras.Input((None, 1), name="it")
    y = keras.layers.Reshape((32,))(x)
    words = (
        r"^export: one takes inputs of \(32, 1\), but not of other sizes such as \(64, 1\); give a fixed size \(--size"
    )
    with pytest.raises(Refusal, match=words):
        input_sizes(keras.Model(x, y, name="one"))


def test_examples_of_another_shape_are_refused(small_model):
    with pytest.raises(Refusal, match=r"^export expects examples of shape \(8, 8, 1\); received shape=\(8, 9, 1\)\.$"):
        verification_batches(small_model, np.zeros((2, 8, 9, 1), "float32"))


def test_no_size_fits(monkeypatch):
    monkeypatch.setattr(module, "SIDES", (4, 8))
    x = keras.Input((None, 3), name="it")
    model = keras.Model(x, keras.layers.Conv1D(2, 40)(x), name="wide")
    with pytest.raises(Refusal, match="^export: wide takes no input with sides of 4, 8.$"):
        input_sizes(model)


def test_values_that_are_not_finite_are_refused():
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Rescaling(np.inf)(x), name="broken")
    with pytest.raises(Refusal, match="^export: broken returns values that are not finite"):
        verification_batches(model)


def test_random_input():
    rng = np.random.default_rng(0)
    values = random_input(rng, keras.Input((50,)), 20, (50,), examples=np.array([90.0, 110.0]))
    assert values.shape == (20, 50) and abs(values.mean() - 100) < 2 and abs(values.std() - 10) < 1
    assert set(random_input(rng, keras.Input((50,), dtype="int32"), 2, (50,)).ravel()) == {0, 1}
