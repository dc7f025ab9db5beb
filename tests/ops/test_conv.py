"""Convolution: the reference, TensorFlow's own, SciPy's, groups, symmetries, precisions, and refusals."""

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, close, half_precision, outputs_and_gradients, refuses, second_order, traced


def draw(rng, rank, one, distinct):
    del distinct
    one = one or random_geometry(rng, rank)
    groups, depth, width = (one["index"] % 3 + 1, 2, 2) if "index" in one else rng.integers(1, 4, 3)
    size = references.per_axis(one["size"], rank)
    x = normal(rng, 2, *one["spatial"], groups * depth)
    return Setting((x, normal(rng, *size, depth, groups * width)), geometry_of(one))


OP_CASES = {"conv": Case(ops.conv, references.conv, draw)}
SPATIAL = {1: (9,), 2: (9, 7), 3: (5, 6, 4)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["conv"], rank)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_equals_tensorflow(seeds, padding):
    """Also with a stride and a dilation together, which keras.ops.conv refuses."""
    x, kernel = normal(seeds, 2, 9, 7, 3), normal(seeds, 3, 2, 3, 4)
    want = tf.nn.conv2d(x, kernel, (1, 2, 2, 1), padding.upper(), dilations=(1, 2, 3, 1))
    np.testing.assert_array_equal(ops.conv(x, kernel, 2, padding, (2, 3)), want)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_with_a_flipped_kernel_is_scipys_convolution(seeds, rank, mode):
    """Of odd and of even windows: SciPy's "same" centres an even one the other way, so its element is put before."""
    for k in (3, 2):
        x, kernel = seeds.normal(size=SPATIAL[rank]), seeds.normal(size=(k,) * rank)
        padding = ((1, 0),) * rank if (mode, k) == ("same", 2) else mode
        got = ops.conv(x[None, ..., None], np.flip(kernel)[..., None, None], padding=padding)
        close(got, scipy.signal.convolve(x, kernel, mode)[None, ..., None], 1e-12)  # float64, two summation orders


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("strides", [2, 3])
def test_one_output_with_an_idle_stride(seeds, rank, strides):
    """With one output on the last axis some of oneDNN's float32 kernels read wrong elements."""
    for size, padding in ((2, "valid"), (3, "valid"), (1, "same"), (2, "same"), (1, ("replicate", 1))):
        spatial = (4,) * (rank - 1) + (size,)
        x, kernel = normal(seeds, 2, *spatial, 1), normal(seeds, *(2,) * rank, 1, 3)
        geometry = {"strides": (1,) * (rank - 1) + (strides,), "padding": padding}
        close(ops.conv(x, kernel, **geometry), references.conv(x, kernel, **geometry))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("padding, dtype", [("valid", "float32"), (1, "float32"), ("valid", "bfloat16")])
def test_a_kernel_as_large_as_the_input_is_a_matrix_product(seeds, rank, padding, dtype):
    size, margin = (4, 3, 3)[:rank], 0 if padding == "valid" else 2
    x = tf.constant(normal(seeds, 3, *(n - margin for n in size), 2), dtype)
    kernel = tf.constant(normal(seeds, *size, 2, 5), dtype)
    function = tf.function(lambda x, kernel: ops.conv(x, kernel, strides=2, padding=padding))
    kinds = {operation.type for operation in function.get_concrete_function(x, kernel).graph.get_operations()}
    assert "MatMul" in kinds and not any(kind.startswith("Conv") for kind in kinds), kinds
    want = references.conv(*(np.asarray(each, "float32") for each in (x, kernel)), strides=2, padding=padding)
    found = function(x, kernel)
    assert found.shape == (3, *(1,) * rank, 5) and found.dtype == dtype
    close(np.asarray(found, "float32"), want, 1e-5 if dtype == "float32" else 1e-2)
    assert function(x[:0], kernel).shape == (0, *(1,) * rank, 5)


