"""Max unpooling: the reference with and without geometry, the pool's inverse, default sizes, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from kzoo.ops.max_unpool import default_size
from kzoo.ops.views import window
from tests import references
from tests.ops.cases import MOST, RANKS, Case, Setting, draw_pool, normal, numbers, random_geometry
from tests.ops.harness import CHECKS, close, refuses, second_order, traced


def reference(values, indices, output_size, *geometry, duplicates="sum", **more):
    """Each value is added at its index, or replaces the one before; from where the index came does not matter."""
    del geometry, more
    rank, channels = values.ndim - 2, values.shape[-1]
    output_size = references.per_axis(output_size, rank)
    y = np.zeros((len(values), math.prod(output_size) * channels))
    for place in np.ndindex(values.shape):
        target = (place[0], indices[place])
        y[target] = values[place] + (y[target] if duplicates == "sum" else 0)
    return y.reshape(len(values), *output_size, channels)


def draw(rng, rank, one, distinct):
    """Values at the indices of a pool; in half of the settings a few indices point outside their windows."""
    x, kwargs = draw_pool(rng, rank, one, distinct)
    _, indices = references.max_pool_with_argmax(*x, **kwargs)
    spatial = x[0].shape[1:-1]
    if rng.random() < 0.5:
        stray = rng.random(indices.shape) < 0.2
        places = rng.integers(0, math.prod(spatial), indices.shape) * indices.shape[-1] + np.arange(indices.shape[-1])
        indices = np.where(stray, places, indices).astype("int32")
    kwargs["duplicates"] = str(rng.choice(["sum", "one"]))
    return Setting((normal(rng, *indices.shape), indices), {"output_size": spatial, **kwargs})


def draw_scatter(rng, rank, one, distinct):
    """Any indices, without a geometry; many of them equal."""
    del one, distinct
    output = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
    shape = (2, *(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)), int(rng.integers(1, 4)))
    indices = rng.integers(0, math.prod(output) * shape[-1], shape).astype("int32")
    duplicates = str(rng.choice(["sum", "one"]))
    return Setting((normal(rng, *shape), indices), {"output_size": output, "duplicates": duplicates})


OP_CASES = {
    "max_unpool": Case(ops.max_unpool, reference, draw),
    "max_unpool_scatter": Case(ops.max_unpool, reference, draw_scatter),
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", ["max_unpool", "max_unpool_scatter"])
def test_equals_the_loop(name, check, rank):
    check(OP_CASES[name], rank)


@pytest.mark.parametrize("rank", RANKS)
def test_after_a_disjoint_pool_the_maxima_return(seeds, rank):
    """x where it was the maximum of its window, zero elsewhere."""
    x = numbers(seeds, (2, *(6,) * rank, 3), distinct=True)
    values, indices = ops.max_pool_with_argmax(x, 2)
    y = np.asarray(ops.max_unpool(values, indices, ksize=2))
    kept = np.zeros((2, x[0].size), bool)
    np.put_along_axis(kept, np.reshape(indices, (2, -1)), True, 1)
    np.testing.assert_array_equal(y, np.where(kept.reshape(x.shape), x, 0))
    again = ops.max_pool_with_argmax(np.where(kept.reshape(x.shape), x, -np.inf).astype("float32"), 2)[1]
    np.testing.assert_array_equal(again, indices)


@pytest.mark.parametrize("rank", RANKS)
def test_overlapping_is_a_scatter_that_adds(seeds, rank):
    """Against NumPy's add.at, with and without the geometry."""
    x = numbers(seeds, (2, *(5,) * rank, 2), distinct=True)
    with ops.no_islands():
        indices = np.asarray(ops.max_pool_with_argmax(x, 3, 1, "same")[1])
        values = normal(seeds, *indices.shape)
        want = np.zeros((2, x[0].size))
        for b in range(2):
            np.add.at(want[b], indices[b].ravel(), values[b].ravel())
        assert (np.unique(indices[0], return_counts=True)[1] > 1).any()
        close(ops.max_unpool(values, indices, 5, 3, 1, "same"), want.reshape(x.shape))
        close(ops.max_unpool(values, indices, 5), want.reshape(x.shape))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 9999), st.sampled_from(RANKS))
def test_is_the_gradient_of_the_pool(seed, rank):
    """Unpooling sends each value where the pool's gradient goes."""
    rng = np.random.default_rng(seed)
    one = random_geometry(rng, rank, pool=True)
    geometry = {name: one[name] for name in ("strides", "padding", "dilations")}
    x = tf.constant(numbers(rng, (1, *one["spatial"], 2), distinct=False))
    with ops.no_islands():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, indices = ops.max_pool_with_argmax(x, one["size"], **geometry)
        values = rng.integers(-9, 10, y.shape).astype("float32")
        want = tape.gradient(y, x, values)
        np.testing.assert_array_equal(ops.max_unpool(values, indices, one["spatial"], one["size"], **geometry), want)


