"""Lp pooling across channels: the reference, norms of subspaces, topographic maps on a torus, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import DTYPE, RANKS, Case, Setting, chosen, normal, numbers, random_geometry, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced


def reference(x, ksize, strides=None, padding="valid", grid=None, p=2.0, epsilon=0.0):
    """The channels of each position as an image of their own, row by row."""
    grid = (x.shape[-1],) if grid is None else tuple(grid)
    where, output = references.windows(grid, ksize, ksize if strides is None else strides, padding)
    y = np.zeros((*x.shape[:-1], math.prod(output)))
    for place in np.ndindex(x.shape[:-1]):
        for u, (_, cells) in enumerate(where):
            values = [abs(float(x[(*place, np.ravel_multi_index(c, grid))])) for _, c in cells if c is not None]
            y[(*place, u)] = max(values) if p == math.inf else (epsilon + sum(v**p for v in values)) ** (1 / p)
    return y


def draw(rng, rank, one, distinct):
    """Grids of 1 to 3 axes. Distinct: magnitudes of 1 and more, 0.1 apart, as |x|^p bends near 0."""
    index = one["index"] if one else int(rng.integers(60))
    axes = (1, 2, 1, 2, 3)[index % 5]
    one = random_geometry(rng, axes, pool=True, widest=1) if one is None else chosen(index, axes)
    grid = one["spatial"] if axes < 3 or not distinct else tuple(n - 2 for n in one["spatial"])
    size, strides = (references.per_axis(one[name], axes) for name in ("size", "strides"))
    cells = references.split_padding(one["padding"])[1]
    grid = tuple(  # windows side by side must divide the grid
        n // k * k if k == s and references.pair_of(cells, axis, n, k, s, 1) == (0, 0) else n
        for axis, (n, k, s) in enumerate(zip(grid, size, strides))
    )
    x = numbers(rng, sites(rng, rank, math.prod(grid)), distinct)
    if distinct:
        x = ((1 + abs(x - 0.25) * 0.1) * rng.choice([-1, 1], x.shape)).astype(DTYPE)
    kwargs = {"ksize": one["size"], "strides": one["strides"], "padding": one["padding"]}
    p = (2.0, 1.0, 3, math.inf, 1.5)[index % 4 if distinct else index // 12]
    kwargs |= {"p": p, "epsilon": index % 3 * 0.1 if p < math.inf else 0.0}
    return Setting((x,), kwargs if axes == 1 and index % 2 else kwargs | {"grid": grid})


OP_CASES = {"channel_lp_pool": Case(ops.channel_lp_pool, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["channel_lp_pool"], rank)


@pytest.mark.parametrize("p", [1, 2, 3.5, math.inf])
def test_subspaces_are_numpys_norms(seeds, p):
    for shape in ((4, 6), (2, 3, 6), (2, 3, 2, 6)):
        x = normal(seeds, *shape)
        close(ops.channel_lp_pool(x, 3, p=p), np.linalg.norm(x.reshape(*shape[:-1], 2, 3), p, axis=-1))


def test_a_topographic_map_is_a_torus(seeds):
    """Each unit is the norm of the 3 by 3 units around it; those at a border have neighbours on the other side."""
    x = normal(seeds, 2, 5, 20)
    board = x.reshape(2, 5, 4, 5) ** 2
    want = sum(np.roll(board, (i, j), (2, 3)) for i in (-1, 0, 1) for j in (-1, 0, 1)) ** 0.5
    got = ops.channel_lp_pool(x, 3, 1, "circular", grid=(4, 5))
    close(got, want.reshape(2, 5, 20))
    turned = np.roll(x.reshape(2, 5, 4, 5), (1, 2), (2, 3)).reshape(x.shape)  # and so it turns with its input
    want = np.roll(np.reshape(got, (2, 5, 4, 5)), (1, 2), (2, 3)).reshape(x.shape)
    close(ops.channel_lp_pool(turned, 3, 1, "circular", grid=(4, 5)), want)


@pytest.mark.parametrize("rank", RANKS)
def test_is_lp_pool_with_channels_as_space(seeds, rank):
    grid = (4, 3, 2)[:rank]
    x = normal(seeds, 5, math.prod(grid))
    for padding in ("same", "full", "reflect", ("replicate", 1)):
        want = ops.lp_pool(x.reshape(5, *grid, 1), 2, 1, padding, p=3, epsilon=0.5)
        got = ops.channel_lp_pool(x, 2, 1, padding, grid, 3, 0.5)
        close(got, np.reshape(want, (5, -1)), what=padding)


def test_a_place_sees_itself_alone(seeds):
    x = normal(seeds, 3, 4, 5, 6)
    got = ops.channel_lp_pool(x, 2)
    close(got[1, 2, 3], ops.channel_lp_pool(x[1, 2, 3][None], 2)[0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["channel_lp_pool"], rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(dtype):
    """The norm of 2,000 times (3, 4), whose squares would overflow a float16; and of 2,500 ones."""
    assert float(ops.channel_lp_pool(tf.constant([[6000.0, 8000.0]], dtype), 2)[0, 0]) == pytest.approx(1e4, rel=2**-8)
    with ops.no_islands():  # 2,500 views take XLA long
        assert float(ops.channel_lp_pool(tf.ones((1, 2500), dtype), 2500)[0, 0]) == 50


def test_the_gradient_where_all_is_0_is_0():
    x = tf.constant([[0.0, 0.0, 3.0, -4.0]])
    for jit in (False, True):
        grad = tf.function(lambda x: tf.gradients(ops.channel_lp_pool(x, 2), x), jit_compile=jit, autograph=False)(x)[0]
        close(grad, np.array([[0, 0, 0.6, -0.8]]))


def test_second_order_gradient():
    """Loss x^2 + y^2 of one subspace; its squared gradient is 4 x^2 + 4 y^2."""
    (got,) = second_order(lambda x: ops.channel_lp_pool(x, 2), [[3.0, -4.0]])
    close(got, np.array([[24.0, -32.0]]), 1e-12)


def test_sizes_that_are_not_known():
    graph = traced(lambda x: ops.channel_lp_pool(x, 3), (None, None, None, 6))
    x = np.arange(48, dtype="float32").reshape(1, 4, 2, 6)
    close(graph(tf.constant(x)), reference(x, 3))


def test_edges():
    assert ops.channel_lp_pool(np.zeros((0, 5, 4)), 2).shape == (0, 5, 2)
    assert ops.channel_lp_pool(np.zeros((0, 4)), 3, 1, "circular", (2, 2)).shape == (0, 4)
    assert np.ravel(ops.channel_lp_pool([[-3.0]], 1)) == [3]
    assert not np.any(ops.channel_lp_pool(np.zeros((1, 4, 4, 4)), 2))


X = np.zeros((1, 4, 5, 12), "float32")


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"ksize": 0}, "channel_lp_pool expects ksize, an integer of at least 1 or 1 of them; received ksize=0"),
        ({"ksize": 2.0}, "ksize=2.0"),
        ({"ksize": (2, 2)}, "ksize=(2, 2)"),
        ({"ksize": 13}, "channel_lp_pool expects a window that fits into the padded input on spatial axis 0; received"),
        ({"ksize": 2, "strides": 0}, "channel_lp_pool expects strides, an integer of at least 1 or 1 of them"),
        ({"ksize": 2, "strides": 1.5}, "strides=1.5"),
        ({"ksize": 2, "padding": "half"}, "channel_lp_pool expects padding, one of"),
        ({"ksize": 2, "padding": ("reflect", 12)}, "channel_lp_pool expects reflect padding of at most 11"),
        ({"ksize": 2, "padding": 3}, "channel_lp_pool expects windows that each meet the input on spatial axis 0"),
        (
            {"ksize": 2, "grid": (3, 3)},
            "a grid whose sizes multiply to the channels; received grid=(3, 3), channels=12",
        ),
        ({"ksize": 2, "grid": 12}, "channel_lp_pool expects grid, 1 to 3 integers above 0; received grid=12"),
        ({"ksize": 2, "grid": ()}, "grid=()"),
        ({"ksize": 2, "grid": (3, 2, 2, 1)}, "grid=(3, 2, 2, 1)"),
        ({"ksize": 2, "grid": (-3, -4)}, "grid=(-3, -4)"),
        ({"ksize": 2, "grid": (3.0, 4)}, "grid=(3.0, 4)"),
        ({"ksize": (2,), "grid": (3, 4)}, "ksize, an integer of at least 1 or 2 of them; received ksize=(2,)"),
        ({"ksize": 2, "p": 0.5}, "channel_lp_pool expects p, a number of at least 1; received p=0.5"),
        ({"ksize": 2, "p": "2"}, "p='2'"),
        ({"ksize": 2, "p": math.nan}, "p=nan"),
        ({"ksize": 2, "epsilon": -1}, "channel_lp_pool expects epsilon, a number of at least 0"),
        ({"ksize": 2, "epsilon": 1, "p": math.inf}, "epsilon=1, p=inf"),
    ],
)
def test_refuses_settings(kwargs, words):
    refuses(words, ops.channel_lp_pool, X, **kwargs)


@pytest.mark.parametrize(
    "x, words",
    [
        (X[0, 0, 0], "channel_lp_pool expects x (batch, ..., channels); received shape=(12,)"),
        (X.astype("int32"), "channel_lp_pool expects floating x; received dtype="),
        (X.astype("complex64"), "floating x"),
        (X[..., :0], "channel_lp_pool expects "),
        (keras.Input((4, 5, 12)), "the layer kzoo.layers.ChannelLPPooling; received a KerasTensor=(None, 4, 5, 12)"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.channel_lp_pool, x, 2)


def test_refuses_unknown_channels():
    words = "channel_lp_pool expects a known number of channels"
    refuses(words, traced, lambda x: ops.channel_lp_pool(x, 2), (1, 4, None))


@pytest.mark.parametrize("kwargs", [{"ksize": 3}, {"ksize": (1, 2), "grid": (1, 7)}])
def test_refuses_to_lose_channels(kwargs):
    """The seventh channel would be read by no window; with strides of one's own that is one's own affair."""
    words = "ksize that divides the channels, as subspaces side by side do; received ksize="
    refuses(words, ops.channel_lp_pool, np.zeros((2, 7), "float32"), **kwargs)
    assert ops.channel_lp_pool(np.zeros((2, 7), "float32"), 3, 2).shape == (2, 3)
