"""Nielsen's models: shapes, initialization, weight decay and placement of dropout."""

import math

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.layers.unscaled_dropout import UnscaledDropout
from kzoo.models.registry import list_models, model
from tests.models.cards import MNIST, Fit

CARDS = {  # trained parameters, input, classes
    "nielsen_0": (79_510, MNIST, 10),
    "nielsen_1": (289_630, MNIST, 10),
    "nielsen_1b": (29_330, MNIST, 10),
    "nielsen_2": (85_670, MNIST, 10),
    "nielsen_3": (85_670, MNIST, 10),
    "nielsen_4": (85_670, MNIST, 10),
    "nielsen_4a": (215_870, MNIST, 10),
    "nielsen_4b": (671_570, MNIST, 10),
    "nielsen_5": (95_770, MNIST, 10),
    "nielsen_5a": (306_170, MNIST, 10),
    "nielsen_5b": (1_672_570, MNIST, 10),
    "nielsen_6": (1_672_570, MNIST, 10),
}
FITS = {
    "nielsen_3": Fit({"filters": (4, 8), "fc_units": (30,), "input_shape": (16, 16, 1)}),
}

FC = {  # hidden layers, activation, L2 factor (0.5 lambda over the number of batches), dropout
    "nielsen_0": ((100,), "sigmoid", 0, 0),
    "nielsen_1": ((100,), "sigmoid", 0, 0),
    "nielsen_1b": ((), "sigmoid", 0, 0),
    "nielsen_2": ((100,), "sigmoid", 0, 0),
    "nielsen_3": ((100,), "relu", 0.5 * 0.1 / 5_000, 0),
    "nielsen_4": ((100,), "relu", 0.5 * 0.1 / 25_000, 0),
    "nielsen_4a": ((300,), "relu", 0.5 * 0.1 / 25_000, 0),
    "nielsen_4b": ((1000,), "relu", 0.5 * 0.1 / 25_000, 0),
    "nielsen_5": ((100, 100), "relu", 0.5 * 0.1 / 25_000, 0),
    "nielsen_5a": ((300, 300), "relu", 0.5 * 0.1 / 25_000, 0),
    "nielsen_5b": ((1000, 1000), "relu", 0.5 * 0.1 / 25_000, 0),
    "nielsen_6": ((1000, 1000), "relu", 0, 0.5),
}


@pytest.fixture(scope="module")
def models():
    return {name: model(name) for name in FC}


def test_every_variant_is_listed():
    assert sorted(FC) == list_models("nielsen*")


@pytest.mark.parametrize("name", FC)
def test_card(models, name):
    built, (units, activation, l2, dropout) = models[name], FC[name]
    assert tuple(layer.units for layer in built.layers if isinstance(layer, layers.Dense)) == (*units, 10)
    for layer in built.layers:
        if layer.name.startswith("fc") and layer.weights or layer.name in ("stage1", "stage2"):
            assert layer.activation.__name__ == activation
        if layer.weights:
            decay = layer.kernel_regularizer
            assert math.isclose(float(decay.l2) if decay else 0, l2, rel_tol=1e-6), layer.name
            assert layer.bias_regularizer is None
        if isinstance(layer, UnscaledDropout):
            assert layer.rate == dropout


@pytest.mark.parametrize("name, maps", [("nielsen_0", 0), ("nielsen_1", 1), ("nielsen_1b", 1), ("nielsen_3", 2)])
def test_shapes(models, name, maps):
    wanted = {
        "stage1_conv": (24, 24, 20),
        "stage1_pool": (12, 12, 20),
        "stage1": (12, 12, 20),
        "stage2_conv": (8, 8, 40),
        "stage2_pool": (4, 4, 40),
        "stage2": (4, 4, 40),
    }
    got = {layer.name: tuple(layer.output.shape[1:]) for layer in models[name].layers if layer.name.startswith("stage")}
    assert got == dict(list(wanted.items())[: 3 * maps])


def test_dropout_is_on_the_inputs_of_fully_connected_layers(models):
    names = [layer.name for layer in models["nielsen_6"].layers[1:]]
    tail = ["flatten", "fc1_dropout", "fc1", "fc2_dropout", "fc2", "predictions_dropout", "predictions"]
    assert names[-7:] == tail and not any("dropout" in name for name in names[:-7])
    assert not any("dropout" in layer.name for layer in models["nielsen_5b"].layers)


