"""CapsuleMarginLoss: a loop, its gradient, Keras's reductions, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.losses import CapsuleMarginLoss
from kzoo.training.keras_objects import build_object


def loop(labels, lengths, m_plus=0.9, m_minus=0.1, down_weight=0.5):
    """Returns the samples' losses and their gradients, one capsule at a time."""
    losses, slopes = np.zeros(len(lengths)), np.zeros(lengths.shape)
    for n, k in np.ndindex(lengths.shape):
        v = float(lengths[n, k])
        if labels[n] == k:
            losses[n] += max(0, m_plus - v) ** 2
            slopes[n, k] = -2 * max(0, m_plus - v)
        else:
            losses[n] += down_weight * max(0, v - m_minus) ** 2
            slopes[n, k] = 2 * down_weight * max(0, v - m_minus)
    return losses, slopes


@pytest.mark.parametrize("settings", [{}, {"m_plus": 0.7, "m_minus": 0.2, "down_weight": 1.0}], ids=str)
def test_loop(seeds, settings):
    labels, lengths = seeds.integers(0, 4, 20), tf.constant(seeds.uniform(0, 1, (20, 4)), "float32")
    losses, slopes = loop(labels, lengths.numpy(), **settings)
    loss = CapsuleMarginLoss(**settings, reduction="sum")
    for call in (loss, tf.function(loss, jit_compile=True)):
        with tf.GradientTape() as tape:
            tape.watch(lengths)
            got = call(labels, lengths)
        np.testing.assert_allclose(got, losses.sum(), rtol=1e-5)
        np.testing.assert_allclose(tape.gradient(got, lengths), slopes, atol=1e-6)
    np.testing.assert_allclose(CapsuleMarginLoss(**settings)(labels[:, None], lengths), losses.mean(), rtol=1e-5)
    single = CapsuleMarginLoss(**settings, reduction=None)(labels.astype("uint8"), lengths)
    np.testing.assert_allclose(single, losses, rtol=1e-5)


def test_nothing_is_lost_within_the_margins():
    lengths = np.float32([[0.1, 0.9, 0.0], [0.95, 0.05, 0.02]])
    assert float(CapsuleMarginLoss()(np.array([1, 0]), lengths)) == 0
    assert float(CapsuleMarginLoss()(np.array([0, 0]), lengths)) > 0


def test_config_by_name():
    spec = {"class_name": "CapsuleMarginLoss", "config": {"m_plus": 0.8, "down_weight": 1}}
    again = keras.losses.deserialize(keras.losses.serialize(build_object("loss", spec)))
    assert (again.m_plus, again.m_minus, again.down_weight, again.name) == (0.8, 0.1, 1.0, "capsule_margin_loss")


@pytest.mark.parametrize("setting", ["m_plus", "m_minus", "down_weight"])
@pytest.mark.parametrize("value", [-1, "1", None, float("nan")])
def test_refused_settings(setting, value):
    with pytest.raises(Refusal, match=f"CapsuleMarginLoss expects {setting}, a number of at least 0"):
        CapsuleMarginLoss(**{setting: value})