@pytest.mark.parametrize("rank", RANKS)
def test_the_default_size_pools_to_the_values_size(rank):
    """And, unless rounded up by "same", no smaller one does."""
    rng = np.random.default_rng(rank)
    for one in (random_geometry(rng, rank, pool=True) for _ in range(100)):
        geometry = one["size"], one["strides"], one["padding"], one["dilations"]
        output = references.windows(one["spatial"], *geometry)[1]
        size = default_size(window("test", rank, *geometry), output)
        assert references.windows(size, *geometry)[1] == output
        if references.split_padding(one["padding"])[1] == "same":
            assert size == tuple(n * s for n, s in zip(output, references.per_axis(one["strides"], rank)))
        elif min(size) > 1:
            smaller = references.windows(tuple(n - 1 for n in size), *geometry)[1]
            assert all(a < b for a, b in zip(smaller, output))


def test_sizes_by_default_by_a_tensor_and_of_a_reference(seeds):
    x = numbers(seeds, (2, 7, 6, 2), distinct=True)
    values, indices = (tf.constant(a) for a in references.max_pool_with_argmax(x, 2))
    specs = tf.TensorSpec((None, None, None, 2)), tf.TensorSpec((None, None, None, 2), "int32")
    plain = traced(lambda values, indices: ops.max_unpool(values, indices, ksize=2), *specs)
    assert plain(values, indices).shape == (2, 6, 6, 2)
    sized = traced(
        lambda values, indices, like: ops.max_unpool(values, indices, (tf.shape(like)[1], 6), 2), *specs, (None, None)
    )
    assert sized(values, indices, tf.zeros((1, 7))).shape == (2, 7, 6, 2)
    np.testing.assert_array_equal(
        sized(values, indices, tf.zeros((1, 7))), reference(values.numpy(), indices.numpy(), (7, 6), 2)
    )
    free = traced(
        lambda values, indices, like: ops.max_unpool(values, indices, (tf.shape(like)[1], 6)), *specs, (1, None)
    )
    np.testing.assert_array_equal(free(values, indices, tf.zeros((1, 7))), ops.max_unpool(values, indices, (7, 6)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32"])
@pytest.mark.parametrize("ksize", [None, 2])
def test_keeps_the_dtype(dtype, ksize):
    values, indices = keras.ops.cast([[[3], [4]]], dtype), np.array([[[1], [2]]])
    got = ops.max_unpool(values, indices, 4, ksize)
    assert got.dtype == dtype and np.ravel(tf.cast(got, "float64")).tolist() == [0, 3, 4, 0]


def test_an_index_outside_its_window_is_taken_with_a_size_only():
    values, indices = np.array([[[3.0], [4.0]]]), np.array([[[2], [2]]], "int32")
    assert np.ravel(ops.max_unpool(values, indices, 4, 2)).tolist() == [0, 0, 7, 0]
    assert np.ravel(ops.max_unpool(values, indices, 4)).tolist() == [0, 0, 7, 0]
    words = "indices of the output, each in its own window; received smallest=2, largest=2, output=(4, 1)"
    refuses(words, ops.max_unpool, values, indices, ksize=2)


def test_an_index_in_the_gaps_of_its_window_is_outside_of_it():
    """A window of 2 elements, 2 apart, and one of 3 with a stride of 2: the elements between and beyond."""
    values = np.array([[[3.0], [4.0]]])
    for kwargs in ({"ksize": 2, "strides": 1, "dilations": 2}, {"ksize": 3, "strides": 2}):
        size = 4 if "dilations" in kwargs else 5
        assert np.ravel(ops.max_unpool(values, [[[1], [3]]], size, **kwargs))[[1, 3]].tolist() == [3, 4]
    refuses("in its own window", ops.max_unpool, values, [[[1], [3]]], ksize=2, strides=1, dilations=2)
    refuses("in its own window", ops.max_unpool, values, [[[3], [3]]], ksize=3, strides=2)


@pytest.mark.parametrize(
    "indices, size, kwargs, words",
    [
        ([0, 4], 4, {}, "in its own sample; received smallest=0, largest=4, output=(4, 1)"),
        ([-1, 3], 4, {}, "in its own sample; received smallest=-1, largest=3, output=(4, 1)"),
        ([-1, 3], 4, {"ksize": 2}, "in its own channel; received smallest=-1, largest=3"),
        ([-1, 3], None, {"ksize": 2}, "in its own window; received smallest=-1, largest=3"),
        ([0, 2**32 + 3], 4, {}, "in its own sample; received smallest=0, largest=4294967299"),
        ([0, 2**31], 4, {}, "in its own sample; received smallest=0, largest=2147483648"),
    ],
)
def test_refuses_indices_outside_the_output(indices, size, kwargs, words):
    indices = np.reshape(indices, (1, 2, 1))
    refuses(words, ops.max_unpool, np.ones((1, 2, 1)), indices, size, **kwargs)
    for jit in (True, False):  # a constant is refused when a graph is traced
        graph = tf.function(lambda v: ops.max_unpool(v, indices, size, **kwargs), jit_compile=jit, autograph=False)
        refuses(words, graph, tf.ones((1, 2, 1)))


@pytest.mark.parametrize("kwargs", [{"output_size": 4}, {"ksize": 2}, {"output_size": 4, "ksize": 2}])
@pytest.mark.parametrize("duplicates", ["sum", "one"])
def test_in_a_graph_indices_outside_the_output_are_refused_when_it_runs(kwargs, duplicates):
    def run(v, i):
        return ops.max_unpool(v, i, **kwargs, duplicates=duplicates)

    values, indices = tf.ones((2, 2, 1)), tf.constant([[[0], [4]], [[1], [2]]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_unpool expects indices of the output"):
        tf.function(run, autograph=False)(values, indices)
    y = tf.function(run, autograph=False, jit_compile=True)(values, indices)  # in XLA, that sample is NaN
    np.testing.assert_array_equal(y[..., 0], [[np.nan] * 4, [0, 1, 1, 0]])
    y = tf.function(run, autograph=False, jit_compile=True)(tf.ones((2, 2, 1), "int32"), indices)
    np.testing.assert_array_equal(y[..., 0], [[-(2**31)] * 4, [0, 1, 1, 0]])


def test_refuses_the_indices_of_a_larger_sample_without_its_size(seeds):
    """All of them lay outside their windows of the default size, and the output was zero."""
    x = np.zeros((1, 5, 5, 1), "float32")
    x[0, 1::2, 1::2] = 1
    values, indices = ops.max_pool_with_argmax(x, 2)
    refuses(
        "in its own window; received smallest=6, largest=18, output=(4, 4, 1)", ops.max_unpool, values, indices, ksize=2
    )
    assert np.sum(ops.max_unpool(values, indices, 5, 2)) == 4


def test_refuses_indices_of_other_channels():
    """As those of PyTorch, which count the positions of each channel."""
    values, indices = np.ones((1, 1, 2)), np.array([[[1, 1]]])
    refuses("in its own channel", ops.max_unpool, values, indices, 2, 2)
    assert np.ravel(ops.max_unpool(values, indices, 2)).tolist() == [0, 2, 0, 0]


@pytest.mark.parametrize("kwargs", [{}, {"ksize": 3, "strides": 1}, {"ksize": (3, 3), "strides": (1, 1)}])
def test_one_of_the_duplicates_is_the_last(kwargs):
    """As in the loops of PyTorch and Caffe; and only it receives the gradient."""
    x = np.zeros((1, 4, 4, 2), "float32")
    x[0, 1, 2] = [5, 7]
    indices = ops.max_pool_with_argmax(x, 3, 1)[1]
    values = np.arange(1.0, 9, dtype="float32").reshape(1, 2, 2, 2)
    want = np.zeros_like(x)
    want[0, 1, 2] = [7, 8]
    for jit in (None, False, True):

        def run(v, i):
            with tf.GradientTape() as tape:
                tape.watch(v)
                y = ops.max_unpool(v, i, 4, **kwargs, duplicates="one")
            return y, tape.gradient(y, v)

        y, slope = (run if jit is None else tf.function(run, jit_compile=jit, autograph=False))(
            tf.constant(values), indices
        )
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(np.ravel(slope), [0, 0, 0, 0, 0, 0, 1, 1])
        np.testing.assert_array_equal(ops.max_unpool(values, indices, 4, **kwargs)[0, 1, 2], [16, 20])


@pytest.mark.parametrize("duplicates", ["mean", None, 1])
def test_refuses_duplicates(duplicates):
    words = f"max_unpool expects duplicates, one of ('sum', 'one'); received duplicates={duplicates!r}"
    refuses(words, ops.max_unpool, V, INDICES, 4, 2, duplicates=duplicates)


def test_nan_and_infinity_return_to_their_cells():
    values, indices = np.array([[[np.nan], [-np.inf]]]), np.array([[[1], [2]]], "int32")
    for ksize in (None, 2):
        np.testing.assert_array_equal(np.ravel(ops.max_unpool(values, indices, 4, ksize)), [0, np.nan, -np.inf, 0])


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("ksize", [None, 2])
def test_edges(rank, ksize):
    empty = np.zeros((0, *(3,) * rank, 2))
    assert ops.max_unpool(empty, empty.astype("int32"), 6, ksize).shape == (0, *(6,) * rank, 2)
    one = np.ones((1, *(1,) * rank, 1))
    assert np.ravel(ops.max_unpool(one, 0 * one.astype("int32"), 1, ksize and 1)) == 1


def test_second_order_gradient():
    """Loss sum(v^2) of two values in one element: (a + b)^2, as `second_order` squares it."""
    indices = np.array([[[1], [1]]], "int32")
    (got,) = second_order(lambda v: ops.max_unpool(v, indices, 3, 2, 1), [[[3.0], [1.0]]])
    assert got.ravel().tolist() == [64, 64]  # gradient 2 (a + b) twice, squared and summed 8 (a + b)^2


V, INDICES = np.zeros((1, 2, 2, 3), "float32"), np.zeros((1, 2, 2, 3), "int32")
BAD_SIZE = "output_size, an integer of at least 1 or 2 of them; received output_size="


@pytest.mark.parametrize(
    "values, indices, kwargs, words",
    [
        (
            V[0, 0],
            INDICES[0, 0],
            {"ksize": 2},
            "values (batch, *pooled, channels) with 1 to 3 spatial axes",
        ),
        (
            V,
            INDICES[:, :1],
            {"ksize": 2},
            "values' shape; received values=(1, 2, 2, 3), indices=(1, 1, 2, 3)",
        ),
        (V, INDICES[0], {"ksize": 2}, "indices of the values' shape"),
        (np.repeat(V, 2, 0), INDICES, {"ksize": 2}, "received values=(2, 2, 2, 3), indices=(1, 2, 2, 3)"),
        (V, INDICES.astype("float32"), {"ksize": 2}, "integer indices; received dtype="),
        (V, INDICES.astype(bool), {"ksize": 2}, "integer indices"),
        (V, INDICES, {}, "output_size, or ksize to derive it from; received output_size=None"),
        (V, INDICES, {"output_size": 0}, BAD_SIZE + "0"),
        (V, INDICES, {"output_size": (4,)}, BAD_SIZE + "(4,)"),
        (V, INDICES, {"output_size": (4, 4.5), "ksize": 2}, BAD_SIZE + "(4, 4.5)"),
        (V, INDICES, {"output_size": (4, None), "ksize": 2}, BAD_SIZE + "(4, None)"),
        (V, INDICES, {"output_size": (4, True)}, BAD_SIZE + "(4, True)"),
        (V, INDICES, {"output_size": "44"}, BAD_SIZE + "'44'"),
        (V, INDICES, {"output_size": (tf.constant(4), -4)}, "output_size, an integer of at least 1"),
        (
            V,
            INDICES,
            {"output_size": (6, 4), "ksize": 2},
            "max_unpool expects an output_size that pools to the values' size",
        ),
        (V, INDICES, {"output_size": np.int64(9), "ksize": 2}, "output_size=(9, 9), values=(2, 2)"),
        (V, INDICES, {"output_size": 46341}, "a sample of less than 2^31 elements, to index by int32"),
        (V, INDICES, {"ksize": 32768}, "a sample of less than 2^31 elements"),
        (V, INDICES, {"ksize": 0}, "ksize=0"),
        (V, INDICES, {"ksize": 2, "strides": "1"}, "strides='1'"),
        (V, INDICES, {"ksize": 2, "padding": "half"}, "padding='half'"),
        (V, INDICES, {"ksize": 2, "strides": 1, "padding": 2, "output_size": 1}, "windows that each meet the input"),
        (keras.Input((2, 2, 3)), INDICES, {"ksize": 2}, "the layer kzoo.layers.MaxUnpooling2D; received a KerasTensor"),
        (V, keras.Input((2, 2, 3)), {"ksize": 2}, "the layer kzoo.layers.MaxUnpooling2D; received a KerasTensor"),
    ],
)
def test_refuses(values, indices, kwargs, words):
    refuses(words, ops.max_unpool, values, indices, **kwargs)


def test_refuses_unknown_channels():
    specs = tf.TensorSpec((1, 2, None)), tf.TensorSpec((1, 2, None), "int32")
    refuses("a known number of channels", traced, lambda *tensors: ops.max_unpool(*tensors, ksize=2), *specs)
