"""Argmax indices of other libraries: TensorFlow's own, and the numbering of PyTorch and Caffe by a loop."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import normal
from tests.ops.harness import refuses, traced


def test_of_tensorflow_with_the_batch_in_the_index(seeds):
    x = normal(seeds, 3, 5, 7, 2)
    want, theirs = tf.nn.max_pool_with_argmax(x, 2, 2, "VALID", include_batch_in_index=True)
    values, indices = ops.max_pool_with_argmax(x, 2)
    refuses("in its own channel; received smallest=", ops.max_unpool, want, theirs, (5, 7), 2)
    got = ops.convert_argmax_indices(theirs, "tensorflow", (5, 7))
    np.testing.assert_array_equal(got, indices)
    graph = traced(
        lambda i: ops.convert_argmax_indices(i, "tensorflow", (5, 7)), tf.TensorSpec((None, None, None, 2), "int64")
    )
    np.testing.assert_array_equal(graph(theirs), indices)
    np.testing.assert_array_equal(ops.max_unpool(want, got, (5, 7)), ops.max_unpool(values, indices, (5, 7), 2))


@pytest.mark.parametrize("source", ["torch", "caffe"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_of_positions_within_a_channel(seeds, source, rank):
    """Both libraries number the positions of each channel, channels first; Caffe's masks are floats."""
    x = normal(seeds, 2, *(4, 6, 4)[:rank], 3)
    values, indices = (np.asarray(a) for a in ops.max_pool_with_argmax(x, 2))
    theirs = np.moveaxis(indices // 3, -1, 1)
    if source == "caffe":
        theirs = theirs.astype("float32")
    else:
        refuses("in its own channel", ops.max_unpool, values, np.moveaxis(theirs, 1, -1), x.shape[1:-1], 2)
    got = ops.convert_argmax_indices(theirs, source)
    assert got.dtype == "int32"
    np.testing.assert_array_equal(got, indices)


INDICES = np.zeros((2, 3, 4, 5), "int64")


@pytest.mark.parametrize(
    "words, args",
    [
        ("source, one of ('tensorflow', 'torch', 'caffe'); received source='keras'", (INDICES, "keras")),
        ("size, an integer of at least 1 or 2 of them; received size=None", (INDICES, "tensorflow")),
        ("size, an integer of at least 1 or 2 of them; received size=(3,)", (INDICES, "tensorflow", (3,))),
        ("integer indices; received dtype='float32'", (INDICES.astype("float32"), "torch")),
        ("indices (batch, channels, *pooled) with 1 to 3 spatial axes", (INDICES[0, 0], "torch")),
    ],
)
def test_refuses(words, args):
    refuses(f"convert_argmax_indices expects {words}", ops.convert_argmax_indices, *args)
