"""RBF: the contract, the op with its prototypes, Gaussian units, fixed prototypes, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import RBF
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"RBF": Case({"units": 5, "activation": "exponential"}, noise(3, 4, 6) / 4, free=False)}
X = noise(4, 6)


@pytest.mark.parametrize("cls", [RBF])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_passes_its_prototypes_to_the_op():
    layer, gaussian = RBF(3), RBF(3, activation="exponential")
    layer.build(X.shape)
    gaussian.build(X.shape)
    (kernel,) = randomize(layer)
    gaussian.set_weights([kernel])
    same(layer(X), ops.rbf(X, kernel))
    distance = np.square(X[:, :, None] - kernel).sum(1)
    same(gaussian(X), np.exp(-distance))


def test_prototypes_that_are_not_trained_stay():
    layer, below = RBF(2, kernel_initializer="ones", trainable=False), keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((6,)), below, layer])
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    before = below.get_weights()[0]
    model.fit(X, np.zeros((4, 2)), verbose=0)
    assert (np.asarray(layer.kernel) == 1).all() and (below.get_weights()[0] != before).all()


def test_regularizer_and_constraint():
    layer = RBF(
        2, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(1.0), kernel_constraint="non_neg"
    )
    layer.build(X.shape)
    assert float(sum(layer.losses)) == 12 and isinstance(layer.kernel.constraint, keras.constraints.NonNeg)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"units": 0}, (1, 5), ["units, an integer above 0", "units=0"]),
        ({}, (1, None), ["a known number of channels", "(None, None)"]),
        ({}, (1,), ["an input (batch, ..., channels)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(RBF, {"units": 2, **kwargs}, shape, *words)
