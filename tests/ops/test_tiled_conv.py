"""Tiled convolution: the reference, both lowerings, tiles of 1 and of the output's size, symmetries, refusals."""

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, TEN, Case, chosen, draw_tiled, legal, normal, random_geometry
from tests.ops.harness import (
    CHECKS,
    close,
    half_precision,
    inside_xla,
    must_compile,
    refuses,
    second_order,
    slopes,
    traced,
    uncompiled,
    unknown_sizes,
)


def reference(x, kernel, **geometry):
    rank = x.ndim - 2
    tile, size = kernel.shape[:rank], kernel.shape[rank : 2 * rank]
    return references.sum_windows(x, kernel, size, lambda p: kernel[tuple(i % t for i, t in zip(p, tile))], **geometry)


OP_CASES = {"tiled_conv": Case(ops.tiled_conv, reference, draw_tiled)}


def draw_undilated(rng, rank, one, distinct):
    """Without strides and dilations."""
    while True:
        one = (one or random_geometry(rng, rank)) | {"strides": 1, "dilations": 1}
        if legal(**{name: value for name, value in one.items() if name != "index"}, pool=False):
            return draw_tiled(rng, rank, one, distinct)
        one = None


BY_CONVOLUTIONS = OP_CASES["tiled_conv"]._replace(draw=draw_undilated)


@pytest.fixture
def convolutions(monkeypatch):
    """A convolution for each kernel, however small; strides, dilations and XLA still use matrix products."""
    module = importlib.import_module("kzoo.ops.tiled_conv")
    monkeypatch.setattr(module, "MIN_CHANNELS", 0)
    monkeypatch.setattr(module, "MIN_WORK", 0)


@pytest.fixture(params=["products", "convolutions"])
def lowering(request):
    if request.param == "convolutions":
        request.getfixturevalue("convolutions")
    return request.param


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["tiled_conv"], rank)


@pytest.mark.usefixtures("convolutions")
@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", [uncompiled, unknown_sizes, slopes, inside_xla])
def test_convolutions_equal_the_loop(check, rank):
    """The last one holds their gradients against those of products, to which it falls back."""
    check(BY_CONVOLUTIONS, rank)


@pytest.mark.parametrize("batch", [32, None])
def test_lowerings(batch):
    """Convolutions for many channels; a product in an island for few channels, strides, dilations or little work."""

    def graph(channels=32, strides=1, dilations=1, jit=False, side=16):
        specs = [tf.TensorSpec((batch, side, side, channels)), tf.TensorSpec((2, 2, 3, 3, channels, 16))]
        run = tf.function(
            lambda x, w: ops.tiled_conv(x, w, strides, "valid", dilations), jit_compile=jit, autograph=False
        )
        graph = run.get_concrete_function(*specs).graph.as_graph_def()
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        return sum(node.op == "Conv2D" for node in nodes), len(must_compile(graph))

    assert graph() == (4, 0)
    assert graph(channels=3) == graph(strides=2) == graph(dilations=2) == graph(side=6) == (0, 1)
    assert graph(jit=True) == (0, 0)


@pytest.mark.parametrize("rank", RANKS)
def test_tile_one_is_convolution(seeds, rank):
    """TensorFlow's own, to the last bit."""
    x, kernel = normal(seeds, 2, *(6,) * rank, 2), normal(seeds, *(1,) * rank, *(3,) * rank, 2, 4)
    theirs = {1: tf.nn.conv1d, 2: tf.nn.conv2d, 3: tf.nn.conv3d}[rank]
    want = theirs(x, kernel[(0,) * rank], (1,) * (rank + 2), "VALID")
    np.testing.assert_array_equal(ops.tiled_conv(x, kernel), want)


@pytest.mark.parametrize("rank", RANKS)
def test_equal_tiles_are_convolution(seeds, rank):
    x, kernel = normal(seeds, 2, *(7,) * rank, 2), normal(seeds, *(2,) * rank, 2, 4)
    tiles = np.broadcast_to(kernel, (*(2, 3, 2)[:rank], *kernel.shape))
    with ops.no_islands():
        close(ops.tiled_conv(x, tiles, 2, "circular", 2), ops.conv(x, kernel, 2, "circular", 2))


@pytest.mark.parametrize("rank", RANKS)
def test_tile_of_the_outputs_size_is_locally_connected(seeds, rank):
    one = chosen(TEN.index(next(t for t in TEN if t["padding"] == "circular")), rank)
    geometry = {name: one[name] for name in ("strides", "padding", "dilations")}
    output = references.windows(one["spatial"], one["size"], **geometry)[1]
    x, kernel = normal(seeds, 2, *one["spatial"], 2), normal(seeds, *output, *one["size"], 2, 3)
    with ops.no_islands():
        got = ops.tiled_conv(x, kernel, **geometry), ops.locally_connected(x, kernel, **geometry)
    np.testing.assert_array_equal(*got)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 99))
