"""Dilation2D: the contract, the op with the layer's kernel, its initial state, regularizers, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Dilation2D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    "Dilation2D": Case(
        {"kernel_size": (3, 2), "strides": 2, "padding": "same", "kernel_initializer": "random_normal"},
        noise(*SHAPES[2]),
    )
}
X = noise(*SHAPES[2])


@pytest.mark.parametrize("cls", [Dilation2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_passes_its_kernel_to_the_op():
    layer = Dilation2D((3, 2), 2, "circular", dilation_rate=(1, 2))
    layer.build(X.shape)
    (kernel,) = randomize(layer)
    assert kernel.shape == (3, 2, 2) and layer.weights[0].name == "kernel"
    with ops.no_islands():
        same(layer(X), ops.dilation(X, kernel, 2, "circular", (1, 2)))


def test_starts_as_a_max_pool():
    with ops.no_islands():
        same(Dilation2D(3, padding="same")(X), keras.layers.MaxPooling2D(3, 1, "same")(X))


def test_initializers_regularizers_and_constraints():
    layer = Dilation2D(2, kernel_initializer="ones", kernel_regularizer="l2", kernel_constraint="non_neg")
    layer.build(X.shape)
    assert (np.asarray(layer.kernel) == 1).all()
    np.testing.assert_allclose(float(*layer.losses), 0.01 * 8, rtol=1e-6)
    assert isinstance(layer.kernel.constraint, keras.constraints.NonNeg)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        ({"kernel_size": 0}, (1, 5, 5, 2), ["kernel_size, an integer of at least 1", "kernel_size=0"]),
        ({"padding": 3}, (1, 5, 5, 2), ["windows that each meet the input", "kernel_size=3", "padding=(3, 3)"]),
        ({"padding": "half"}, (1, 5, 5, 2), ["padding, one of", "padding='half'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(Dilation2D, {"kernel_size": 3, **kwargs}, shape, *words)
