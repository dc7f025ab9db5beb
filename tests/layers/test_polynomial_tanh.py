"""PolynomialTanh: the contract, its weights, the op with them, its initial state, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import PolynomialTanh
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"PolynomialTanh": Case({"degree": 2}, noise(*SHAPES[2]))}


@pytest.mark.parametrize("cls", [PolynomialTanh])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("shape", [(5, 2), SHAPES[1], SHAPES[3]])
@pytest.mark.parametrize("shared, degree", [(False, 1), (False, 4), (True, 2)])
def test_passes_its_weights_to_the_op(shape, shared, degree):
    x = noise(*shape)
    layer = PolynomialTanh(degree, shared)
    layer.build(shape)
    a, b = randomize(layer)
    each = () if shared else (2,)
    assert [w.name for w in layer.weights] == ["a", "b"]
    assert a.shape == each and b.shape == (degree + 1, *each)
    with ops.no_islands():
        same(layer(x), ops.polynomial_tanh(x, a, b))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_starts_as_tanh(shared, data_format):
    x = noise(*SHAPES[2])
    layer = PolynomialTanh(shared=shared, data_format=data_format)
    with ops.no_islands():
        same(layer(x), np.tanh(x))
    assert layer.degree == 3
    channels = x.shape[-1 if data_format == "channels_last" else 1]
    assert layer.count_params() == 5 * (1 if shared else channels)


def test_can_be_lecun_s_scaled_tanh():
    x = noise(4, 3)
    layer = PolynomialTanh(1, shared=True)
    layer.build(x.shape)
    layer.set_weights([np.float32(1.7159), np.float32([0, 2 / 3])])
    with ops.no_islands():
        same(layer(x), 1.7159 * np.tanh(2 / 3 * x))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"degree": 0}, (1, 5), ["degree, an integer above 0", "degree=0"]),
        ({"degree": 1.5}, (1, 5), ["degree, an integer above 0", "degree=1.5"]),
        ({"degree": True}, (1, 5), ["degree, an integer above 0", "degree=True"]),
        ({}, (1,), ["an input of rank 2 or more"]),
        ({}, (1, 5, None), ["a known number of channels", "(None, 5, None)"]),
        ({"data_format": "channels_first"}, (1, None, 5), ["a known number of channels", "(None, None, 5)"]),
        ({"data_format": "NHWC"}, (1, 5), ["data_format, one of", "data_format='NHWC'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(PolynomialTanh, kwargs, shape, *words)


def test_a_model_of_unknown_sizes_takes_any():
    x = keras.Input((None, None, 2))
    assert PolynomialTanh()(x).shape == (None, None, None, 2)