@pytest.mark.parametrize(
    "size, strides, padding, copies",
    [(3, 1, 1, 0), (5, 1, (2, 2), 0), (2, 1, ((0, 1), (0, 1)), 0), (3, 2, ((0, 1), 1), 0), (3, 2, 1, 1), (3, 1, 2, 1)],
)
def test_numeric_padding_that_is_same_is_left_to_tensorflow(seeds, size, strides, padding, copies):
    """Of an input of 6 x 7; the padding of a stride of 1 is that of any size."""
    kernel, known = tf.constant(normal(seeds, size, size, 2, 3)), (6, 7)
    for spatial in (known, (None, None)) if strides == 1 else (known,):
        traced = tf.function(lambda x: ops.conv(x, kernel, strides, padding))
        graph = traced.get_concrete_function(tf.TensorSpec((2, *spatial, 2)))
        assert sum(node.op == "Pad" for node in graph.graph.as_graph_def().node) == copies
        x = normal(seeds, 2, *known, 2)
        close(graph(tf.constant(x)), references.conv(x, kernel.numpy(), strides=strides, padding=padding))


def test_depthwise_is_as_many_groups_as_channels(seeds):
    x, kernel = normal(seeds, 2, 6, 5, 4), normal(seeds, 3, 3, 1, 8)
    want = tf.nn.depthwise_conv2d(x, kernel.reshape(3, 3, 4, 2), (1, 1, 1, 1), "SAME")
    close(ops.conv(x, kernel, padding="same"), want)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(-6, 6), st.integers(1, 2), st.integers(0, 99))
def test_circular_padding_makes_it_equivariant_to_shifts(turn, dilation, seed):
    """A shift by whole strides shifts the output; in exact integers."""
    rng = np.random.default_rng(seed)
    x, kernel = rng.integers(-8, 9, (1, 8, 6, 2)).astype("float32"), rng.integers(-8, 9, (3, 2, 2, 3)).astype("float32")
    got = ops.conv(np.roll(x, (2 * turn, turn), (1, 2)), kernel, (2, 1), "circular", dilation)
    want = np.roll(ops.conv(x, kernel, (2, 1), "circular", dilation), (turn, turn), (1, 2))
    np.testing.assert_array_equal(got, want)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.sampled_from(["valid", "same", "full", "circular", "reflect", "replicate"]), st.integers(0, 99))
