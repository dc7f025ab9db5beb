"""Erosion2D: the contract, the op with the layer's kernel, its initial state, the duality with dilation, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Dilation2D, Erosion2D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    "Erosion2D": Case(
        {
            "kernel_size": (3, 2),
            "strides": 2,
            "padding": "same",
            "kernel_initializer": "random_normal",
            "dilation_rate": 2,
        },
        noise(*SHAPES[2]),
    )
}
X = noise(*SHAPES[2])


@pytest.mark.parametrize("cls", [Erosion2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_passes_its_kernel_to_the_op():
    layer = Erosion2D((3, 2), 2, "circular", dilation_rate=(1, 2))
    layer.build(X.shape)
    (kernel,) = randomize(layer)
    assert kernel.shape == (3, 2, 2) and layer.weights[0].name == "kernel"
    with ops.no_islands():
        same(layer(X), ops.erosion(X, kernel, 2, "circular", (1, 2)))


def test_starts_as_a_min_pool():
    with ops.no_islands():
        same(Erosion2D(3, padding="same")(X), -np.asarray(keras.layers.MaxPooling2D(3, 1, "same")(-X)))


def test_is_the_dual_of_the_dilation_layer():
    """With the mirrored kernel, of the negative image."""
    ours, theirs = Erosion2D((3, 2)), Dilation2D((3, 2))
    ours.build(X.shape)
    theirs.build(X.shape)
    theirs.set_weights([kernel[::-1, ::-1] for kernel in randomize(ours)])
    with ops.no_islands():
        same(ours(X), -np.asarray(theirs(-X)))


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
    check_refusal(Erosion2D, {"kernel_size": 3, **kwargs}, shape, *words)
