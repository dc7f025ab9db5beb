"""Convolutional capsules: the reference, one position as a routed layer, unknown sizes, precisions, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import close, compiled, half_precision, inside_xla, refuses, slopes


def reference(x, kernel, bias=None, iterations=3, leaky=False, **geometry):
    """Sums over windows for each capsule below; then procedure 1 at each position."""
    *size, depth, outputs, dimension = kernel.shape
    weights = kernel.reshape(*size, depth, -1)
    votes = np.stack([references.conv(x[..., i, :], weights, **geometry) for i in range(x.shape[-2])], -2)
    votes = votes.reshape(*votes.shape[:-1], outputs, dimension)  # batch, *output, inputs, outputs, dimension
    y = references.route(votes.reshape(-1, *votes.shape[-3:]), bias, iterations, leaky)
    return y.reshape(*votes.shape[:-3], outputs, dimension)


def draw(rng, rank, one, distinct):
    del distinct
    one = one or random_geometry(rng, rank)
    index = one["index"] if "index" in one else int(rng.integers(12))
    inputs, depth, outputs, dimension = index % 3 + 1, 2, (index + 1) % 3 + 1, 3
    x = normal(rng, 2, *one["spatial"], inputs, depth)
    kernel = normal(rng, *references.per_axis(one["size"], rank), depth, outputs, dimension) / 4
    bias = [normal(rng, outputs, dimension)] if index % 2 else []
    routing = {"iterations": index % 3 + 1, "leaky": index % 4 > 1}
    return Setting((x, kernel, *bias), {**geometry_of(one), **routing})


def conv_capsules(x, kernel, *bias, **kwargs):
    return ops.conv_capsules(x, kernel, bias=bias[0] if bias else None, **kwargs)


OP_CASES = {"conv_capsules": Case(conv_capsules, reference, draw, free=False, curved=True, ranks=(2,))}


@pytest.mark.parametrize("check", [compiled, inside_xla, slopes])  # the ops that it is made of have all checks
def test_equals_the_loop(check):
    check(OP_CASES["conv_capsules"], 2)


@pytest.mark.parametrize("rank", [1, 3])
def test_equals_the_loop_in_other_dimensions(rank):
    compiled(OP_CASES["conv_capsules"], rank)


def test_one_position_is_a_routed_layer_with_shared_kernels(seeds):
    """A window of the whole map; the source's softmax is over the outputs, so that one output gets every vote."""
    x, kernel = normal(seeds, 2, 3, 2, 5, 4), normal(seeds, 3, 2, 4, 3, 6)
    predictions = np.einsum("bhwid,hwdjk->bijk", x, kernel)
    close(ops.conv_capsules(x, kernel)[:, 0, 0], ops.route(predictions))
    single = ops.conv_capsules(x, kernel[..., :1, :])[:, 0, 0, 0]
    close(single, references.squash(predictions[:, :, 0].sum(1)))


def test_of_one_capsule_below_and_one_iteration_is_a_scaled_convolution(seeds):
    """So the source makes primary capsules, whose votes it divides by the number of outputs, and of the leak."""
    x, kernel = normal(seeds, 2, 6, 5, 1, 4), normal(seeds, 3, 3, 4, 3, 2)
    votes = references.conv(x[..., 0, :], kernel.reshape(3, 3, 4, 6)).reshape(2, 4, 3, 3, 2)
    for leaky in (False, True):
        close(ops.conv_capsules(x, kernel, iterations=1, leaky=leaky), references.squash(votes / (3 + leaky)))


def test_unknown_sizes(seeds):
    kernel = normal(seeds, 3, 2, 4, 2, 3)
    run = tf.function(
        lambda x: ops.conv_capsules(x, kernel, 2, "same"), [tf.TensorSpec((None, None, None, None, 4))], autograph=False
    )
    for shape in ((2, 6, 5, 3, 4), (1, 3, 4, 1, 4)):
        x = normal(seeds, *shape)
        close(run(x), reference(x, kernel, strides=2, padding="same"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_precisions(dtype):
    half_precision(OP_CASES["conv_capsules"], 2, dtype)


def test_an_empty_batch(seeds):
    assert ops.conv_capsules(np.zeros((0, 5, 4, 3, 2), "float32"), normal(seeds, 3, 3, 2, 4, 6)).shape == (
        0,
        3,
        2,
        4,
        6,
    )


X, KERNEL = np.zeros((1, 5, 4, 3, 2), "float32"), np.zeros((3, 3, 2, 4, 6), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X[0, 0], KERNEL), "conv_capsules expects x (batch, *spatial, inputs, d); received shape=(4, 3, 2)"),
        ((X, KERNEL[0]), "kernel (*size, d, outputs, dimension) for x (batch, *spatial, inputs, d); received x="),
        ((X, KERNEL[:, :, :1]), "kernel=(3, 3, 1, 4, 6)"),
        ((X, KERNEL[..., :0, :]), "kernel=(3, 3, 2, 0, 6)"),
        ((X.astype("int32"), KERNEL), "conv_capsules expects floating x"),
        ((X, KERNEL.astype("float64")), "conv_capsules expects x and kernel of one dtype"),
        ((X, KERNEL, 1, "valid", 2), "conv expects a window that fits into the padded input on spatial axis 1"),
        ((X, KERNEL, 1, "valid", 1, 0), "iterations, an integer above 0; received iterations=0"),
        (
            (X, KERNEL, 1, "valid", 1, 3, KERNEL[0, 0, 0, 0]),
            "bias (outputs, dimension) of the predictions' dtype; received bias=(6,)",
        ),
        ((keras.Input((5, 4, 3, 2)), KERNEL), "the layer kzoo.layers.ConvCapsules2D; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.conv_capsules, *args)
