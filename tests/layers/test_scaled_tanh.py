"""ScaledTanh: the contract, its formula, its fixed points, errors."""

import numpy as np
import pytest

from kzoo.layers import ScaledTanh
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"ScaledTanh": Case({"amplitude": 1.5}, noise(*SHAPES[2]))}


@pytest.mark.parametrize("cls", [ScaledTanh])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4, 5, 6, 2)])
def test_formula(shape):
    x = noise(*shape)
    same(ScaledTanh()(x), 1.7159 * np.tanh(2 / 3 * x))
    same(ScaledTanh(0.5, -3)(x), 0.5 * np.tanh(-3 * x))


def test_keeps_1_and_minus_1():
    """To four digits, as LeCun chose the amplitude."""
    np.testing.assert_allclose(ScaledTanh()(np.float32([-1, 0, 1])), [-1, 0, 1], atol=1e-4)


@pytest.mark.parametrize("name", ["amplitude", "slope"])
@pytest.mark.parametrize("value", ["1", None, True, 1j, [1.0]])
def test_refuses(name, value):
    check_refusal(ScaledTanh, {name: value}, (1, 5), f"{name}, a number", f"{name}={value!r}")
