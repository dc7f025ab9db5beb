"""Checks of sizes: at once where they are known, when the graph runs where they are not."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.ops.k_max_pool import k_max_pool
from kzoo.ops.sizes import after_checks, at_least, every, require_size, shape_of, sizes_of

FREE = tf.TensorSpec((None, None, 2))


def halves(x):
    """Returns every second element; refuses odd and small sizes."""
    (n,) = sizes_of(x)
    fits = n is None or every([n > 2, n % 2 == 0])
    require_size(fits, "halves", ["an even size above ", at_least(2, 1)], size=n, both=(n, [1, n]), name="a")
    return after_checks(x)[:, ::2]


WORDS = "halves expects an even size above 2; received size=5, both=(5, [1, 5]), name='a'."


def test_known_sizes_are_refused_at_once():
    assert halves(tf.zeros((1, 4, 2))).shape == (1, 2, 2)
    with pytest.raises(Refusal) as caught:
        halves(tf.zeros((1, 5, 2)))
    assert str(caught.value) == WORDS
    traced = tf.function(halves).get_concrete_function(tf.TensorSpec((None, 4, 2)))
    assert not {"Assert", "StringFormat"} & {op.type for op in traced.graph.get_operations()}


def test_unknown_sizes_are_refused_when_the_graph_runs():
    traced = tf.function(halves, input_signature=[FREE])
    assert traced(tf.zeros((1, 4, 2))).shape == (1, 2, 2)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        traced(tf.zeros((1, 5, 2)))
    assert WORDS in str(caught.value).replace("\\'", "'")


def test_inside_tf_data():
    dataset = tf.data.Dataset.from_generator(lambda: [np.zeros((1, n, 2)) for n in (4, 5)], output_signature=FREE)
    with pytest.raises(tf.errors.InvalidArgumentError, match="halves expects an even size above 2; received size=5"):
        list(dataset.map(halves))


def test_xla_refuses_unknown_sizes():
    """It drops assertions."""
    traced = tf.function(halves, input_signature=[FREE], jit_compile=True)
    assert traced(tf.zeros((1, 4, 2))).shape == (1, 2, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="halves_refuses_this_size"):
        traced(tf.zeros((1, 5, 2)))


def test_nothing_is_computed_before_the_checks():
    """Otherwise TensorFlow's error for a k above the length could come first."""
    traced = tf.function(lambda x: k_max_pool(x, 7), input_signature=[FREE])
    for _ in range(20):
        with pytest.raises(tf.errors.InvalidArgumentError, match="k_max_pool expects k of at most the length; rece"):
            traced(tf.zeros((1, 3, 2)))


def test_shapes():
    x = tf.zeros((1, 3, 4, 2))
    assert shape_of(x) == (1, 3, 4, 2) and sizes_of(x) == (3, 4)
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder("float32", (None, 3, None, 2))
        batch, height, width, channels = shape_of(x)
        assert (batch, height, channels) == (None, 3, 2) and tf.is_tensor(width)
        assert after_checks(x) is x  # there are none


def test_every():
    assert every([]) is True and every([True, True]) is True and every([True, False]) is False
    assert not every([tf.constant(True), tf.constant(False)]) and every([tf.constant(True), True])
    assert every([tf.constant(True), False]) is False
