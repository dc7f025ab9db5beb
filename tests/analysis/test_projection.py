"""Projections: an independent loop for each rule, copies of one model, plain gradients, places, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kzoo.analysis import project, project_rules
from kzoo.analysis.walk import outputs_at
from kzoo.checks import Refusal
from kzoo.layers import Conv1D, Conv2D, Conv3D, MaxPoolingWithArgmax2D
from kzoo.models.registry import model
from tests.analysis.attribution_models import copies, noise, set_noise

RULES = ("deconvnet", "guided", "gradient")
SHAPE = (12, 11, 2)


def loop_conv(x, kernel, bias):
    rows, columns = x.shape[0] - kernel.shape[0] + 1, x.shape[1] - kernel.shape[1] + 1
    y = np.zeros((rows, columns, kernel.shape[-1]))
    for i, j in np.ndindex(rows, columns):
        y[i, j] = np.tensordot(x[i : i + kernel.shape[0], j : j + kernel.shape[1]], kernel, 3) + bias
    return y


def loop_transposed(slopes, kernel, shape):
    x = np.zeros(shape)
    for i, j in np.ndindex(slopes.shape[:2]):
        x[i : i + kernel.shape[0], j : j + kernel.shape[1]] += kernel @ slopes[i, j]
    return x


def loop_pool(x, size, stride):
    """Returns the maxima and, by window and channel, the row and column of the first of them."""
    rows, columns = ((n - size) // stride + 1 for n in x.shape[:2])
    y, switches = np.zeros((rows, columns, x.shape[2])), {}
    for i, j, c in np.ndindex(y.shape):
        best = None
        for a, b in np.ndindex(size, size):
            at = (i * stride + a, j * stride + b, c)
            if best is None or x[at] > x[best]:
                best = at
        y[i, j, c], switches[i, j, c] = x[best], best
    return y, switches


def loop_relu(rule, slopes, x):
    if rule == "deconvnet":
        return np.where(slopes > 0, slopes, 0)
    return np.where((x > 0) & ((slopes > 0) | (rule == "gradient")), slopes, 0)


def loop_project(weights, x, channel, rule, size, stride, place=None):
    """conv, relu, max pool, conv, relu: the projection of a channel's largest position, or of this one, and it."""
    first, first_bias, second, second_bias = weights
    a = loop_conv(x, first, first_bias)
    pooled, switches = loop_pool(np.maximum(a, 0), size, stride)
    b = loop_conv(pooled, second, second_bias)
    place = place or np.unravel_index(b[..., channel].argmax(), b.shape[:2])
    slopes = np.zeros_like(b)
    slopes[(*place, channel)] = 1
    slopes = loop_transposed(loop_relu(rule, slopes, b), second, pooled.shape)
    spread = np.zeros_like(a)
    for window, at in switches.items():
        spread[at] += slopes[window]
    return loop_transposed(loop_relu(rule, spread, a), first, x.shape), place, max(b[(*place, channel)], 0)


def stack(size=2, stride=2):
    return [
        Conv2D(3, 3, name="a"),
        layers.ReLU(name="relu"),
        layers.MaxPooling2D(size, stride, name="pool"),
        layers.Conv2D(4, 2, activation="relu", name="b"),
    ]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), (3, 1)], ids=["2 by 2", "3 by 2", "3 by 1"])
def test_equals_a_loop(rule, size, stride):
    """The first bias is low, so that windows are full of zeros, which are equal maxima."""
    x = noise(4, *SHAPE)
    built = copies(stack(size, stride), SHAPE)
    built["functional"].get_layer("a").bias.assign([-1, -2, 0])
    built["functional"].get_layer("b").bias.assign([3, 0, 0, 0])
    weights = [np.float64(w) for w in built["functional"].get_weights()]
    for unit in (1, 2, (1, -1, 0)):
        place = (1, built["functional"].output.shape[2] - 1) if isinstance(unit, tuple) else None
        channel = 0 if isinstance(unit, tuple) else unit
        wanted, places, values = zip(
            *(loop_project(weights, np.float64(each), channel, rule, size, stride, place) for each in x)
        )
        assert np.any(wanted)
        for each in built.values():
            found = project(each, "b", unit, x, rule, batch_size=2)
            np.testing.assert_allclose(found.array, wanted, rtol=1e-4, atol=1e-5)
            np.testing.assert_array_equal(found.places, places)
            np.testing.assert_allclose(found.activations, values, rtol=1e-4, atol=1e-5)
            assert found.rectifiers == 2 and found.array.dtype == "float32"


def test_rules_differ():
    x = noise(2, *SHAPE)
    found = project_rules(copies(stack(), SHAPE)["functional"], "b", 1, x)
    assert found.array.shape == (3, *x.shape) and list(found.projections) == list(RULES)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(found.array[one] - found.array[other]).max() > 1e-2


CONVS = {1: Conv1D, 2: Conv2D, 3: Conv3D}


