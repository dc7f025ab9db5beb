"""Capsules: the contract, the op with the layer's weights, the paper's count, training, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Capsules
from tests.layer_checks import check_layer, check_refusal, randomize, same, train
from tests.layers.cases import Case, noise

LAYER_CASES = {"Capsules": Case({"capsules": 3, "dimension": 4, "use_bias": True}, noise(2, 6, 5), free=False)}


def test_contract(tmp_path):
    check_layer(Capsules, *LAYER_CASES["Capsules"], tmp_path)


@pytest.mark.parametrize("use_bias, leaky", [(False, False), (True, False), (True, True)])
def test_passes_its_predictions_to_the_op(use_bias, leaky):
    """W_ij u_i, one pair of capsules at a time."""
    x, layer = noise(2, 6, 5), Capsules(3, 4, 2, use_bias, leaky=leaky)
    layer.build(x.shape)
    kernel, *bias = randomize(layer)
    assert [w.name for w in layer.weights] == ["kernel", "bias"][: 1 + use_bias]
    predictions = np.zeros((2, 6, 3, 4), "float32")
    for n, i, j in np.ndindex(2, 6, 3):
        predictions[n, i, j] = x[n, i] @ kernel[i, j]
    same(layer(x), ops.route(predictions, 2, *bias, leaky=leaky))


@pytest.mark.parametrize("use_bias, count", [(False, 1_474_560), (True, 1_474_720)])
def test_counts_of_the_paper(use_bias, count):
    layer = Capsules(10, 16, use_bias=use_bias)
    layer.build((None, 1152, 8))
    assert layer.count_params() == count


def test_starts_wide_enough_for_the_lengths_to_tell():
    """By fans the paper's layer would start at 0.005 at most, with lengths around 0.001."""
    layer = Capsules(10, 16)
    lengths = np.linalg.norm(layer(ops.squash(noise(4, 1152, 8))), axis=-1)
    kernel = np.asarray(layer.kernel)
    assert abs(kernel.std() - 0.088) < 0.001 and np.abs(kernel).max() <= 0.2  # 0.1 before it is cut at 0.2
    assert lengths.min() > 0.05 and lengths.max() < 1
    given = Capsules(10, 16, kernel_initializer="zeros")
    assert not np.asarray(given(noise(1, 3, 2))).any()


def test_learns_agreement():
    """Two classes of samples, recognised by which of two capsules is longer."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    x = rng.normal(size=(64, 6, 4)).astype("float32") * 0.3
    x[:, :3] += np.eye(4)[labels][:, None]  # not opposite ones: without biases a sign changes no length
    keras.utils.set_random_seed(0)
    below = keras.Input((6, 4))
    model = keras.Model(below, keras.ops.norm(Capsules(2, 4)(below), axis=-1))
    model.compile(keras.optimizers.Adam(0.05), keras.losses.CategoricalHinge())
    train(model, x, np.eye(2)[labels], 80)
    assert (model.predict(x, verbose=0).argmax(1) == labels).mean() > 0.95


def test_defaults():
    layer = Capsules(3, 4)
    assert layer.iterations == 3 and not layer.use_bias and not layer.leaky


@pytest.mark.parametrize(
    "shape, words",
    [
        ((2, 6, 5, 1), ["an input (batch, capsules, dimension)", "shape=(", "6, 5, 1)"]),
        ((2, 0, 5), ["an input (batch, capsules, dimension)", "0, 5)"]),
        ((2, None, 5), ["input capsules of known number and dimension", "None, 5)"]),
    ],
)
def test_refuses(shape, words):
    check_refusal(Capsules, {"capsules": 3, "dimension": 4}, shape, *words)
