"""RowSparsity: a sum by hand, its gradient, rows emptied by training, a file, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.losses import RowSparsity
from tests.layer_checks import train


def test_by_hand():
    x = tf.constant([[1.0, -3.0], [2.0, 0.0], [0.0, 0.0]])
    assert float(RowSparsity(0.5)(x)) == 2.5
    assert float(RowSparsity(0)(x)) == 0 and RowSparsity().rate == 0.01


def test_slope():
    """The rate, towards 0, only at the largest of each row."""
    x = tf.constant([[1.0, -3.0], [2.0, 0.5]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = RowSparsity(0.5)(x)
    np.testing.assert_array_equal(tape.gradient(loss, x), [[0, -0.5], [0.5, 0]])


@pytest.mark.parametrize("penalty, empty", [(RowSparsity(0.2), True), (None, False)])
def test_training_empties_rows(penalty, empty):
    """The last 8 of 10 inputs are irrelevant: with the penalty their rows are near 0, without it not all are."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 10)).astype("float32")
    y = x[:, :2] @ rng.normal(size=(2, 3)).astype("float32") + 0.5 * rng.normal(size=(64, 3)).astype("float32")
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(3, kernel_regularizer=penalty)
    model = keras.Sequential([keras.Input((10,)), dense])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    train(model, x, y, 150)
    largest = np.abs(dense.kernel.numpy()).max(1)
    assert largest[:2].min() > 0.2 and (largest[2:].max() < 0.03) == empty


def test_is_restored_from_a_file(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, kernel_regularizer=RowSparsity(0.3))])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").layers[-1].kernel_regularizer
    assert isinstance(again, RowSparsity) and again.rate == 0.3


@pytest.mark.parametrize("rate", [-1, "1", None, float("nan"), float("inf")])
def test_refuses(rate):
    with pytest.raises(ValueError, match="RowSparsity expects rate, a number of at least 0"):
        RowSparsity(rate)