@pytest.mark.parametrize("rank", CONVS)
def test_data_formats(rank):
    shape = (8, 7, 6)[:rank]
    built = {}
    for data_format in ("channels_last", "channels_first"):
        more = {"data_format": data_format, "activation": "relu", "padding": "same"}
        sizes = (2, *shape) if data_format == "channels_first" else (*shape, 2)
        built[data_format] = keras.Sequential(
            [keras.Input(sizes), CONVS[rank](3, 3, **more), CONVS[rank](2, 3, **more)]
        )
    set_noise(built["channels_last"])
    built["channels_first"].set_weights(built["channels_last"].get_weights())
    name = [each.layers[-1].name for each in built.values()]
    x = noise(2, *shape, 2)
    for unit in (1, (*(2,) * rank, 0)):
        last = project(built["channels_last"], name[0], unit, x, "deconvnet")
        first = project(built["channels_first"], name[1], unit, np.moveaxis(x, -1, 1), "deconvnet")
        np.testing.assert_allclose(np.moveaxis(first.array, 1, -1), last.array, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(first.places, last.places)
        assert last.array.any() and first.plot()
        strongest = np.abs(last.array[0]).reshape(len(last.array[0]), -1).sum(1).argmax()
        assert last.plot().axes[0].get_ylabel() == ["input", "", f"slice {strongest}"][rank - 1]


@pytest.mark.parametrize("name, layer", [("mnist1d_cnn", "stage3"), ("lenet5_modern", "stage2")])
def test_plain_gradients_are_those_of_tensorflow(name, layer):
    built = model(name)
    x = tf.convert_to_tensor(noise(2, *built.input_shape[1:]))
    part = keras.Model(built.inputs[0], built.get_layer(layer).output)
    with tf.GradientTape() as tape:
        tape.watch(x)
        maps = part(x)
        largest = tf.reduce_max(tf.reshape(maps[..., 3], (2, -1)), 1)
    np.testing.assert_allclose(project(built, layer, 3, x, "gradient").array, tape.gradient(largest, x), atol=1e-6)


def test_classes_are_projected_from_their_logits():
    built = model("mnist1d_cnn")
    x = tf.convert_to_tensor(100 * noise(2, 40, 1))  # so that the softmax is saturated
    (features,) = outputs_at(built, x, ["stage3"])
    assert features.shape[0] == 2
    found = project(built, "predictions", 4, x, "gradient")
    head = built.get_layer("predictions")
    logits = tf.reshape(features, (2, -1)) @ head.kernel + head.bias
    np.testing.assert_allclose(found.activations, logits[:, 4], rtol=1e-4)
    assert found.places.shape == (2, 0) and found.array.any()


def test_switches_are_those_that_unpooling_reads():
    """A pool that returns its argmax indices passes gradients as Keras's pool does."""
    x = noise(2, *SHAPE)
    plain = copies(stack(), SHAPE)["functional"]
    y = inputs = keras.Input(SHAPE)
    y = layers.ReLU()(Conv2D(3, 3)(y))
    y, _ = MaxPoolingWithArgmax2D(2)(y)
    other = keras.Model(inputs, layers.Conv2D(4, 2, activation="relu", name="b")(y))
    other.set_weights(plain.get_weights())
    a, b = (project(each, "b", 1, x, "deconvnet").array for each in (plain, other))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_pictures():
    x = noise(3, *SHAPE)
    built = copies(stack(), SHAPE)["functional"]
    found = project(built, "b", 1, x)
    sheet = found.plot()
    assert sheet.get_suptitle().startswith("Pixels that activate unit 1 of b\n(red positive")
    place, value = tuple(found.places[0].tolist()), found.activations[0]
    assert [axis.get_title() for axis in sheet.axes[:2]] == [f"output {value:.3g} at {place}", "guided"]
    sheet = project_rules(built, "b", 1, x).plot()
    assert [axis.get_title() for axis in sheet.axes[1:4]] == list(RULES)


def test_refusals(monkeypatch):
    linear = keras.Sequential([keras.Input(SHAPE), Conv2D(2, 3, name="a"), layers.ReLU(name="b")], name="linear")
    x = noise(1, *SHAPE)
    for rule in ("deconvnet", "guided"):
        with pytest.raises(Refusal, match=rf"a rectifier \(ReLU\) between .* rule='{rule}'; received layer='a'"):
            project(linear, "a", 0, x, rule)
    assert project(linear, "a", 0, x, "gradient").rectifiers == 0
    with pytest.raises(Refusal, match="^project expects rule, one of deconvnet"):
        project(linear, "b", 0, x, "lrp")
    with pytest.raises(Refusal, match="^project expects unit, a channel or"):
        project(linear, "b", 2, x)
    with pytest.raises(Refusal, match="did you mean"):
        project(linear, "bb", 0, x)
    with pytest.raises(Refusal, match="^project_rules expects inputs"):
        project_rules(linear, "b", 0, x[0])
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(Refusal, match="^project expects the TensorFlow backend"):
        project(linear, "b", 0, x)
