"""WeightedCrossentropy: a loop over pixels, its gradient by differences, edge cases."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.losses.weighted_crossentropy import WeightedCrossentropy

WEIGHTS = [0.5, 2.0, 0.0, 3.0]


def loop(y, p, weights, ignored, divide_by="weights"):
    """Sum of w_y * -log p_y over the sum of w_y, or as SegNet's Caffe over the number of pixels, pixel by pixel."""
    above = below = 0.0
    for at in np.ndindex(y.shape):
        if y[at] != ignored:
            weight = weights[y[at]]
            above += weight * -np.log(p[at][y[at]])
            below += weight if divide_by == "weights" else 1
    return above / below if below else 0.0


def example(seeds, shape=(2, 3, 5)):
    p = seeds.dirichlet(np.ones(4), shape)
    return seeds.choice([0, 1, 2, 3, 7], shape), p


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("ignored", [None, 7])
@pytest.mark.parametrize("divide_by", ["weights", "positions"])
def test_against_the_loop(seeds, weights, ignored, divide_by):
    y, p = example(seeds)
    y = y if ignored else y % 4
    want = loop(y, p, weights or [1] * 4, ignored, divide_by)
    loss = WeightedCrossentropy(weights, ignored, divide_by=divide_by, dtype="float64")
    # Keras clips probabilities to between 1e-7 and 1 - 1e-7
    np.testing.assert_allclose(loss(y, p), want, rtol=1e-6)
    np.testing.assert_allclose(loss(y[..., None], p), want, rtol=1e-6)
    np.testing.assert_allclose(tf.function(loss, jit_compile=True)(y, p), want, rtol=1e-6)
    logits = WeightedCrossentropy(weights, ignored, from_logits=True, divide_by=divide_by, dtype="float64")
    np.testing.assert_allclose(logits(y, np.log(p) + 3), want, rtol=1e-6)


@pytest.mark.parametrize("divide_by", ["weights", "positions"])
def test_gradient(seeds, divide_by):
    y, p = example(seeds)
    x, direction = np.log(p), seeds.normal(size=p.shape)
    loss = WeightedCrossentropy(WEIGHTS, 7, from_logits=True, divide_by=divide_by, dtype="float64")
    with tf.GradientTape() as tape:
        at = tf.constant(x)
        tape.watch(at)
        value = loss(y, at)
    slope = float(tf.reduce_sum(tape.gradient(value, at) * direction))

    def along(step):
        moved = np.exp(x + step * direction)
        return loop(y, moved / moved.sum(-1, keepdims=True), WEIGHTS, 7, divide_by)

    assert slope == pytest.approx((along(1e-5) - along(-1e-5)) / 2e-5, rel=1e-6)  # error of the quotient: 1e-10


@pytest.mark.parametrize("divide_by", ["weights", "positions"])
def test_nothing_that_counts(seeds, divide_by):
    y, p = example(seeds)
    loss = WeightedCrossentropy(WEIGHTS, 7, divide_by=divide_by)
    at = tf.Variable(p.astype("float32"))
    with tf.GradientTape() as tape:
        value = loss(np.full_like(y, 7), at)
    assert float(value) == 0 and not np.any(tape.gradient(value, at))


def test_round_trip():
    loss = WeightedCrossentropy(WEIGHTS, 7, divide_by="positions")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config() and again.class_weight == WEIGHTS


def test_files_that_do_not_say_what_they_divide_by_divide_by_the_weights():
    config = WeightedCrossentropy(WEIGHTS, 7).get_config()
    assert config.pop("divide_by") == "weights"
    assert WeightedCrossentropy.from_config(config).divide_by == "weights"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"class_weight": [1, -1]}, "class_weight, numbers of at least 0, not all 0, or None; received"),
        ({"class_weight": [0, 0]}, "class_weight, numbers of at least 0"),
        ({"class_weight": "balanced"}, "class_weight, numbers of at least 0"),
        ({"ignore_class": 1.5}, "ignore_class, an integer or None; received ignore_class=1.5"),
        ({"divide_by": "pixels"}, "divide_by, one of ('weights', 'positions'); received divide_by='pixels'"),
    ],
)
def test_refused(arguments, words):
    with pytest.raises(Refusal, match="WeightedCrossentropy expects ") as caught:
        WeightedCrossentropy(**arguments)
    assert words in str(caught.value)


def test_other_number_of_classes(seeds):
    y, p = example(seeds)
    with pytest.raises(Refusal, match="2 classes, one per weight"):
        WeightedCrossentropy([1, 2], 7)(y, p)
