"""Distances of outputs and probabilities of classes against a loop, in all data formats, nested or not."""

import keras
import numpy as np
import pytest
import scipy.ndimage
from keras import layers

from kzoo.analysis.feature_distance import invariance_curves
from kzoo.checks import Refusal
from kzoo.layers import Conv2D
from kzoo.models.registry import model as zoo_model


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def small(data_format="channels_last", end="softmax"):
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 2) if data_format == "channels_last" else (2, 8, 8))
    y = Conv2D(4, 3, padding="circular", data_format=data_format, name="conv")(x)
    y = layers.GlobalMaxPooling2D(data_format=data_format, name="pool")(y)
    return keras.Model(x, layers.Dense(3, end, name="classes")(y), name="small")


@pytest.mark.parametrize(
    ("transform", "amounts", "moved"),
    [
        ("shift", [-1, 0, 3], lambda x, a: np.roll(x, a, 1)),
        ("rotation", [0, 30], lambda x, a: scipy.ndimage.rotate(x, a, reshape=False, order=1, mode="grid-constant")),
        ("flip", [0, 1], np.flip),
    ],
    ids=["shift", "rotation", "flip"],
)
@pytest.mark.parametrize("end", ["softmax", None])
def test_against_a_loop(transform, amounts, moved, end):
    model, x = small(end=end), noise(3, 8, 8, 2)
    found = invariance_curves(model, "conv", transform, x, [0, 2, 1], amounts, batch_size=2)
    conv = keras.Model(model.inputs, model.get_layer("conv").output)
    for i, amount in enumerate(amounts):
        for j, label in enumerate((0, 2, 1)):
            a, b = x[j], moved(x[j], amount)
            distance = np.sqrt(np.sum((np.asarray(conv(a[None]), "float64") - np.asarray(conv(b[None]))) ** 2))
            output = np.asarray(model(b[None]), "float64")[0]
            probability = output[label] if end else np.exp(output[label]) / np.exp(output).sum()
            np.testing.assert_allclose(found.distance[i, j], distance, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(found.probability[i, j], probability, rtol=1e-4)
    assert found.classes.tolist() == [0, 2, 1]


def test_what_is_invariant_stays_and_what_is_not_changes():
    x = noise(3, 8, 8, 2)
    found = invariance_curves(small(), "pool", "shift", x)
    assert np.abs(found.distance).max() < 1e-5 and np.ptp(found.probability, 0).max() < 1e-6
    assert found.distance.shape == (5, 3)
    np.testing.assert_array_equal(found.classes, np.argmax(small()(x), -1))
    assert invariance_curves(small(), "conv", "shift", x, amounts=[1]).distance.min() > 1


def test_structures_and_data_formats():
    flat, first = small(), small("channels_first")
    sequence = keras.Sequential([keras.Input((8, 8, 2)), *flat.layers[1:]])
    nested = keras.Sequential([keras.Input((8, 8, 2)), flat])
    first.set_weights(flat.get_weights())
    x = noise(3, 8, 8, 2)
    wanted = invariance_curves(flat, "conv", "scale", x)
    for model, inputs in ((sequence, x), (nested, x), (first, np.moveaxis(x, -1, 1))):
        found = invariance_curves(model, "conv", "scale", inputs)
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
        np.testing.assert_allclose(found.probability, wanted.probability, rtol=1e-4)


def test_a_model_of_the_zoo(tmp_path):
    found = invariance_curves(zoo_model("mnist1d_cnn"), "stage1", "shift", noise(5, 40, 1))
    assert found.distance.shape == (17, 5) and (found.distance[8] == 0).all() and np.asarray(found) is found.distance
    assert len(found.plot(tmp_path / "a.png").axes) == 2
    assert invariance_curves(small(), "pool", "shift", noise(1, 8, 8, 2), amounts=[(1, 1), (2, 2)]).plot().axes


def test_refusals():
    model, x = small(), noise(4, 8, 8, 2)
    for arguments, message in (
        ({"layer": "cnv"}, "did you mean 'conv'"),
        ({"transform": "turn"}, "^invariance_curves expects transform, one of"),
        ({"inputs": x[0]}, "^invariance_curves expects inputs, an array of numbers"),
        ({"amounts": [0.5]}, "^invariance_curves expects amounts"),
        ({"border": "crop"}, "^invariance_curves expects border, one of"),
        ({"class_index": 3}, "expects class_index below 3"),
        ({"batch_size": 0}, "^invariance_curves expects batch_size"),
    ):
        with pytest.raises(Refusal, match=message):
            invariance_curves(**{"model": model, "layer": "conv", "transform": "shift", "inputs": x} | arguments)
