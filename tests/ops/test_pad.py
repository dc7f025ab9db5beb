"""Padding: every mode against its cell-by-cell loop, NumPy's own pad, edges and refusals."""

import keras
import numpy as np
import pytest

from kzoo import ops
from tests.ops.cases import CASES, RANKS, normal
from tests.ops.harness import CHECKS, refuses, traced

X = np.arange(1.0, 5.0, dtype="float32").reshape(1, 4, 1)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(CASES["pad"], rank)


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
        ((5, "circular"), "circular padding of at most 4 cells; received padding=(5, 5), size=4"),
        ((((0, 4),), "reflect"), "reflect padding of at most 3 cells; received padding=(0, 4), size=4"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.pad, X, *args)


def test_refuses_other_ranks_and_symbols():
    refuses("1 to 3 spatial axes; received shape=(2, 3)", ops.pad, np.zeros((2, 3)), 1)
    refuses("1 to 3 spatial axes", ops.pad, np.zeros((1, 2, 2, 2, 2, 1)), 1)
    refuses(
        "the layer kzoo.layers.Padding2D; received a KerasTensor=(None, 4, 4, 1)", ops.pad, keras.Input((4, 4, 1)), 1
    )


def test_a_size_that_is_not_known_is_not_checked():
    assert traced(lambda x: ops.pad(x, 9, "circular"), (1, None, 1)).structured_outputs.shape[1] is None
