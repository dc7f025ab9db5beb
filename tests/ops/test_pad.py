"""Padding: every mode against its NumPy reference and NumPy's own pad, edges and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import MOST, RANKS, Case, Setting, normal
from tests.ops.harness import CHECKS, refuses, traced


def reference(x, padding, mode="zeros", constant_values=0):
    spatial = x.shape[1:-1]
    pairs = [references.pair_of(padding, axis, n, 1, 1, 1) for axis, n in enumerate(spatial)]
    y = np.full((len(x), *(b + n + a for n, (b, a) in zip(spatial, pairs)), x.shape[-1]), constant_values, x.dtype)
    for place in np.ndindex(y.shape[1:-1]):
        cell = tuple(references.source(p - b, n, mode) for p, n, (b, _) in zip(place, spatial, pairs))
        if None not in cell:
            y[(slice(None), *place)] = x[(slice(None), *cell)]
    return y


def draw(rng, rank, one, distinct):
    del distinct
    modes = ("zeros", "circular", "reflect", "replicate")
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)) if one is None else one["spatial"]
    mode = str(rng.choice(modes)) if one is None else modes[one["index"] % 4]
    most = [n - (mode == "reflect") if mode in ("circular", "reflect") else 4 for n in spatial]
    padding = tuple(tuple(int(p) for p in rng.integers(0, min(n, 4) + 1, 2)) for n in most)
    if rng.random() < 0.3:
        padding = min(*most, 2)
    value = float(rng.integers(-2, 3))
    return Setting((normal(rng, 2, *spatial, 2),), {"padding": padding, "mode": mode, "constant_values": value})


OP_CASES = {"pad": Case(ops.pad, reference, draw)}
X = np.arange(1.0, 5.0, dtype="float32").reshape(1, 4, 1)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["pad"], rank)


@pytest.mark.parametrize("mode, theirs", [("circular", "wrap"), ("reflect", "reflect"), ("replicate", "edge")])
def test_modes_are_those_of_numpy(seeds, mode, theirs):
    x = normal(seeds, 2, 5, 4, 3)
    want = np.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), theirs)
    np.testing.assert_array_equal(ops.pad(x, ((2, 1), (0, 3)), mode), want)


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_no_cells_leave_the_input_as_it_is(mode):
    np.testing.assert_array_equal(ops.pad(X, 0, mode), X)


@pytest.mark.parametrize("mode", ["zeros", "circular", "replicate"])
def test_one_cell_is_enough(mode):
    got = ops.pad(np.full((1, 1, 1), 7.0), 1, mode, constant_values=5)
    assert np.ravel(got).tolist() == ([5, 7, 5] if mode == "zeros" else [7, 7, 7])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32", "uint8"])
def test_keeps_the_dtype(dtype):
    for mode in ("zeros", "circular", "reflect", "replicate"):
        assert keras.backend.standardize_dtype(ops.pad(keras.ops.cast(X, dtype), 1, mode).dtype) == dtype


def test_takes_an_empty_batch_and_infinities():
    assert ops.pad(np.zeros((0, 3, 2)), 1, "reflect").shape == (0, 5, 2)
    got = np.ravel(ops.pad(np.array([[[np.inf], [np.nan]]]), 1, "replicate"))
    np.testing.assert_array_equal(got, [np.inf, np.inf, np.nan, np.nan])


@pytest.mark.parametrize(
    "args, words",
    [
        ((-1,), "pad expects padding, an integer of at least 0, or 1 of them or of pairs (before, after); received"),
        (((1, 2),), "padding=(1, 2)"),
        ((((1, 2, 3),),), "padding=((1, 2, 3),)"),
        ((1.0,), "padding=1.0"),
        ((True,), "padding=True"),
        ((None,), "padding=None"),
        (("same",), "padding='same'"),
        (((-1,),), "padding=(-1,)"),
        ((1, "mirror"), "mode, one of ('zeros', 'circular', 'reflect', 'replicate'); received mode='mirror'"),
        ((1, None), "mode=None"),
        ((5, "circular"), "circular padding of at most 4; received padding=(5, 5), size=4"),
        ((((0, 4),), "reflect"), "reflect padding of at most 3; received padding=(0, 4), size=4"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.pad, X, *args)


def test_refuses_pytorchs_flat_tuples_with_the_equivalent():
    """Of torch.nn.functional.pad, which begins with the last axis."""
    refuses("for padding=(1, 2, 3, 4) write ((3, 4), (1, 2)).", ops.pad, np.zeros((1, 4, 4, 1)), (1, 2, 3, 4))
    refuses("for padding=(1, 2) write ((1, 2),).", ops.pad, X, (1, 2))


def test_refuses_other_ranks_and_symbols():
    refuses("1 to 3 spatial axes; received shape=(2, 3)", ops.pad, np.zeros((2, 3)), 1)
    refuses("1 to 3 spatial axes", ops.pad, np.zeros((1, 2, 2, 2, 2, 1)), 1)
    refuses(
        "the layer kzoo.layers.Padding2D; received a KerasTensor=(None, 4, 4, 1)", ops.pad, keras.Input((4, 4, 1)), 1
    )


def test_a_size_that_is_not_known_is_not_checked():
    assert traced(lambda x: ops.pad(x, 9, "circular"), (1, None, 1)).structured_outputs.shape[1] is None


@pytest.mark.parametrize("mode, width", [("reflect", 3), ("circular", 4)])
def test_xla_refuses_a_sample_that_is_too_small_for_its_padding(mode, width):
    """Of a size that was unknown when the function was traced; the output was too small."""
    spec = tf.TensorSpec((None, None, None, 1))
    graph = tf.function(lambda x: ops.pad(x, width, mode), [spec], jit_compile=True, autograph=False)
    x = np.arange(25, dtype="float32").reshape(1, 5, 5, 1)
    np.testing.assert_array_equal(graph(x), ops.pad(x, width, mode))
    with pytest.raises(tf.errors.InvalidArgumentError, match="pad_refuses_this_size"):
        graph(x[:, :3, :3])
