"""Training images of several sizes, in turn by epoch."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data.examples import Examples
from kzoo.data.sizes_by_epoch import resize_by_epoch
from kzoo.data.source import resize_images

X = np.random.default_rng(0).integers(0, 256, (6, 12, 8, 3)).astype("uint8")


def batches(y, start=0, steps=3):
    split = Examples.from_arrays(X, y)
    return resize_by_epoch(split.batches(2, seed=1, start=start), [(12, 8), (6, 5)], steps, start)


def test_an_epoch_of_each_size_in_turn():
    found = list(batches(np.arange(6)).take(9))
    assert [x.shape[1:3] for x, _ in found] == [(12, 8)] * 3 + [(6, 5)] * 3 + [(12, 8)] * 3
    for x, y in found:
        np.testing.assert_array_equal(x, resize_images(tf.constant(X[y.numpy()]), x.shape[1:3]))
    assert batches(np.arange(6)).element_spec[0].shape.as_list() == [2, None, None, 3]


@pytest.mark.parametrize("start", [2, 4])
def test_resumed_in_the_middle(start):
    whole = list(batches(np.arange(6)).take(8))[start:]
    for (x, y), (resumed, labels) in zip(whole, batches(np.arange(6), start)):
        np.testing.assert_array_equal(x, resumed)
        np.testing.assert_array_equal(y, labels)


@pytest.mark.parametrize("channel", [(), (1,)])
def test_label_maps_take_the_nearest_label(channel):
    maps = np.arange(6)[:, None, None].repeat(12, 1).repeat(8, 2).reshape(6, 12, 8, *channel)
    *_, (x, y) = batches(maps).take(4)
    assert x.shape[1:3] == y.shape[1:3] == (6, 5) and y.shape[3:] == channel and y.dtype == tf.int32
    assert (y.numpy().reshape(2, -1) == y.numpy().reshape(2, -1)[:, :1]).all()


def test_only_images_have_sizes():
    signals = tf.data.Dataset.from_tensors((tf.ones((2, 8, 1)), tf.ones(2)))
    with pytest.raises(Refusal, match=r"data.training_sizes expects images; received input_shape=\(8, 1\)"):
        resize_by_epoch(signals, [(8, 8)], 1)
