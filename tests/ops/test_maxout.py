"""Maxout: the reference, TensorFlow Addons' definition, every axis, ties, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, numbers, sites
from tests.ops.harness import CHECKS, half_precision, refuses, second_order, traced


def reference(x, num_units, axis=-1, order="interleaved"):
    each = x.shape[axis] // num_units
    columns = np.moveaxis(x, axis, -1)
    y = np.zeros((*columns.shape[:-1], num_units), x.dtype)
    for *place, u in np.ndindex(y.shape):
        channels = range(u * each, (u + 1) * each) if order == "adjacent" else range(u, each * num_units, num_units)
        y[(*place, u)] = max(columns[(*place, c)] for c in channels)
    return np.moveaxis(y, -1, axis)


def draw(rng, rank, one, distinct):
    """Mostly over channels; over an axis of space where the function that leaves sizes unknown knows them."""
    units, each = (int(n) for n in rng.integers(1, 5, 2))
    axis = int(rng.choice([-1, rank + 1, 1, -2])) if one is None else {4: 1, 8: rank + 1, 9: -2}.get(one["index"], -1)
    order = str(rng.choice(["interleaved", "adjacent"]))
    shape = list(sites(rng, rank, 3))
    shape[axis] = units * each
    return Setting((numbers(rng, tuple(shape), distinct),), {"num_units": units, "axis": axis, "order": order})


OP_CASES = {"maxout": Case(ops.maxout, reference, draw)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["maxout"], rank)


def addons(x, num_units, axis):
    """Returns the Maxout of TensorFlow Addons, re-derived from its `expand_shape`: (..., pieces, num_units, ...)."""
    pieces, axis = x.shape[axis] // num_units, axis % x.ndim
    return x.reshape(*x.shape[:axis], pieces, num_units, *x.shape[axis + 1 :]).max(axis)


@pytest.mark.parametrize("num_units", [1, 2, 3, 6])
@pytest.mark.parametrize("axis", [1, -1])
def test_the_default_order_is_that_of_tensorflow_addons(seeds, num_units, axis):
    for shape in ((5, 6), (2, 6, 6), (2, 6, 4, 6)):
        x = normal(seeds, *shape)
        np.testing.assert_array_equal(ops.maxout(x, num_units, axis), addons(x, num_units, axis))


def test_orders():
    assert ops.maxout([[1, 3, 2, 0]], 2).numpy().tolist() == [[2, 3]]
    assert ops.maxout([[1, 3, 2, 0]], 2, order="adjacent").numpy().tolist() == [[3, 2]]


@pytest.mark.parametrize("order", ["interleaved", "adjacent"])
def test_many_pieces(seeds, order):
    """More than are written out one by one."""
    x = normal(seeds, 2, 3 * 71)
    np.testing.assert_array_equal(ops.maxout(x, 3, order=order), reference(x, 3, -1, order))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(2, 6), st.integers(1, 3), st.integers(1, 3), st.data())
def test_every_axis_of_every_rank(rank, units, each, data):
    axis = data.draw(st.integers(1, rank - 1))
    shape = [2] * rank
    shape[axis] = units * each
    x = normal(np.random.default_rng(rank), *shape)
    for named in (axis, axis - rank):
        np.testing.assert_array_equal(ops.maxout(x, units, named), reference(x, units, named))


def test_as_many_units_as_channels_leave_the_input_as_it_is(seeds):
    x = normal(seeds, 2, 3, 4)
    np.testing.assert_array_equal(ops.maxout(x, 4), x)
    np.testing.assert_array_equal(ops.maxout(x, 1), x.max(-1, keepdims=True))


def test_the_largest_piece_alone_receives_the_gradient():
    x = tf.constant([[1.0, 4.0, 3.0, -2.0, -1.0, -3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(ops.maxout(x, 2, order="adjacent") * [[1.0, 10.0]])
    assert np.ravel(tape.gradient(y, x)).tolist() == [0, 1, 0, 0, 10, 0]


def test_second_order_gradient():
    (got,) = second_order(lambda x: ops.maxout(x, 1), [[3.0, -1.0]])
    assert got.ravel().tolist() == [24, 0]  # 8 max at the maximum


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["maxout"], 2, dtype)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8"])
def test_whole_numbers_are_kept(dtype):
    got = ops.maxout(keras.ops.cast([[1, 3, 7, 2]], dtype), 2)
    assert got.dtype == dtype and np.asarray(got).tolist() == [[7, 3]]


@pytest.mark.parametrize("jit", [False, True])
def test_nan_and_infinity(jit):
    x = tf.constant([[1.0, np.nan, np.inf, 0.0, -np.inf, -np.inf]])
    got = tf.function(lambda x: ops.maxout(x, 3, order="adjacent"), jit_compile=jit, autograph=False)(x)
    np.testing.assert_array_equal(got, [[np.nan, np.inf, -np.inf]])


def test_sizes_that_are_not_known():
    graph = traced(lambda x: ops.maxout(x, 2), (None, None, None, 6))
    x = np.arange(48, dtype="float32").reshape(1, 4, 2, 6)
    np.testing.assert_array_equal(graph(tf.constant(x)), ops.maxout(x, 2))
    assert traced(lambda x: ops.maxout(x, 2, 1), (None, 6, None)).structured_outputs.shape[1] == 2


def test_edges():
    assert ops.maxout(np.zeros((0, 5, 4)), 2).shape == (0, 5, 2)
    assert ops.maxout(np.zeros((2, 0, 4)), 2).shape == (2, 0, 2)
    assert np.ravel(ops.maxout([[3.0]], 1)) == [3]
    assert not np.any(ops.maxout(np.zeros((1, 4, 4, 4)), 2))


X = np.zeros((1, 4, 5, 6), "float32")


@pytest.mark.parametrize("order", ["channels", None, 0])
def test_refuses_orders(order):
    words = f"maxout expects order, one of ('interleaved', 'adjacent'); received order={order!r}"
    refuses(words, ops.maxout, X, 2, order=order)


@pytest.mark.parametrize("num_units", [0, -2, 2.0, True, None, "2", (2,)])
def test_refuses_units(num_units):
    words = f"maxout expects num_units, an integer above 0; received num_units={num_units!r}"
    refuses(words, ops.maxout, X, num_units)


@pytest.mark.parametrize("num_units, channels, axis", [(4, 6, -1), (7, 6, -1), (2, 5, 2), (12, 6, 3)])
def test_refuses_units_that_do_not_divide(num_units, channels, axis):
    words = f"maxout expects num_units that divides the channels; received num_units={num_units}, channels={channels}"
    refuses(words, ops.maxout, X, num_units, axis)


@pytest.mark.parametrize("axis", [0, -4, 4, -5])
def test_refuses_axes(axis):
    """The batch's among them."""
    refuses(f"maxout expects axis, that of the channels; received axis={axis!r}", ops.maxout, X, 1, axis)


@pytest.mark.parametrize("axis", [1.0, None, True, (1,)])
def test_refuses_what_is_no_axis(axis):
    refuses(f"maxout expects axis, an integer; received axis={axis!r}", ops.maxout, X, 1, axis)


@pytest.mark.parametrize(
    "x, words",
    [
        (X[..., :0], "num_units that divides the channels; received num_units=2, channels=0"),
        (X[0, 0, 0], "axis, that of the channels; received axis=-1, shape=(6,)"),
        (X[0, 0, 0, 0], "axis, that of the channels; received axis=-1, shape=()"),
        (keras.Input((4, 5, 6)), "the layer kzoo.layers.Maxout; received a KerasTensor=(None, 4, 5, 6)"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.maxout, x, 2)


def test_refuses_unknown_channels():
    words = "maxout expects a known number of channels; received axis=-1, shape=(1, 4, None)"
    refuses(words, traced, lambda x: ops.maxout(x, 2), (1, 4, None))
