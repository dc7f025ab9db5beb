"""The window of a pool: default strides, and no window that lies wholly in the padding."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo.checks import Refusal
from kzoo.ops.pool_window import check_pool, pool_window
from kzoo.ops.views import Window, window
from tests.ops.harness import BAD_WINDOWS, refuses

X = np.zeros((1, 4, 5, 2), "float32")


def test_strides_are_the_window_by_default():
    assert pool_window("pool", X, (3, 2), None, "valid", 1) == window("pool", 2, (3, 2), (3, 2), "valid", 1)
    assert pool_window("pool", X, 3, 1, "same", 2) == window("pool", 2, 3, 1, "same", 2)
    assert pool_window("pool", X, 3, None, 0, 1, True) == window("pool", 2, 3, 3, 0, 1, ceil_mode=True)


@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words):
    ksize, strides, padding, dilations = (*args, *(None, "valid", 1)[len(args) - 1 :])
    refuses(words, pool_window, "pool", X, ksize, strides, padding, dilations)


@pytest.mark.parametrize("shape", [(2,), (4, 2), (1, 2, 2, 2, 2, 2)])
def test_refuses_other_ranks(shape):
    refuses("pool expects x (batch, *spatial, channels)", pool_window, "pool", np.zeros(shape), 1, None, "valid", 1)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    *[st.integers(1, 7)] * 4,
    st.one_of(st.just("same"), st.just("full"), st.tuples(*[st.integers(0, 8)] * 2)),
    st.booleans(),
)
def test_blind_windows_are_those_without_a_cell(n, k, s, d, padding, ceil):
    """Found by listing every window's elements."""
    win = window("pool", 1, k, s, padding if isinstance(padding, str) else (padding,), d, ceil_mode=ceil)
    (before, _), (count,) = win.pairs((n,))[0], win.output((n,))
    if count < 1:
        refuses("pool expects a window that fits", check_pool, "pool", win, (n,))
        return
    cells = [[p * s + o * d - before for o in range(k)] for p in range(count)]
    blind = any(not any(0 <= cell < n for cell in window) for window in cells)
    try:
        check_pool("pool", win, (n,))
    except Refusal as refusal:
        assert blind and "windows that each meet the input on spatial axis 0" in str(refusal), (cells, refusal)
    else:
        assert not blind, cells


def test_the_refusal_tells_the_whole_geometry():
    win = Window((2, 2), (1, 3), (1, 2), ((0, 0), (4, 0)), "zeros", "pool_size")
    words = "Pool expects windows that each meet the input on spatial axis 1; "
    words += "received pool_size=2, dilation=2, stride=3, input=5, padding=(4, 0)."
    refuses(words, check_pool, "Pool", win, (5, 5))


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_copies_of_the_sample_are_no_empty_cells(mode):
    check_pool("pool", window("pool", 1, 2, 1, (mode, 3), 1), (5,))


def test_unknown_sizes_are_not_checked():
    wide, blind = window("pool", 2, 9, 1, "valid", 1), window("pool", 2, 2, 1, 3, 1)
    for win, sizes in itertools.product((wide, blind), ((None, None), (None, 5), (5, None))):
        if None in sizes and sizes != (None, None):
            refuses(f"on spatial axis {sizes.index(5)}", check_pool, "pool", win, sizes)
        else:
            check_pool("pool", win, sizes)
