"""All capsules but one set to zero: the reference, the longest, what is kept of none, precisions, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import Case, Setting, normal
from tests.ops.harness import CHECKS, half_precision, refuses


def reference(x, labels=None):
    y = np.zeros(x.shape)
    for n, vectors in enumerate(x.astype("float64")):
        kept = -1 if labels is None else labels[n]
        if kept < 0:
            kept = max(range(len(vectors)), key=lambda j: sum(v * v for v in vectors[j]))
        if kept < len(vectors):
            y[n, kept] = vectors[kept]
    return y


def draw(rng, rank, one, distinct):
    """Labels of capsules, labels below 0 and above the last, or none."""
    del rank, distinct
    capsules, depth = (int(n) for n in rng.integers(1, 6, 2))
    labels = [rng.integers(-1, capsules + 1, 4).astype("int32")] if one is None or one["index"] % 2 else []
    return Setting((normal(rng, 4, capsules, depth), *labels), {})


OP_CASES = {"mask_capsules": Case(ops.mask_capsules, reference, draw, free=False, ranks=(2,))}


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(OP_CASES["mask_capsules"], 2)


def test_by_hand():
    x = np.float32([[[3, 4], [0, 1]], [[0, 1], [3, 4]], [[1, 0], [0, 1]]])
    for labels, kept in (([1, 0, 1], [1, 0, 1]), (None, [0, 1, 0]), ([-1, 0, -5], [0, 0, 0]), ([2, 7, 0], [2, 2, 0])):
        y = np.asarray(ops.mask_capsules(x, labels))
        for one, got, place in zip(x, y, kept):
            want = np.zeros_like(one)
            want[place : place + 1] = one[place : place + 1]
            np.testing.assert_array_equal(got, want)


def test_what_is_masked_is_0_whatever_it_was():
    x = np.float32([[[np.nan, np.inf], [1, 2]]])
    np.testing.assert_array_equal(ops.mask_capsules(x, [1]), [[[0, 0], [1, 2]]])


def test_squares_beyond_half_precision():
    x = tf.constant([[[300.0, 0.0], [400.0, 0.0]]], "float16")
    np.testing.assert_array_equal(ops.mask_capsules(x), [[[0, 0], [400, 0]]])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["mask_capsules"], 2, dtype)


def test_labels_of_any_integer_type(seeds):
    x = normal(seeds, 3, 4, 2)
    want = np.asarray(ops.mask_capsules(x, np.int32([1, 2, 0])))
    for kind in ("uint8", "int64"):
        np.testing.assert_array_equal(ops.mask_capsules(x, np.array([1, 2, 0], kind)), want)


X = np.zeros((3, 4, 2), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X[0],), "mask_capsules expects capsules (batch, their number, dimension); received shape=(4, 2)"),
        ((X[:, :0],), "capsules (batch, their number, dimension); received shape=(3, 0, 2)"),
        ((X.astype("int32"),), "mask_capsules expects floating x"),
        ((X, np.zeros(3, "float32")), "integer labels; received dtype="),
        ((X, np.zeros(2, "int32")), "a label for each sample; received labels=(2,), x=(3, 4, 2)"),
        ((X, np.zeros((3, 1), "int32")), "a label for each sample; received labels=(3, 1)"),
        ((keras.Input((4, 2)),), "the layer kzoo.layers.MaskCapsules; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.mask_capsules, *args)
