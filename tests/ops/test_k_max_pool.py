"""k-max pooling: the reference, order, ties, gradients, the paper's dynamic k, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import Case, Setting, normal, numbers
from tests.ops.harness import CHECKS, close, half_precision, refuses


def reference(x, k):
    """Positions are ranked by value, and of equal values by position; the first k are put back in order."""
    y = np.zeros((len(x), k, x.shape[-1]), x.dtype)
    for b, c in np.ndindex(len(x), x.shape[-1]):
        ranked = sorted(range(x.shape[1]), key=lambda i: (-x[b, i, c], i))
        y[b, :, c] = [x[b, i, c] for i in sorted(ranked[:k])]
    return y


def draw(rng, rank, one, distinct):
    del rank
    length = int(rng.integers(1, 9)) if one is None else one["index"] % 5 + 2
    k = int(rng.integers(1, length + 1)) if one is None else one["index"] % length + 1
    return Setting((numbers(rng, (2, length, 3), distinct),), {"k": k})


OP_CASES = {"k_max_pool": Case(ops.k_max_pool, reference, draw, ranks=(1,))}


def pooled(cells, k):
    """What is kept of a row of elements, and where the gradient goes."""
    x = tf.constant(cells, "float32")[None, :, None]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.k_max_pool(x, k)
    return np.ravel(y).tolist(), np.ravel(tape.gradient(y, x)).tolist()


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(OP_CASES["k_max_pool"], 1)


def test_keeps_the_order():
    assert pooled([3, 1, 5, 2, 4], 3) == ([3, 5, 4], [1, 0, 1, 0, 1])


def test_of_equal_values_the_first_are_taken():
    assert pooled([1, 2, 2, 0, 2, 2], 3) == ([2, 2, 2], [0, 1, 1, 0, 1, 0])
    assert pooled([-1, -1, -1], 1) == ([-1], [1, 0, 0])


def test_all_cells_are_the_input_and_one_is_the_maximum(seeds):
    x = normal(seeds, 2, 7, 3)
    np.testing.assert_array_equal(ops.k_max_pool(x, 7), x)
    np.testing.assert_array_equal(ops.k_max_pool(x, 1), x.max(1, keepdims=True))


def test_dynamic_k():
    """The paper's example: a sentence of 18 words in a model of 3 layers whose last keeps 3."""
    assert [ops.dynamic_k(3, layer, 3, 18) for layer in (1, 2, 3)] == [12, 6, 3]
    assert ops.dynamic_k(4, 1, 3, 10) == 7 and ops.dynamic_k(4, 2, 3, 4) == 4  # rounded up; no fewer than k


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["k_max_pool"], 1, dtype)


def test_unknown_length():
    spec = tf.TensorSpec((None, None, 3))
    for jit in (False, True):
        run = tf.function(lambda x: ops.k_max_pool(x, 4), [spec], jit_compile=jit, autograph=False)
        for length in (4, 9):
            x = normal(np.random.default_rng(length), 2, length, 3)
            close(run(x), OP_CASES["k_max_pool"].reference(x, 4))


def test_edges():
    assert ops.k_max_pool(np.zeros((0, 5, 2)), 3).shape == (0, 3, 2)


X = np.zeros((1, 4, 2), "float32")


@pytest.mark.parametrize(
    "x, k, words",
    [
        (X[0], 2, "k_max_pool expects x (batch, length, channels); received shape=(4, 2)"),
        (X.astype(bool), 2, "k_max_pool expects floating or integer x; received dtype='bool'"),
        (X, 5, "k of at most the length; received k=5, length=4"),
        (X, 0, "k, an integer above 0; received k=0"),
        (X, 1.0, "k=1.0"),
        (X, True, "k=True"),
        (keras.Input((4, 2)), 2, "the layer kzoo.layers.KMaxPooling1D; received a KerasTensor"),
    ],
)
def test_refuses(x, k, words):
    refuses(words, ops.k_max_pool, x, k)


@pytest.mark.parametrize("layer, layers", [(0, 3), (4, 3), (1.0, 3), (1, None)])
def test_refuses_depths(layer, layers):
    refuses("dynamic_k expects layer and layers, integers with 1 <= layer", ops.dynamic_k, 3, layer, layers, 18)
