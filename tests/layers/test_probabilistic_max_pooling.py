"""ProbabilisticMaxPooling2D: the contract, the op with the layer's settings, draws, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import ProbabilisticMaxPooling2D
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"ProbabilisticMaxPooling2D": Case({"pool_size": (3, 2), "return_hidden": True}, noise(2, 6, 8, 3))}
X = noise(2, 6, 8, 3)


def test_contract(tmp_path):
    check_layer(ProbabilisticMaxPooling2D, *LAYER_CASES["ProbabilisticMaxPooling2D"], tmp_path)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_passes_its_settings_to_the_op(data_format):
    back = (1, -1) if data_format == "channels_first" else (0, 0)
    x, want = np.moveaxis(X, *back[::-1]), ops.probabilistic_max_pool(X, (3, 2))
    same(np.moveaxis(ProbabilisticMaxPooling2D((3, 2), data_format=data_format)(x), *back), want[1])
    both = ProbabilisticMaxPooling2D((3, 2), return_hidden=True, data_format=data_format)(x)
    same([np.moveaxis(y, *back) for y in both], list(want))


@pytest.mark.parametrize("training", [False, True])
def test_draws(training):
    """By its seed, new in each call, also at inference; the same as the op draws from that noise."""
    made = [ProbabilisticMaxPooling2D(2, sample=True, return_hidden=True, seed=seed) for seed in (3, 3, 4)]
    first, twin, other = ([np.asarray(part) for part in layer(X, training=training)] for layer in made)
    same(twin, first)
    assert (other[0] != first[0]).any() and (np.asarray(made[0](X)[0]) != first[0]).any()
    drawn = keras.random.uniform((2, 3, 4, 3), seed=keras.random.SeedGenerator(3))
    same(first, list(ops.probabilistic_max_pool(X, 2, drawn)))


@pytest.mark.parametrize("jit", [False, True])
def test_draws_in_a_model(jit, tmp_path):
    model = keras.Sequential([keras.Input((None, None, 3)), ProbabilisticMaxPooling2D(2, sample=True, seed=1)])
    model.compile(jit_compile=jit)
    y = model.predict(X, verbose=0)
    assert y.shape == (2, 3, 4, 3) and set(np.unique(y)) == {0, 1} and (model.predict(X, verbose=0) != y).any()
    model.save(tmp_path / "layer.keras")
    assert keras.models.load_model(tmp_path / "layer.keras").layers[-1].sample


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"pool_size": 3}, (1, 4, 6, 2), ["spatial sizes that pool_size divides", "pool_size=(3, 3), spatial=(4, 6)"]),
        ({"pool_size": 0}, (1, 4, 6, 2), ["pool_size, an integer of at least 1", "pool_size=0"]),
        ({}, (1, 4, 2), ["rank 4", "4, 2)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(ProbabilisticMaxPooling2D, kwargs, shape, *words)


def test_pools_blocks_of_two_by_default():
    same(ProbabilisticMaxPooling2D()(X), ops.probabilistic_max_pool(X, 2)[1])


def test_refuses_a_seed_that_is_no_integer():
    with pytest.raises(ValueError, match="seed"):
        ProbabilisticMaxPooling2D(seed="x")
