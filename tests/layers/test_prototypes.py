"""Prototypes: the contract, the op with its prototypes, stored examples, few examples of digits, errors."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from kzoo import ops
from kzoo.checks import Refusal
from kzoo.layers import Prototypes
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"Prototypes": Case({"classes": 5, "per_class": 2, "temperature": 2.0}, noise(3, 4, 6) / 4, free=False)}
FIELD_CASES = {"Prototypes": [("exact", {"classes": 3, "per_class": 2})]}
X = noise(4, 6)


def test_contract(tmp_path):
    check_layer(Prototypes, *LAYER_CASES["Prototypes"], tmp_path)


def test_passes_its_prototypes_to_the_op():
    layer = Prototypes(3, 2, 0.5, "softmax")
    layer.build(X.shape)
    (kernel,) = randomize(layer)
    logits = np.asarray(ops.prototype_logits(X, kernel, 0.5))
    same(layer(X), np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))


def test_stored_examples_and_means(seeds):
    x, y = seeds.normal(size=(12, 4)).astype("float32"), np.arange(12) % 3
    one, all_of_them, two = Prototypes(3), Prototypes(3, 4), Prototypes(3, 2)
    for layer in (one, all_of_them, two):
        layer.store(x, y)
    for k in range(3):
        np.testing.assert_allclose(one.kernel[:, k, 0], x[y == k].mean(0), rtol=1e-5)
        np.testing.assert_array_equal(all_of_them.kernel[:, k].numpy().T, x[y == k])
        weights = np.linalg.lstsq(x[y == k].T, np.asarray(two.kernel[:, k]), rcond=None)[0].sum(0)
        np.testing.assert_allclose(weights, 1, rtol=1e-4)  # means of examples


def test_few_examples_of_digits():
    """Five stored examples of each digit classify four of five others; nothing is trained."""
    x, y = load_digits(return_X_y=True)
    x = x.astype("float32") / 16
    chosen = np.concatenate([np.flatnonzero(y == k)[:5] for k in range(10)])
    layer = Prototypes(10, 5, 0.1)
    layer.store(x[chosen], y[chosen])
    others = np.setdiff1d(np.arange(len(y)), chosen)
    with ops.no_islands():
        assert np.mean(np.argmax(layer(x[others]), -1) == y[others]) > 0.8


def test_regularizer_and_constraint():
    layer = Prototypes(
        2, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(1.0), kernel_constraint="non_neg"
    )
    layer.build(X.shape)
    assert float(sum(layer.losses)) == 12 and isinstance(layer.kernel.constraint, keras.constraints.NonNeg)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"classes": 0}, (1, 5), ["classes, an integer above 0", "classes=0"]),
        ({"per_class": 0}, (1, 5), ["per_class, an integer above 0", "per_class=0"]),
        ({"temperature": 0}, (1, 5), ["temperature, a number above 0", "temperature=0"]),
        ({}, (1, None), ["a known number of channels", "(None, None)"]),
        ({}, (1,), ["an input (batch, ..., channels)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(Prototypes, {"classes": 2, **kwargs}, shape, *words)


@pytest.mark.parametrize(
    "x, y, words",
    [
        (X[0], [0], "x (N, C) and integer labels y (N,); received x=(6,)"),
        (X, [0, 1], "y=(2,)"),
        (X, [0.0, 1, 0, 1], "dtype='float64'"),
        (X, [0, 1, 0, 2], "labels from 0 to 1; received largest=2"),
        (X, [0, 0, 0, 0], "at least 1 examples of each class; received class_1=0"),
        (X[:0], np.zeros(0, int), "at least 1 examples of each class"),
    ],
)
def test_refuses_examples(x, y, words):
    with pytest.raises(Refusal) as caught:
        Prototypes(2).store(x, y)
    assert words in str(caught.value)
