"""ZCAWhitening: the contract, the inverse root of the covariance, batches, errors."""

import numpy as np
import pytest

from kzoo.layers import ZCAWhitening
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"ZCAWhitening": Case({"epsilon": 0.5}, noise(3, 4, 3, 2), free=False)}


@pytest.mark.parametrize("cls", [ZCAWhitening])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def correlated(count, seed=0):
    """Images of 3 x 2 x 2 values that depend on each other, around 100."""
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(count, 12)) @ draw.normal(size=(12, 12)) + 100).reshape(-1, 3, 2, 2)


def test_learns_the_inverse_root_of_the_covariance():
    """As pylearn2: epsilon on the diagonal of the covariance, whose divisor is the number of examples."""
    x = correlated(400)
    layer = ZCAWhitening(epsilon=0.1)
    layer.adapt(x)
    rows, whitening = x.reshape(400, 12), np.array(layer.whitening, "float64")
    np.testing.assert_allclose(layer.mean, rows.mean(0), rtol=1e-6)
    wanted = np.linalg.inv(np.cov(rows.T, ddof=0) + 0.1 * np.eye(12))
    np.testing.assert_allclose(whitening @ whitening, wanted, atol=1e-5 * np.abs(wanted).max())
    np.testing.assert_allclose(whitening, whitening.T, atol=1e-6)
    same(layer(x), ((rows - rows.mean(0)) @ whitening).reshape(x.shape).astype("float32"))


def test_whitens():
    x, layer = correlated(400), ZCAWhitening(epsilon=1e-9)
    layer.adapt(x)
    y = np.reshape(layer(x), (400, 12))
    np.testing.assert_allclose(y.mean(0), np.zeros(12), atol=1e-3)
    np.testing.assert_allclose(np.cov(y.T, ddof=0), np.eye(12), atol=1e-2)


def test_learns_the_same_from_batches():
    """Also from a mean so large that float32 sums would lose the covariance."""
    x = correlated(300) + 1e4
    layers = [ZCAWhitening() for _ in range(2)]
    for layer, data in zip(layers, (x, [x[:10], x[10:130], x[130:]])):
        layer.adapt(data)
    same(layers[0].whitening, layers[1].whitening)
    np.testing.assert_allclose(layers[0].whitening, layer_of(x - 1e4).whitening, atol=1e-4)


def layer_of(x):
    layer = ZCAWhitening()
    layer.adapt(x)
    return layer


def test_fewer_examples_than_values():
    """Directions without variance are divided by the root of epsilon."""
    layer = layer_of(np.float32([[1, 5, 2]]))
    same(layer(np.float32([[2, 5, 2]])), np.float32([[1 / np.sqrt(0.1), 0, 0]]))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"epsilon": 0}, (1, 5, 5, 2), ["epsilon, a number above 0", "epsilon=0"]),
        ({}, (1, None, 5, 2), ["an input of known sizes"]),
        ({}, (1, 224, 224, 3), ["an input of 1 to 10,000 values", "values=150528"]),
        ({}, (1, 0, 5, 2), ["an input of 1 to 10,000 values"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(ZCAWhitening, kwargs, shape, *words)


def test_refuses_another_shape_than_that_it_was_built_for():
    layer = layer_of(noise(9, 2, 3))
    with pytest.raises(ValueError, match="an input of as many values as it was built for; received values=12"):
        layer(noise(4, 4, 3))
