"""Batches of arrays and datasets, for models of one and of several inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.input_batches import input_batches
from kzoo.checks import Refusal

ONE = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
PAIR = [keras.Input((2,)), keras.Input((3,))]
TWO = keras.Model(PAIR, keras.layers.Concatenate()(PAIR))
A, B = np.arange(10).reshape(5, 2), np.arange(15).reshape(5, 3)


def joined(found):
    return [np.concatenate(parts) for parts in zip(*found)]


def test_arrays():
    found = list(input_batches("it", ONE, A, 2))
    assert [len(x) for (x,) in found] == [2, 2, 1]
    np.testing.assert_array_equal(joined(found)[0], A)
    for found, wanted in zip(joined(input_batches("it", TWO, [A, B], 3)), (A, B), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("targets", [(), (np.zeros(5),), (np.zeros(5), np.ones(5))], ids=len)
def test_datasets(targets):
    slices = tf.data.Dataset.from_tensor_slices
    one = slices((A, *targets)) if targets else slices(A)
    np.testing.assert_array_equal(joined(input_batches("it", ONE, one.batch(2)))[0], A)
    two = slices(((A, B), *targets)) if targets else slices((A, B))
    for found, wanted in zip(joined(input_batches("it", TWO, two.batch(2))), (A, B), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("data", [A[0], B, [A, A], 3.0, A[:0], "a"], ids=["axis", "shape", "many", "one", "none", "a"])
def test_refused(data):
    with pytest.raises(Refusal, match="^it expects (inputs of shape|data with at least one example)"):
        list(input_batches("it", ONE, data))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j])
def test_refused_values(value):
    data = np.where(np.arange(5)[:, None] == 3, value, A)
    with pytest.raises(Refusal, match="^it expects inputs, real and finite numbers; received example=3"):
        list(input_batches("it", ONE, data, 2))
    with pytest.raises(Refusal, match="example=3"):
        list(input_batches("it", ONE, tf.data.Dataset.from_tensor_slices(data).batch(2)))


def test_refused_of_several_inputs():
    with pytest.raises(Refusal, match="^it expects inputs of as many examples"):
        list(input_batches("it", TWO, [A, B[:3]]))
    with pytest.raises(Refusal, match="^it expects batch_size, an integer above 0"):
        list(input_batches("it", ONE, A, 0))
