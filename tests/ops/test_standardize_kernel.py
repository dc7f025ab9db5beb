"""Weight standardization: the reference, its invariances, facts of the papers, precisions, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal
from tests.ops.harness import close, compiled, half_precision, inside_xla, refuses, slopes, uncompiled


def reference(kernel, gain=None, epsilon=1e-6):
    """One filter at a time."""
    result = np.zeros(kernel.shape)
    for f in range(kernel.shape[-1]):
        weights = [float(w) for w in kernel[..., f].ravel()]
        mean = sum(weights) / len(weights)
        variance = sum((w - mean) ** 2 for w in weights) / len(weights)
        scale = 1 if gain is None else float(gain[f]) / len(weights) ** 0.5
        result[..., f] = (kernel[..., f].astype("float64") - mean) / (variance + epsilon) ** 0.5 * scale
    return result


def draw(rng, rank, one, distinct):
    del distinct
    index = one["index"] if one else int(rng.integers(12))
    # at least 4 weights in each filter: two become -1 and 1, with no gradient but rounding
    kernel = normal(rng, *(int(n) for n in rng.integers(2, 4, rank)), 2, index % 4 + 1) + np.float32(index % 3)
    gain = [normal(rng, kernel.shape[-1])] if index % 2 else []
    return Setting((kernel, *gain), {"epsilon": (1e-6, 0.1)[index % 3 == 1]})


def standardize_kernel(kernel, *gain, epsilon):
    return ops.standardize_kernel(kernel, epsilon, *gain)


OP_CASES = {"standardize_kernel": Case(standardize_kernel, reference, draw, free=False, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", [uncompiled, compiled, inside_xla, slopes])
def test_equals_the_loop(check, rank):
    check(OP_CASES["standardize_kernel"], rank)


def test_filters_have_mean_0_and_variance_1(seeds):
    y = np.asarray(ops.standardize_kernel(normal(seeds, 3, 3, 5, 4) + 7))
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.var((0, 1, 2)), 1, rtol=1e-5)


def test_a_gain_of_1_keeps_the_variance_of_inputs(seeds):
    """Brock et al.: the outputs for independent inputs of variance 1 have variance 1."""
    x, kernel = normal(seeds, 4000, 18), normal(seeds, 18, 3)
    assert abs(np.var(x @ ops.standardize_kernel(kernel, gain=np.ones(3, "float32"))) - 1) < 0.05


def test_shifts_and_scales_of_the_weights_change_nothing(seeds):
    """So gradients have neither a part along the filter nor along a constant."""
    kernel = seeds.normal(size=(3, 2, 4, 5))
    close(ops.standardize_kernel(3 * kernel + 2, 1e-12), ops.standardize_kernel(kernel, 1e-12), 1e-10)
    w = tf.constant(kernel)
    with tf.GradientTape() as tape:
        tape.watch(w)
        loss = tf.reduce_sum(ops.standardize_kernel(w, 1e-12) ** 3)
    gradient = tape.gradient(loss, w).numpy()
    assert np.abs(gradient).max() > 0.1
    np.testing.assert_allclose(gradient.sum((0, 1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose((gradient * kernel).sum((0, 1, 2)), 0, atol=1e-9)


def test_equals_kerass_layer_normalization(seeds):
    """Of the filters as samples: PyTorch Image Models computes the kernel in this way, with its batch norm."""
    kernel, gain = normal(seeds, 3, 3, 4, 5), normal(seeds, 5)
    layer = keras.layers.LayerNormalization(epsilon=0.01, center=False, scale=False)
    want = np.asarray(layer(kernel.reshape(36, 5).T)).T.reshape(kernel.shape)
    close(ops.standardize_kernel(kernel, 0.01), want)
    close(ops.standardize_kernel(kernel, 0.01, gain), want * gain / 6)


def test_constant_filters_are_0_with_a_finite_gradient():
    w = tf.constant(np.full((3, 3, 1, 2), 0.1, "float32"))
    with tf.GradientTape() as tape:
        tape.watch(w)
        y = ops.standardize_kernel(w)
        loss = tf.reduce_sum(y * np.arange(18.0, dtype="float32").reshape(y.shape))
    assert np.abs(y).max() < 1e-4 and np.isfinite(tape.gradient(loss, w)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["standardize_kernel"], 2, dtype)


KERNEL = np.ones((3, 3, 2, 4), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        (
            (KERNEL[:1, :1, :1],),
            "standardize_kernel expects a kernel of at least 2 weights in each filter; received kern",
        ),
        ((KERNEL[0, 0, 0],), "a kernel of at least 2 weights in each filter; received kernel=(4,)"),
        ((KERNEL.astype("int32"),), "floating x; received dtype='int32'"),
        ((KERNEL, 0), "epsilon, a number above 0; received epsilon=0"),
        ((KERNEL, 1e-6, np.ones(3, "float32")), "gain of shape (F,); received gain=(3,)"),
        ((keras.Input((3, 2, 4)),), "kzoo.layers.StandardizedConv"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.standardize_kernel, *args)
