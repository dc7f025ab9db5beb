"""Subsampling2D: the contract, the op with the layer's weights, its initial state, its regularizers, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Subsampling2D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import POOL, SHAPES, Case, noise

LAYER_CASES = {"Subsampling2D": Case({**POOL, "activation": "tanh"}, noise(*SHAPES[2]))}
X = noise(*SHAPES[2])


@pytest.mark.parametrize("cls", [Subsampling2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("use_bias", [True, False])
def test_passes_its_weights_to_the_op(use_bias):
    layer = Subsampling2D((3, 2), 1, "circular", dilation_rate=2, activation="relu", use_bias=use_bias)
    layer.build(X.shape)
    coefficient, *bias = randomize(layer)
    assert [w.name for w in layer.weights] == ["coefficient", "bias"][: 1 + use_bias]
    assert all(w.shape == (2,) for w in layer.weights)
    with ops.no_islands():
        y = np.asarray(ops.subsample(X, coefficient, (3, 2), 1, "circular", 2))
        same(layer(X), np.maximum(y + sum(bias), 0))


@pytest.mark.parametrize("size", [2, (3, 2)])
def test_starts_as_an_average(size):
    with ops.no_islands():
        same(Subsampling2D(size)(X), keras.layers.AveragePooling2D(size)(X))


def test_initializers_regularizers_and_constraints():
    """Each by its own factor: 1 on the coefficients' squares, 10 on the biases'."""
    layer = Subsampling2D(
        coefficient_initializer="ones",
        bias_initializer=keras.initializers.Constant(2.0),
        coefficient_regularizer=keras.regularizers.L2(1.0),
        bias_regularizer=keras.regularizers.L2(10.0),
        coefficient_constraint="non_neg",
    )
    layer.build(X.shape)
    assert np.asarray(layer.coefficient).tolist() == [1, 1] and np.asarray(layer.bias).tolist() == [2, 2]
    assert sum(map(float, layer.losses)) == 2 * 1 + 10 * 2 * 4
    assert isinstance(layer.coefficient.constraint, keras.constraints.NonNeg) and layer.bias.constraint is None


def test_softmax_is_over_channels_in_both_formats():
    for data_format, axis in (("channels_last", -1), ("channels_first", 1)):
        with ops.no_islands():
            y = np.asarray(Subsampling2D(activation="softmax", data_format=data_format)(noise(2, 8, 8, 8)))
        np.testing.assert_allclose(y.sum(axis), 1, rtol=1e-5)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({"pool_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "pool_size=6", "input=5"]),
        ({"pool_size": 0}, (1, 5, 5, 2), ["pool_size, an integer of at least 1", "pool_size=0"]),
        ({"padding": 2}, (1, 5, 5, 2), ["windows that each meet the input", "padding=(2, 2)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(Subsampling2D, kwargs, shape, *words)


@pytest.mark.parametrize("part", ["activation", "coefficient_initializer", "bias_regularizer"])
def test_refuses_names_that_keras_does_not_know(part):
    with pytest.raises(ValueError, match="nonsense"):
        Subsampling2D(**{part: "nonsense"})


def test_lenets_activation_is_restored_from_a_file(tmp_path):
    """As `activation=ops.scaled_tanh`, of this layer and of Keras's."""
    from kzoo.ops import scaled_tanh

    x = noise(2, 8, 8, 2)
    model = keras.Sequential([keras.Input((8, 8, 2)), Subsampling2D(2, activation=scaled_tanh)])
    model.add(keras.layers.Dense(3, activation=scaled_tanh))
    model.save(tmp_path / "model.keras")
    same(keras.models.load_model(tmp_path / "model.keras")(x), model(x))
