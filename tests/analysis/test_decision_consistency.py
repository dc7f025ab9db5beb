"""Agreement of decisions between shifts against a loop, closed forms, crops, and what is refused."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.decision_consistency import shift_consistency
from kzoo.checks import Refusal
from kzoo.layers import Conv2D
from kzoo.models.registry import model as zoo_model

PAD = {"circular": "wrap", "zeros": "constant", "replicate": "edge", "reflect": "reflect"}


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def network(padding="circular", data_format="channels_last", end="softmax", size=8, strides=1):
    keras.utils.set_random_seed(0)
    x = keras.Input((size, size, 2) if data_format == "channels_last" else (2, size, size))
    conv = {"padding": padding, "data_format": data_format}
    y = Conv2D(6, 3, strides=strides, activation="relu", **conv, name="conv1")(x)
    y = Conv2D(6, 3, **conv, name="conv2")(y)
    y = layers.GlobalMaxPooling2D(data_format=data_format, name="pool")(y)
    return keras.Model(x, layers.Dense(4, end, name="classes")(y), name="network")


def by_a_loop(model, versions, softmax):
    """Each pair of versions of each example by itself."""
    same, change = [], []
    outputs = [np.asarray(model(version), "float64") for version in versions]
    for i, j in itertools.permutations(range(len(versions)), 2):
        for a, b in zip(outputs[i], outputs[j], strict=True):
            p, q = (a, b) if softmax else (np.exp(a) / np.exp(a).sum(), np.exp(b) / np.exp(b).sum())
            same.append(p.argmax() == q.argmax())
            change.append(abs(p[p.argmax()] - q[p.argmax()]))
    return np.mean(same), np.mean(change)


@pytest.mark.parametrize("end", ["softmax", None])
@pytest.mark.parametrize("border", PAD)
def test_against_a_loop(border, end):
    model, x = network("same", end=end, strides=2), noise(20, 8, 8, 2)
    padded = np.pad(x, [(0, 0), (3, 3), (3, 3), (0, 0)], mode=PAD[border])
    versions = [padded[:, 3 - a : 11 - a, 3 - b : 11 - b] for a, b in ((0, 0), (0, 2), (1, -3))]
    found = shift_consistency(model, x, [0, 2, (1, -3)], border, batch_size=8)
    same, change = by_a_loop(model, versions, end == "softmax")
    np.testing.assert_allclose((found.consistency, found.probability_change), (same, change), rtol=1e-4)
    assert 0.2 < same < 1 and change > 0.001
    np.testing.assert_array_equal(found.classes[1], np.asarray(model(versions[1])).argmax(-1))
    np.testing.assert_array_equal(np.diag(found.agreement), 1)
    np.testing.assert_array_equal(found.agreement, found.agreement.T)
    np.testing.assert_array_equal(np.diag(found.change), 0)


@pytest.mark.parametrize("size", [8, None])
def test_crops_are_windows_of_larger_images(size):
    model, x = network("same", size=size, strides=2), noise(20, 14, 17, 2)
    side = size or 13  # without a size, all but the range of the shifts: 1 row and 4 columns
    top, left = (14 - 1 - side) // 2, (17 - 4 - side) // 2
    found = shift_consistency(model, x, [0, (1, 3), (0, -1)], "crop")
    versions = [
        x[:, top + 1 - a : top + 1 - a + side, left + 3 - b : left + 3 - b + side] for a, b in ((0, 0), (1, 3), (0, -1))
    ]
    same, change = by_a_loop(model, versions, True)
    np.testing.assert_allclose((found.consistency, found.probability_change), (same, change), rtol=1e-4)


def test_circular_convolutions_with_global_pooling_always_agree():
    amounts = [0, 1, -2, (3, 1), (5, -6)]
    model, padded, x = network(), network("same"), noise(30, 8, 8, 2)
    features = np.asarray(keras.Model(model.inputs, model.get_layer("pool").output)(x))
    kernel, _ = model.get_layer("classes").get_weights()
    model.get_layer("classes").bias.assign(-features.mean(0) @ kernel)  # so that each class is decided for
    padded.set_weights(model.get_weights())
    found = shift_consistency(model, x, amounts)
    assert len(np.unique(found.classes)) > 1, "a model that has one decision for all agrees anyway"
    assert found.consistency == 1.0 and found.probability_change < 1e-6
    assert shift_consistency(padded, x, amounts).consistency < 1
    assert shift_consistency(model, x, amounts, "zeros").consistency < 1


def test_a_model_that_reads_one_pixel():
    """Its class is the sign of the first pixel, so two shifts agree where two pixels have the same sign."""
    x = noise(50, 6, 1)
    model = keras.Sequential([keras.Input((6, 1)), layers.Flatten(), layers.Dense(2)])
    kernel = np.zeros((6, 2), "float32")
    kernel[0] = -1, 1
    model.set_weights([kernel, np.zeros(2)])
    assert shift_consistency(model, x).amounts == (0, 1, 2, 3)
    found = shift_consistency(model, x, [0, 1])
    agree = np.sign(x[:, 0, 0]) == np.sign(x[:, 5, 0])
    assert found.consistency == pytest.approx(agree.mean()) and 0 < agree.mean() < 1


def test_structures_and_data_formats():
    flat, first = network("same"), network("same", "channels_first")
    sequence = keras.Sequential([keras.Input((8, 8, 2)), *flat.layers[1:]])
    nested = keras.Sequential([keras.Input((8, 8, 2)), flat])
    first.set_weights(flat.get_weights())
    for border, x in (("zeros", noise(9, 8, 8, 2)), ("crop", noise(9, 9, 9, 2))):
        wanted = shift_consistency(flat, x, [0, 1], border)
        for model, inputs in ((sequence, x), (nested, x), (first, np.moveaxis(x, -1, 1))):
            found = shift_consistency(model, inputs, [0, 1], border)
            np.testing.assert_array_equal(found.classes, wanted.classes)
            np.testing.assert_allclose(found.change, wanted.change, atol=1e-5)


def test_a_model_of_the_zoo(tmp_path):
    found = shift_consistency(zoo_model("mnist1d_cnn"), noise(5, 40, 1), range(20))
    assert found.classes.shape == (20, 5) and np.asarray(found) is found.agreement
    assert len(found.plot(tmp_path / "a.png").axes) == 4


def test_refusals():
    model, x = network(), noise(4, 8, 8, 2)
    for arguments, message in (
        ({"inputs": x[0]}, "^shift_consistency expects inputs, an array of numbers"),
        ({"inputs": noise(4, 9, 8, 2)}, "^shift_consistency expects inputs, an array of numbers"),
        ({"amounts": [0.5, 1]}, "^shift_consistency expects amounts"),
        ({"amounts": [1]}, "^shift_consistency expects amounts, at least two, all different"),
        ({"amounts": [1, (0, 1)]}, "^shift_consistency expects amounts, at least two, all different"),
        ({"border": "wrap"}, "^shift_consistency expects border, one of"),
        ({"border": "crop"}, r"^shift_consistency expects inputs of a spatial size of at least \(8, 12\) to crop from"),
        ({"batch_size": 0}, "^shift_consistency expects batch_size"),
        ({"model": keras.Sequential([keras.Input((8, 8, 2)), Conv2D(2, 3)])}, "^shift_consistency expects a model of"),
    ):
        with pytest.raises(Refusal, match=message):
            shift_consistency(**{"model": model, "inputs": x} | arguments)
