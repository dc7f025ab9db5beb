"""UnscaledDropout: the contract, draws, the share that is dropped, Keras's dropout with other weights, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import UnscaledDropout
from tests.layer_checks import check_draws, check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"UnscaledDropout": Case({"rate": 0.3, "inference_scale": 0.9}, noise(6, 3, 4, 2))}
FIELD_CASES = {"UnscaledDropout": [("exact", {})]}


@pytest.mark.parametrize("cls", [UnscaledDropout])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_draws(tmp_path):
    check_draws(UnscaledDropout, {"rate": 0.4}, noise(8, 6) + 2, tmp_path)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_training_drops_and_keeps(dtype):
    """Of 40,000 numbers, with a standard deviation of 0.0023 of the share that is dropped."""
    x = np.full((200, 200), 3, "float32")
    y = np.asarray(UnscaledDropout(0.3, seed=1, dtype=dtype)(x, training=True), "float32")
    assert set(np.unique(y)) == {0, 3} and abs((y == 0).mean() - 0.3) < 0.01


def test_inference():
    x = noise(3, 4)
    same(UnscaledDropout(0.3)(x), 0.7 * x)
    same(UnscaledDropout(0.3, inference_scale=1)(x), x)


def test_keras_drops_alike_and_scales_in_training():
    """The same weights: Keras's outputs are 1 / (1 - rate) times as large, in training and at inference."""
    x = noise(50, 40) + 5
    ours, other = UnscaledDropout(0.2, seed=3), keras.layers.Dropout(0.2, seed=3)
    same(ours(x) / 0.8, other(x))
    for layer, kept in ((ours, 1), (other, 1 / 0.8)):
        y = np.asarray(layer(x, training=True))
        same(y[y != 0], kept * x[y != 0])


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"rate": 2}, (1, 5), ["rate, a number from 0 to 1", "rate=2"]),
        ({"rate": "half"}, (1, 5), ["rate='half'"]),
        ({"inference_scale": float("inf")}, (1, 5), ["inference_scale, a number of at least 0, or None"]),
        ({"seed": -1}, (1, 5), ["seed, an integer of at least 0"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(UnscaledDropout, kwargs, shape, *words)
