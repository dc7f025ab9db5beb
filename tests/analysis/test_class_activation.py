"""Grad-CAM: its closed form behind a global average pool, a loop with numerical gradients, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kzoo.analysis import grad_cam
from kzoo.analysis.class_activation import resized
from kzoo.analysis.walk import outputs_at
from kzoo.checks import Refusal
from kzoo.layers import Conv1D, Conv2D, Conv3D
from kzoo.models.registry import model
from tests.analysis.attribution_models import copies, noise, set_noise

SHAPES = {1: (12, 2), 2: (8, 9, 2), 3: (4, 5, 6, 2)}
CONVS = {1: Conv1D, 2: Conv2D, 3: Conv3D}
POOLS = {1: layers.GlobalAveragePooling1D, 2: layers.GlobalAveragePooling2D, 3: layers.GlobalAveragePooling3D}


def gap_layers(rank=2, data_format="channels_last"):
    more = {"padding": "same", "data_format": data_format}
    return [
        CONVS[rank](4, 3, activation="relu", name="a", **more),
        CONVS[rank](3, 3, strides=2, name="b", **more),
        POOLS[rank](data_format=data_format, name="pool"),
        layers.Dense(5, "softmax", name="fc"),
    ]


def cam(a, kernel, classes):
    """Class activation maps of Zhou et al. of maps a (batch, *spatial, channels), over the number of positions."""
    weighted = [a[i] @ kernel[:, c] for i, c in enumerate(classes)]
    return np.maximum(np.stack(weighted), 0) / a[0, ..., 0].size


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["functional", "sequential", "nested"])
def test_equals_cam_behind_a_global_average_pool(kind, rank):
    built, x = copies(gap_layers(rank), SHAPES[rank])[kind], noise(3, *SHAPES[rank])
    maps = np.asarray(outputs_at(built, x, ["b"])[0])
    kernel = np.asarray(built.weights[-2])
    probable = np.asarray(built(x)).argmax(-1)
    for index, classes in ((None, probable), (2, [2] * 3), ([4, 0, 1], [4, 0, 1])):
        found = grad_cam(built, x, index, batch_size=2)
        wanted = cam(maps, kernel, classes)
        assert wanted.max() > 0 and found.layer.endswith("b")
        np.testing.assert_allclose(found.maps, wanted, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(found.classes, classes)
        np.testing.assert_allclose(found.outputs, np.asarray(built(x))[range(3), classes], rtol=1e-4)
        assert np.asarray(found).shape == x.shape[:-1] and np.asarray(found).dtype == "float32"


def test_channels_first_equals_channels_last():
    last = copies(gap_layers(), SHAPES[2])["functional"]
    first = copies(gap_layers(data_format="channels_first"), (2, 8, 9))["functional"]
    first.set_weights(last.get_weights())
    x = noise(2, 8, 9, 2)
    a, b = grad_cam(last, x), grad_cam(first, np.moveaxis(x, -1, 1))
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(a.inputs, b.inputs)


def test_equals_numerical_gradients():
    """The maps are followed by two dense layers, so that the gradient depends on position and on the input."""
    x = inputs = keras.Input((5, 6, 1))
    x = layers.Conv2D(3, 2, name="maps")(x)
    x = layers.Dense(7, "tanh")(layers.Flatten()(x))
    built = set_noise(keras.Model(inputs, layers.Dense(4, "softmax")(x)))
    kernel, bias, w1, b1, w2, b2 = (np.float64(w) for w in built.get_weights())
    images = noise(2, 5, 6, 1)
    found = grad_cam(built, images, [3, 0])
    for image, index, cam in zip(np.float64(images), (3, 0), found.maps):
        maps = np.zeros((4, 5, 3))
        for i, j in np.ndindex(4, 5):
            maps[i, j] = np.tensordot(image[i : i + 2, j : j + 2], kernel, 3) + bias
        slopes = np.zeros_like(maps)
        for at in np.ndindex(maps.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = maps.copy()
                moved[at] += step
                ends.append((np.tanh(moved.ravel() @ w1 + b1) @ w2 + b2)[index])
            slopes[at] = (ends[0] - ends[1]) / 2e-5
        weights = slopes.mean((0, 1))
        wanted = np.maximum(sum(weights[k] * maps[:, :, k] for k in range(3)), 0)
        assert wanted.max() > 0
        np.testing.assert_allclose(cam, wanted, rtol=1e-4, atol=1e-6)


def test_maps_are_enlarged_as_tensorflow_does():
    maps = noise(2, 3, 5)
    wanted = tf.image.resize(maps[..., None], (8, 15))[..., 0]
    np.testing.assert_allclose(resized(maps, (8, 15)), wanted, rtol=1e-5, atol=1e-6)
    assert resized(maps[:, :1], (4, 5)).shape == (2, 4, 5)


def test_last_layer_is_found():
    """Operations count; maps of one position and those of auxiliary outputs do not."""
    x = inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(2, 3, name="conv")(x)
    y = keras.ops.relu(x)
    z = layers.GlobalAveragePooling2D(keepdims=True)(y)
    z = layers.Dense(3, "softmax")(layers.Flatten()(layers.Conv2D(4, 1)(z)))
    auxiliary = layers.Dense(3)(layers.Flatten()(layers.Conv2D(2, 3, name="auxiliary")(y)))
    built = keras.Model(inputs, [z, auxiliary])
    assert grad_cam(built, noise(1, 8, 8, 1)).layer == y._keras_history[0].name


@pytest.mark.parametrize("name, layer", [("mnist1d_cnn", "stage3"), ("lenet5", "stage2")])
def test_models_of_the_zoo(name, layer):
    built = model(name)
    x = noise(3, *built.input_shape[1:])
    found = grad_cam(built, x)
    assert found.layer == layer and found.array.shape == x.shape[:-1] and found.array.min() >= 0
    np.testing.assert_allclose(found.array, grad_cam(built, x, layer=layer, batch_size=1).array, rtol=1e-4, atol=1e-7)


def test_pictures():
    for rank, shape in SHAPES.items():
        found = grad_cam(copies(gap_layers(rank), shape)["functional"], noise(2, *shape), 1)
        sheet = found.plot()
        assert sheet.get_suptitle().startswith("Grad-CAM at b")
        empty = "" if found.maps[0].any() else "\nthe map is 0 everywhere"
        assert sheet.axes[0].get_title() == f"class 1, probability {found.outputs[0]:.3g}{empty}"
        drawn = [*sheet.axes[0].images, *sheet.axes[0].collections][-1].get_array()
        assert drawn.max() <= 1 and drawn.min() >= 0


def test_refusals(monkeypatch):
    built, x = copies(gap_layers(), SHAPES[2])["functional"], noise(1, *SHAPES[2])
    with pytest.raises(Refusal, match="^grad_cam expects layer, one with 2 spatial axes; received layer='pool'"):
        grad_cam(built, x, layer="pool")
    with pytest.raises(Refusal, match="did you mean 'pool'"):
        grad_cam(built, x, layer="pol")
    with pytest.raises(Refusal, match="class_index below 5"):
        grad_cam(built, x, 5)
    with pytest.raises(Refusal, match="^grad_cam expects inputs, an array of numbers"):
        grad_cam(built, x[0])
    flat = keras.Sequential([keras.Input((8, 1)), layers.Flatten(), layers.Dense(3)], name="flat")
    with pytest.raises(Refusal, match="a layer of more than one position; received model='flat'"):
        grad_cam(flat, noise(1, 8, 1))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(Refusal, match="^grad_cam expects the TensorFlow backend; received backend='jax'"):
        grad_cam(built, x)
