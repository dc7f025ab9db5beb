"""StochasticPooling1D, 2D, 3D: the contract, the op with the layer's settings and noise, draws, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.layers import StochasticPooling1D, StochasticPooling2D, StochasticPooling3D
from tests.layer_checks import check_draws, check_layer, check_refusal, same
from tests.layers.cases import POOL, SHAPES, Case, noise

LAYER_CASES = {f"StochasticPooling{rank}D": Case({**POOL, "seed": 1}, noise(*SHAPES[rank])) for rank in SHAPES}
RANKS = {1: StochasticPooling1D, 2: StochasticPooling2D, 3: StochasticPooling3D}


@pytest.mark.parametrize("cls", [StochasticPooling1D, StochasticPooling2D, StochasticPooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_draws_only_in_training(tmp_path):
    check_draws(StochasticPooling2D, POOL, np.abs(noise(*SHAPES[2])), tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_passes_its_settings_and_noise_to_the_op(rank, data_format):
    x, settings = noise(*SHAPES[rank]), ((3, 2, 2)[:rank], 1, "circular", 2)
    layer = RANKS[rank](*settings[:3], data_format, 2, seed=3)
    given, back = (np.moveaxis(x, -1, 1), (1, -1)) if data_format == "channels_first" else (x, (0, 0))
    with ops.no_islands():
        y = ops.stochastic_pool(x, *settings)
        same(np.moveaxis(layer(given), *back), y)
        drawn = keras.random.uniform(y.shape, seed=keras.random.SeedGenerator(3))
        same(np.moveaxis(layer(given, training=True), *back), ops.stochastic_pool(x, *settings, drawn))
        same(RANKS[rank]()(x), ops.stochastic_pool(x, 2, 2))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_draws_by_activation(policy):
    """3 three times as often as 1: of 4,000 windows 3,000, with a deviation of sqrt(4000 * 3/16) = 27."""
    x = np.tile(np.float32([1, 3, -5, 0]), 4000).reshape(1, -1, 1)
    with ops.no_islands():
        y = np.ravel(StochasticPooling1D(4, seed=1, dtype=policy)(x, training=True))
    assert set(y) == {1, 3} and abs((y == 3).sum() - 3000) < 5 * 27


@pytest.mark.parametrize("jit", [False, True])
def test_unknown_sizes(jit):
    """Each output is a pixel of its own window."""
    layer, x = StochasticPooling2D(2, seed=1), np.abs(noise(2, 6, 4, 3))
    graph = tf.function(lambda x: layer(x, training=True), [tf.TensorSpec((None, None, None, 3))], jit_compile=jit)
    y, z = graph(x).numpy(), graph(x).numpy()
    windows = x.reshape(2, 3, 2, 2, 2, 3).swapaxes(2, 3).reshape(2, 3, 2, 4, 3)
    assert y.shape == (2, 3, 2, 3) and (y != z).any()
    assert (windows == y[:, :, :, None]).any(3).all()


def test_samples_and_channels_draw_for_themselves():
    x = np.tile(np.abs(noise(1, 12, 12, 1)), (2, 1, 1, 2))
    with ops.no_islands():
        y = np.asarray(StochasticPooling2D(3, seed=1)(x, training=True))
    assert (y[0] != y[1]).any() and (y[..., 0] != y[..., 1]).any()


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"pool_size": 9}, ["a window that fits", "pool_size=9", "input=7"]),
        ({"pool_size": 0}, ["pool_size, an integer of at least 1", "pool_size=0"]),
        ({"padding": 2}, ["windows that each meet the input", "pool_size=2", "padding=(2, 2)"]),
    ],
)
def test_refuses(kwargs, words):
    check_refusal(StochasticPooling2D, kwargs, SHAPES[2], *words)


def test_refuses_a_seed_that_is_no_integer():
    with pytest.raises(ValueError, match="seed"):
        StochasticPooling2D(seed="x")