def test_is_linear(padding, seed):
    rng = np.random.default_rng(seed)
    (x, y), kernel = rng.integers(-8, 9, (2, 1, 6, 5, 1)).astype("float32"), normal(rng, 3, 3, 1, 2).round()
    np.testing.assert_array_equal(
        ops.conv(x + 2 * y, kernel, 2, padding), ops.conv(x, kernel, 2, padding) + 2 * ops.conv(y, kernel, 2, padding)
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["conv"], rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(dtype):
    """5,100 ones: a float16 sum would stop at 2,048, a bfloat16 sum at 256."""
    got = ops.conv(tf.ones((1, 3, 1700), dtype), tf.ones((3, 1700, 1), dtype))
    assert abs(float(got[0, 0, 0]) - 5100) <= 5100 * 2**-8


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_dilation_has_a_gradient_in_every_precision(rank, dtype):
    """TensorFlow's kernels have none on CPU except in float32 and bfloat16."""
    x, kernel = tf.ones((1, *(5,) * rank, 1), dtype), tf.ones((*(2,) * rank, 1, 1), dtype)
    case = OP_CASES["conv"]._replace(op=lambda *tensors: ops.conv(*tensors, dilations=2))
    setting = case.ten(rank)[0]._replace(inputs=(x, kernel), kwargs={})
    for grad in outputs_and_gradients(case, setting)[1]:
        assert grad.dtype == dtype and np.isfinite(np.asarray(grad, "float64")).all()


def test_second_order_gradient():
    """Loss sum((x * k)^2) of one element: its squared gradient is 4 (x k^2)^2 + 4 (x^2 k)^2."""
    x, k = 3.0, 2.0
    got = second_order(ops.conv, [[[x]]], [[[k]]])
    close([g.item() for g in got], [8 * x * k**4 + 16 * x**3 * k**2, 16 * x**2 * k**3 + 8 * x**4 * k], 1e-12)


def test_edges():
    assert ops.conv(np.zeros((0, 5, 2)), np.zeros((3, 2, 4)), padding="circular").shape == (0, 5, 4)
    assert np.ravel(ops.conv(np.full((1, 1, 1), 3.0), np.full((1, 1, 1), 2.0), padding="reflect")) == [6]
    got = np.ravel(ops.conv(np.array([[[1.0], [np.nan], [np.inf], [0.0], [0.0]]]), np.ones((1, 1, 1))))
    np.testing.assert_array_equal(got, [1, np.nan, np.inf, 0, 0])


X, K = np.zeros((1, 5, 6, 4), "float32"), np.zeros((3, 3, 4, 2), "float32")


@pytest.mark.parametrize(
    "x, kernel, words",
    [
        (
            np.zeros((5, 4), "float32"),
            K,
            "conv expects x (batch, *spatial, channels) with 1 to 3 spatial axes",
        ),
        (np.zeros((1, 2, 2, 2, 2, 4), "float32"), K, "shape=(1, 2, 2, 2, 2, 4)"),
        (X, K[0], "kernel (*size, channels / groups, filters); received x=(1, 5, 6, 4), kernel=(3, 4, 2)"),
        (X[0], K, "kernel (*size, channels / groups, filters); received x=(5, 6, 4), kernel=(3, 3, 4, 2)"),
        (X, K.astype("float64"), "x and kernel of one dtype; received x="),
        (X, K[:, :, :3], "kernel channels that divide the input's, into groups that divide the filters; received"),
        (X, K[:, :, :0], "input_channels=4, kernel=(3, 3, 0, 2)"),
        (X, np.zeros((3, 3, 8, 2), "float32"), "input_channels=4, kernel=(3, 3, 8, 2)"),
        (X, np.zeros((3, 3, 1, 6), "float32"), "input_channels=4, kernel=(3, 3, 1, 6)"),
        (X, np.zeros((6, 3, 4, 2), "float32"), "a window that fits into the padded input on spatial axis 0"),
        (X, K[:, :0], "ksize, an integer of at least 1 or 2 of them; received ksize=(3, 0)"),
        (X[:, :0], K, "an input of at least 1 pixel on spatial axis 0"),
        (keras.Input((5, 6, 4)), K, "kzoo.layers.Conv2D; received a KerasTensor=(None, 5, 6, 4)"),
        (X, keras.KerasTensor((3, 4)), "kzoo.layers.Conv{1,2,3}D; received a KerasTensor=(3, 4)"),
    ],
)
def test_refuses_operands(x, kernel, words):
    refuses(words, ops.conv, x, kernel)


@pytest.mark.parametrize(
    "geometry, words",
    [
        ({"strides": 0}, "conv expects strides, an integer of at least 1 or 2 of them; received strides=0"),
        ({"dilations": 2.0}, "dilations=2.0"),
        ({"padding": "half"}, "padding='half'"),
        ({"padding": ("reflect", 5)}, "reflect padding of at most 4; received padding=(5, 5), size=5"),
    ],
)
def test_refuses_geometry(geometry, words):
    refuses(words, ops.conv, X, K, **geometry)


def test_refuses_unknown_channels():
    refuses("conv expects a known number of channels", traced, ops.conv, (1, 5, 6, None), (3, 3, 4, 2))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("samples", [30, 3])
def test_compiled_with_a_bias(seeds, rank, dtype, shared, samples):
    """A shared bias is one more weight, and many samples of few cells are on the last axis: the same numbers."""
    geometry = {"strides": 2, "padding": "same", "dilations": 1}
    x, kernel = normal(seeds, samples, *(5, 4, 3)[:rank], 2).astype(dtype), normal(seeds, *(3, 2, 2)[:rank], 2, 5)
    output = ops.conv(x, kernel.astype(dtype), **geometry).shape[1:]
    bias, dy = normal(seeds, *(output[-1:] if shared else output)), normal(seeds, samples, *output)
    tensors = [tf.constant(a, dtype) for a in (x, kernel, bias, dy)]

    def step(x, kernel, bias, dy):
        with tf.GradientTape() as tape:
            tape.watch((x, kernel, bias))
            y = ops.conv(x, kernel, **geometry, bias=bias)
        return y, tape.gradient(y, (x, kernel, bias), dy)

    want = ops.bias_add(ops.conv(*tensors[:2], **geometry), tensors[2])
    close(step(*tensors)[0], want, 1e-6)
    for a, b in zip(tf.nest.flatten(tf.function(step, jit_compile=True)(*tensors)), tf.nest.flatten(step(*tensors))):
        close(a, b, 1e-12 if dtype == "float64" else 1e-5)