def test_dropout_is_that_of_his_program():
    """network3.py: activation((1 - p) w.x + b) at inference, activation(w.(mask x) + b) in training."""
    built = model("nielsen_6", filters=(), fc_units=(4, 3), dropout=0.25, input_shape=(3, 2, 1), classes=2)
    for weight in built.get_layer("predictions").weights:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    x = np.random.default_rng(0).normal(size=(5, 3, 2, 1)).astype("float32")
    dense = [built.get_layer(name).get_weights() for name in ("fc1", "fc2", "predictions")]

    def loop(sample, masks, factor):
        values = sample.ravel()
        for number, ((w, b), mask) in enumerate(zip(dense, masks)):
            units, inputs = range(len(b)), range(len(values))
            values = [factor * sum(w[i, j] * mask[i] * values[i] for i in inputs) + b[j] for j in units]
            values = np.maximum(values, 0) if number < 2 else np.exp(values) / np.sum(np.exp(values))
        return values

    whole = [np.ones(len(w)) for w, b in dense]
    np.testing.assert_allclose(built(x), [loop(sample, whole, 0.75) for sample in x], rtol=1e-5, atol=1e-6)

    dropouts = [built.get_layer(f"{name}_dropout") for name in ("fc1", "fc2", "predictions")]
    draws = [tuple(layer.input.shape[1:]) for layer in dropouts]
    for layer in dropouts:
        layer.seed_generator.state.assign(keras.random.SeedGenerator(3).state)
    y = built(x, training=True)
    masks = [
        np.asarray(keras.random.uniform((5, *shape), seed=keras.random.SeedGenerator(3))) >= 0.25 for shape in draws
    ]
    want = [loop(sample, [mask[i] for mask in masks], 1) for i, sample in enumerate(x)]
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)


def test_initialization(models):
    """Weights N(0, 1 / n_out) with n_out = filters * 25 / 4 of a convolution, biases N(0, 1), the classifier zero."""
    built = models["nielsen_5b"]
    spread = {"stage1_conv": 20 * 25 / 4, "stage2_conv": 40 * 25 / 4, "fc1": 1000, "fc2": 1000}
    for name, n_out in spread.items():
        kernel, bias = built.get_layer(name).get_weights()
        error = 4 / math.sqrt(2 * kernel.size)  # four standard errors of a standard deviation
        assert abs(kernel.std() * math.sqrt(n_out) - 1) < error, name
        assert abs(kernel.mean()) * math.sqrt(n_out) < 4 / math.sqrt(kernel.size), name
        assert abs(bias.std() - 1) < 4 / math.sqrt(2 * bias.size), name
    assert not any(weight.any() for weight in built.get_layer("predictions").get_weights())
    fc1, fc2 = (built.get_layer(name).get_weights()[1] for name in ("fc1", "fc2"))
    assert (fc1 != fc2).any()  # each draws its own


def test_activation_after_the_pool_is_the_same_function(models):
    built = models["nielsen_2"]
    maps = np.random.default_rng(0).normal(size=(2, 24, 24, 20)).astype("float32")
    pool, act = built.get_layer("stage1_pool"), built.get_layer("stage1")
    np.testing.assert_array_equal(act(pool(maps)), pool(act(maps)))


def test_loss_holds_the_decay():
    built = model("nielsen_3", filters=(2, 3), fc_units=(4,))
    squares = sum((layer.get_weights()[0] ** 2).sum() for layer in built.layers if layer.weights)
    np.testing.assert_allclose(sum(map(float, built.losses)), 1e-5 * squares, rtol=1e-5)  # float32 sums


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 1},
        {"dropout": -0.1},
        {"dropout": "half"},
        {"dropout": float("nan")},
        {"l2": -1},
        {"filters": 20},
        {"filters": (20, 0)},
        {"fc_units": ["100"]},
        {"fc_units": None},
        {"filters": (20, 40, 60)},  # the third kernel is larger than its map
    ],
    ids=str,
)
def test_refusals(settings):
    with pytest.raises(Refusal, match="nielsen_3|Conv2D"):
        model("nielsen_3", **settings)


def test_inputs_that_are_too_small_are_named():
    words = r"^nielsen_3 cannot be built for inputs of shape \(8, 8, 1\): Conv2D expects a window that fits .*input=2"
    with pytest.raises(Refusal, match=words):
        model("nielsen_3", input_shape=(8, 8, 1))
