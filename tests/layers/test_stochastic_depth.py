"""StochasticDepth: the contract, both modes, the expected value at inference, errors."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.layers import StochasticDepth
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"StochasticDepth": Case({"mode": "sample"}, [noise(6, 3, 4, 2), noise(6, 3, 4, 2, seed=1)])}
FIELD_CASES = {"StochasticDepth": []}


@pytest.mark.parametrize("cls", [StochasticDepth])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("mode", ["batch", "sample"])
def test_training_drops_branches(mode):
    """In 200 batches of 8 samples, with a standard deviation of 0.035 of the share that survives by batch."""
    x, layer = np.ones((8, 2, 2), "float32"), StochasticDepth(0.75, mode, seed=3)
    drawn = np.array([layer([x, x], training=True) for _ in range(200)]) - 1
    assert set(np.unique(drawn)) == {0, 1} and abs(drawn.mean() - 0.75) < 0.1
    by_sample = drawn.reshape(200, 8, 4)
    assert (by_sample == by_sample[..., :1]).all()  # a branch survives as a whole
    together = (by_sample == by_sample[:, :1]).all()
    assert together == (mode == "batch")


def test_inference_has_the_expected_value():
    x, y = noise(3, 4), noise(3, 4, seed=1)
    same(StochasticDepth(0.3)([x, y]), x + 0.3 * y)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"survival_probability": 2}, [(1, 5), (1, 5)], ["survival_probability, a number from 0 to 1"]),
        ({"mode": "row"}, [(1, 5), (1, 5)], ["mode, one of ('batch', 'sample')", "mode='row'"]),
        ({"seed": -1}, [(1, 5), (1, 5)], ["seed, an integer of at least 0"]),
        ({}, (1, 5), ["[shortcut, residual]", "inputs=1"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(StochasticDepth, kwargs, shape, *words)


def test_refuses_branches_of_other_shapes():
    for make in (keras.Input, lambda shape: np.zeros((1, *shape), "float32")):
        with pytest.raises(Refusal, match="StochasticDepth expects shortcut and residual of one shape"):
            StochasticDepth()([make((5,)), make((4,))])
