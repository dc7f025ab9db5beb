"""Fastfood: the contract, the op with the layer's weights, the paper's counts, seeds, its kernel, errors."""

import json

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Fastfood
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import Case, noise

LAYER_CASES = {
    "Fastfood": Case({"units": 11, "activation": "tanh", "use_bias": True, "seed": 1}, noise(3, 4, 6), free=False)
}


def test_contract(tmp_path):
    check_layer(Fastfood, *LAYER_CASES["Fastfood"], tmp_path)


def test_passes_its_weights_to_the_op():
    x, layer = noise(3, 6), Fastfood(11, activation="tanh", use_bias=True)
    layer.build(x.shape)
    assert set(np.unique(layer.signs)) == {-1, 1} and not np.any(layer.bias)
    scale, gaussian, signs, bias = randomize(layer)
    assert [w.name for w in layer.weights] == ["scale", "gaussian", "signs", "bias"]
    assert [w.shape for w in layer.weights] == [(2, 8)] * 3 + [(11,)]
    assert all((np.sort(row) == np.arange(8)).all() and (np.diff(row) < 0).any() for row in layer.permutation)
    assert (layer.permutation[0] != layer.permutation[1]).any()
    same(layer(x), np.tanh(ops.fastfood(x, scale, gaussian, layer.permutation, signs)[:, :11] + bias))


@pytest.mark.parametrize("units, use_bias, count", [(1024, False, 3072), (2048, False, 6144), (1024, True, 4096)])
def test_counts_of_the_paper(units, use_bias, count):
    """For the 800 numbers of LeNet's last map: with convolutions (25,500) and 10 classes 38,812 and 52,124."""
    layer = Fastfood(units, use_bias=use_bias)
    layer.build((None, 800))
    assert layer.count_params() == count
    if not use_bias:
        assert 25_500 + count + 10 * units == {1024: 38_812, 2048: 52_124}[units]


def test_rows_are_as_long_as_those_of_a_gaussian_matrix():
    """Lengths chi of 256 degrees: mean 15.98, deviation 0.71; the mean of 2,048 to 5 * 0.71 / 45."""
    for sigma in (1.0, 4.0):
        rows = np.asarray(Fastfood(2048, sigma, seed=0)(np.eye(256, dtype="float32"))).T
        lengths = np.linalg.norm(rows, axis=1) * sigma
        assert abs(lengths.mean() - 15.98) < 0.08 and abs(lengths.std() - 0.707) < 0.06
        assert abs(rows.mean() * sigma) < 0.01


def test_the_diagonals_at_the_start():
    """For 200 inputs padded to 256, without sigma: lengths chi of 256 degrees, and a Gaussian diagonal."""
    layer = Fastfood(2048, seed=0)
    layer.build((None, 200))
    gaussian = np.asarray(layer.gaussian)
    lengths = np.asarray(layer.scale) * np.linalg.norm(gaussian, axis=1, keepdims=True)
    assert abs(lengths.mean() - 15.98) < 0.08
    assert abs(gaussian.std() - 1) < 0.08 and abs((gaussian**4).mean() - 3) < 0.6


def test_its_cosines_expand_a_gaussian_kernel():
    """The mean of cos(w (x - y)) is exp(-|x - y|^2 / 2 sigma^2), to a few deviations of 1 / sqrt(features)."""
    x = noise(20, 16) * 0.5
    y = np.asarray(Fastfood(16384, 2.0, seed=0)(x))
    got = (np.cos(y) @ np.cos(y).T + np.sin(y) @ np.sin(y).T) / y.shape[1]
    want = np.exp(-((x[:, None] - x) ** 2).sum(-1) / 8)
    assert np.abs(got - want).max() < 0.05


def test_seeds():
    def made(**kwargs):
        layer = Fastfood(8, **kwargs)
        layer.build((None, 8))
        return [layer.permutation, *layer.get_weights()]

    def equal(a, b):
        return all((one == other).all() for one, other in zip(a, b))

    assert equal(made(seed=3), made(seed=3)) and not equal(made(seed=3), made(seed=4))
    assert not equal(made(), made())
    pairs = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        pairs.append(made())
    assert equal(*pairs)


def test_the_permutation_is_restored_from_the_config():
    """The file does not contain the permutation: the seed, drawn if none is given, restores it."""
    layer = Fastfood(20)
    layer.build((None, 8))
    twin = Fastfood.from_config(json.loads(json.dumps(layer.get_config())))
    twin.build((None, 8))
    assert (twin.permutation == layer.permutation).all()


def test_fixed():
    layer = Fastfood(8, trainable=False)
    layer.build((None, 8))
    assert not layer.trainable_weights and [w.shape for w in layer.weights] == [(1, 8)] * 3


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"units": 0}, (1, 5), ["units, an integer above 0", "units=0"]),
        ({"sigma": 0}, (1, 5), ["sigma, a number above 0", "sigma=0"]),
        ({"sigma": "1"}, (1, 5), ["sigma, a number above 0", "sigma='1'"]),
        ({"seed": -1}, (1, 5), ["seed, an integer of at least 0 or None", "seed=-1"]),
        ({}, (1, None), ["an input (batch, ..., features)", "(None, None)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(Fastfood, {"units": 4, **kwargs}, shape, *words)