def test_circular_padding_makes_it_equivariant_to_shifts_by_whole_tiles(down, right, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-8, 9, (1, 6, 6, 2)).astype("float32")
    kernel = rng.integers(-8, 9, (2, 3, 3, 2, 2, 2)).astype("float32")
    turn = (2 * down, 3 * right)
    with ops.no_islands():
        got = ops.tiled_conv(np.roll(x, turn, (1, 2)), kernel, padding="circular")
        want = np.roll(ops.tiled_conv(x, kernel, padding="circular"), turn, (1, 2))
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype, lowering):
    half_precision(OP_CASES["tiled_conv"] if lowering == "products" else BY_CONVOLUTIONS, rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.usefixtures("lowering")
def test_half_precision_sums_in_float32(dtype, compiled):
    """5,100 ones in 3 rows: a float16 sum would stop at 2,048, a bfloat16 sum at 256."""
    x, kernel = tf.ones((1, 4, 1700), dtype), tf.ones((2, 3, 1700, 1), dtype)
    run = tf.function(ops.tiled_conv, jit_compile=True, autograph=False) if compiled else ops.tiled_conv
    with ops.no_islands():
        got = np.ravel(tf.cast(run(x, kernel), "float64"))
    assert np.abs(got - 5100).max() <= 5100 * 2**-8
    # with 16 channels, of which one counts, a row of the kernel is a product of its own: 2048 + 4 * 1 and 256 + 4 * 1
    # stay at the first, added in halves
    top = {"float16": 2048.0, "bfloat16": 256.0}[dtype]
    kernel = tf.tile(tf.constant([top, 1, 1, 1, 1], dtype)[None, :, None, None], (2, 1, 1, 1))
    kernel = tf.pad(kernel, ((0, 0), (0, 0), (0, 15), (0, 0)))
    with ops.no_islands():
        got = np.ravel(tf.cast(run(tf.ones((1, 8, 16), dtype), kernel), "float64"))
    assert got.tolist() == [top + 4] * 4


@pytest.mark.usefixtures("lowering")
def test_second_order_gradient():
    """As of a convolution, for each of two positions with kernels of their own."""
    x, k = np.array([3.0, -1.0]), np.array([2.0, 5.0])
    got = second_order(ops.tiled_conv, x.reshape(1, 2, 1), k.reshape(2, 1, 1, 1))
    want = 8 * x * k**4 + 16 * x**3 * k**2, 16 * x**2 * k**3 + 8 * x**4 * k
    close([g.ravel() for g in got], want, 1e-12)


def test_second_order_gradients_agree(seeds, monkeypatch):
    """Of convolutions and products, with overlapping windows and an output that the tile does not divide."""
    module = importlib.import_module("kzoo.ops.tiled_conv")
    arrays, found = (seeds.normal(size=(2, 7, 6, 2)), seeds.normal(size=(2, 3, 3, 2, 2, 3))), []
    monkeypatch.setattr(module, "MIN_CHANNELS", 0)
    for work in (0, 1e9):
        monkeypatch.setattr(module, "MIN_WORK", work)
        with ops.no_islands():
            found.append(second_order(lambda x, k: ops.tiled_conv(x, k, padding="same"), *arrays))
    close(*found, 1e-12)


@pytest.mark.usefixtures("lowering")
def test_edges():
    assert ops.tiled_conv(np.zeros((0, 5, 2)), np.zeros((2, 3, 2, 4))).shape == (0, 3, 4)
    with ops.no_islands():  # NaN reaches only its windows, infinity keeps its sign; the last turn is not whole
        got = ops.tiled_conv(np.array([[[np.nan], [1.0], [np.inf]]]), np.array([1.0, -1]).reshape(2, 1, 1, 1))
    np.testing.assert_array_equal(np.ravel(got), [np.nan, -1, np.inf])


X, K = np.zeros((1, 5, 6, 4), "float32"), np.zeros((2, 3, 3, 3, 4, 2), "float32")


@pytest.mark.parametrize(
    "x, kernel, words",
    [
        (
            X[0, 0],
            K,
            "x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape=(6, 4)",
        ),
        (X, K[0], "kernel (*tile, *size, channels, filters); received x=(1, 5, 6, 4), kernel=(3, 3, 3, 4, 2)"),
        (X, K[0, 0], "kernel (*tile, *size, channels, filters)"),
        (X, K.astype("float16"), "x and kernel of one dtype"),
        (X, K[..., :3, :], "kernel channels equal to the input's; received channels=4, kernel=(2, 3, 3, 3, 3, 2)"),
        (X, np.zeros((4, 1, 3, 3, 4, 2), "float32"), "at least 1 and no larger than the output; received tile=(4, 1)"),
        (X, K[:0], "a tile of at least 1 and no larger than the output; received tile=(0, 3), output=(3, 4)"),
        (X[:, :2], K, "a window that fits into the padded input on spatial axis 0"),
        (X, K[:, :, :0], "ksize=(0, 3)"),
        (keras.Input((5, 6, 4)), K, "the layer kzoo.layers.TiledConv2D; received a KerasTensor"),
    ],
)
def test_refuses_operands(x, kernel, words):
    refuses(words, ops.tiled_conv, x, kernel)


@pytest.mark.parametrize("name, value", [("strides", 0), ("padding", "zeros"), ("dilations", None)])
def test_refuses_geometry(name, value):
    refuses(f"received {name}={value!r}", ops.tiled_conv, X, K, **{name: value})


def test_refuses_unknown_channels():
    refuses("tiled_conv expects a known number of channels", traced, ops.tiled_conv, (1, 6, None), (2, 3, 4, 2))
