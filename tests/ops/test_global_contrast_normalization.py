"""Global contrast normalization: the reference, pylearn2's special cases, precisions, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import Case, Setting, normal
from tests.ops.harness import CHECKS, close, refuses


def reference(x, scale=1.0, use_std=False, sqrt_bias=0.0, min_divisor=1e-8):
    """As pylearn2: each example on its own, in float64."""
    y = np.zeros(x.shape)
    for b, example in enumerate(np.asarray(x, "float64")):
        values = example - sum(example.ravel()) / example.size
        squares = sum(v * v for v in values.ravel())
        divisor = np.sqrt(sqrt_bias + (squares / max(example.size - 1, 1) if use_std else squares)) / scale
        y[b] = values / (1 if divisor < min_divisor else divisor)
    return y


def draw(rng, rank, one, distinct):
    """A bias well above 0, so that no divisor is near the smallest one, which would bend the slope."""
    del one, distinct
    spatial = tuple(int(n) for n in rng.integers(1, 5, rank))
    kwargs = {"scale": float(rng.uniform(0.5, 2)), "use_std": bool(rng.random() < 0.5)}
    return Setting((normal(rng, 2, *spatial, 3),), {**kwargs, "sqrt_bias": float(rng.uniform(0.5, 2))})


OP_CASES = {"global_contrast_normalization": Case(ops.global_contrast_normalization, reference, draw, curved=True)}


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(OP_CASES["global_contrast_normalization"], 2)  # all axes are alike


@pytest.mark.parametrize(
    "kwargs, largest",
    [
        ({}, 1 / np.sqrt(2)),  # the norm of (-1, 1) is the square root of 2
        ({"scale": 55.0}, 55 / np.sqrt(2)),  # CIFAR-10 for maxout networks
        ({"use_std": True, "sqrt_bias": 10.0}, 1 / np.sqrt(12)),  # Coates et al.: the variance is 2 / (2 - 1)
        ({"min_divisor": 1.5}, 1),  # a smaller divisor is 1
        ({"scale": 55.0, "min_divisor": 0.03}, 1),  # and is compared after the division by scale
        ({"scale": 55.0, "min_divisor": 0.02}, 55 / np.sqrt(2)),
    ],
)
def test_as_pylearn2(kwargs, largest):
    x = np.float32([[3, 5], [7, 7]])
    close(ops.global_contrast_normalization(x, **kwargs), np.array([[-largest, largest], [0, 0]]))


def test_a_constant_example_is_zero():
    """Also where its mean is rounded, and without a smallest divisor."""
    x = np.full((1, 33, 31, 3), 0.1, "float32")
    assert not np.any(ops.global_contrast_normalization(x)) and not np.any(
        ops.global_contrast_normalization(x, min_divisor=0)
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_squares_in_float32(dtype):
    """4,096 squared is no float16."""
    got = ops.global_contrast_normalization(tf.constant([[0, 4096]], dtype), scale=2.0)
    assert got.dtype == dtype
    close(tf.cast(got, "float32"), np.float32([[-1, 1]]) * np.sqrt(2), 1e-2)


X = np.zeros((1, 4, 5, 3), "float32")


@pytest.mark.parametrize(
    "x, kwargs, words",
    [
        (X, {"scale": 0}, "global_contrast_normalization expects scale, a number above 0; received scale=0"),
        (X, {"use_std": "no"}, "use_std, True or False"),
        (X, {"sqrt_bias": -1}, "sqrt_bias, a number of at least 0"),
        (X, {"min_divisor": float("nan")}, "min_divisor, a number of at least 0"),
        (X[0, 0, 0], {}, "rank 2 or more"),
        (X.astype("uint8"), {}, "floating x"),
        (keras.Input((4, 5, 3)), {}, "the layer kzoo.layers.GlobalContrastNormalization"),
    ],
)
def test_refuses(x, kwargs, words):
    refuses(words, ops.global_contrast_normalization, x, **kwargs)
