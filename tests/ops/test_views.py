"""Window views: the geometry against the reference's windows, and the message for every refused window."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo.ops.views import Window, as_tuple, same_pair, window
from tests import references
from tests.ops.cases import RANKS, random_geometry
from tests.ops.harness import refuses


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("ceil", [False, True])
def test_views_are_the_windows_cells(rank, ceil):
    """View o at position p holds the element that window p has at offset o; -1 stands for padding."""
    rng = np.random.default_rng(rank)
    for one in (random_geometry(rng, rank, pool=ceil, ceil=ceil) for _ in range(100)):
        spatial = one["spatial"]
        where, output = references.windows(**one)
        more = {"ceil_mode": one["ceil_mode"]} if ceil else {}
        win = window("test", rank, one["size"], one["strides"], one["padding"], one["dilations"], **more)
        win.check("test", spatial)
        assert win.output(spatial) == output
        numbers = np.arange(np.prod(spatial), dtype="int32").reshape(1, *spatial, 1)
        views = dict(win.views(win.pad(numbers, -1), output))
        for position, cells in where:
            for offset, cell in cells:
                want = -1 if cell is None else numbers[(0, *cell, 0)]
                assert int(views[offset][(0, *position, 0)]) == want, one
        assert list(views) == [offset for offset, _ in where[0][1]]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(*(st.integers(1, most) for most in (40, 6, 6, 6)))
def test_same_gives_one_output_for_each_stride(n, k, s, d):
    before, after = same_pair(n, k, s, d)
    assert 0 <= after - before <= 1
    assert (before + n + after - (k - 1) * d - 1) // s + 1 == -(-n // s)
    assert window("test", 1, k, s, "same", d).output((n,)) == (-(-n // s),)


# (size of the input, window, strides, dilation, padding): windows without and with ceil_mode, as PyTorch counts them
CEIL = {
    (5, 2, 2, 1, (0, 0)): (2, 3),
    (6, 3, 2, 1, (0, 0)): (2, 3),  # Krizhevsky's overlapping pools
    (7, 3, 2, 1, (0, 0)): (3, 3),  # nothing is left over
    (5, 2, 3, 1, (0, 0)): (2, 2),
    (4, 1, 3, 1, (0, 0)): (2, 2),
    (5, 1, 3, 1, (0, 0)): (2, 2),  # a third window would start at 6
    (3, 1, 2, 1, (0, 0)): (2, 2),
    (4, 2, 2, 1, (1, 1)): (3, 3),
    (3, 2, 2, 1, (1, 1)): (2, 2),  # a third window would start at the end of the input, in the padding
    (2, 3, 2, 1, (0, 0)): (0, 1),  # larger than the input
    (6, 2, 3, 2, (0, 0)): (2, 2),
    (5, 2, 3, 2, (0, 0)): (1, 2),  # whose second tap is beyond the input
    (3, 2, 2, 1, (0, 1)): (2, 2),
    (4, 3, 2, 1, (0, 1)): (2, 2),
    (4, 3, 4, 1, (2, 0)): (1, 2),
    (3, 1, 3, 1, (0, 2)): (2, 1),  # the second window would start at the end of the input
}


@pytest.mark.parametrize("axis, counts", CEIL.items())
def test_ceil_mode_covers_what_is_left_over(axis, counts):
    n, k, s, d, pair = axis
    for ceil, count in zip((False, True), counts):
        win = window("test", 1, k, s, (pair,), d, ceil_mode=ceil)
        assert win.output((n,)) == (count,)
        if count:
            win.check("test", (n,))
            (before, after), reach = win.pairs((n,))[0], (count - 1) * s + (k - 1) * d + 1
            assert before == pair[0] and after == (max(0, reach - n - before) if ceil else pair[1])
            assert [int(part) for part in win.output((tf.constant(n),))] == [count]
            assert [int(part) for part in win.pairs((tf.constant(n),))[0]] == [before, after]
        else:
            refuses("a window that fits", win.check, "test", (n,))


def test_ceil_mode_is_refused():
    refuses("ceil_mode, True or False; received ceil_mode='yes'", window, "test", 1, 2, 2, 0, 1, ceil_mode="yes")
    for padding in ("circular", ("replicate", 1)):
        words = "padding with zeros where ceil_mode is True (a Padding layer before it pads with copies); received"
        refuses(f"{words} padding={padding!r}", window, "test", 1, 2, 2, padding, 1, ceil_mode=True)
    win = window("test", 1, 4, 2, 0, 1, ceil_mode=True)
    refuses("a window that fits into the padded input", win.check, "test", (2,))
    refuses("received ksize=4, dilation=1, input=2, padding=(0, 0)", win.check, "test", (2,))


def test_unknown_sizes_stay_unknown():
    for padding, ceil in itertools.product(("valid", "same", "full", 1), (False, True)):
        win = window("test", 2, 3, 2, padding, 1, ceil_mode=ceil)
        win.check("test", (None, 5))
        assert win.output((None, 5))[0] is None and win.output((None, 5))[1] is not None


@pytest.mark.parametrize(
    "padding, pads, mode",
    [
        ("valid", ((0, 0), (0, 0)), "zeros"),
        ("same", ((1, 1), None), "zeros"),  # with a stride the amount depends on the size
        ("full", ((2, 2), (2, 2)), "zeros"),
        ("circular", ((1, 1), None), "circular"),
        (1, ((1, 1), (1, 1)), "zeros"),
        ([1, (0, 2)], ((1, 1), (0, 2)), "zeros"),
        (np.int64(2), ((2, 2), (2, 2)), "zeros"),
        (("reflect", "valid"), ((0, 0), (0, 0)), "reflect"),
        (["replicate", [0, 1]], ((0, 0), (1, 1)), "replicate"),
        (("zeros", "full"), ((2, 2), (2, 2)), "zeros"),
    ],
)
def test_paddings_are_read(padding, pads, mode):
    assert window("test", 2, (3, 2), (1, 2), padding, (1, 2)) == Window((3, 2), (1, 2), (1, 2), pads, mode)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"size": 0}, "conv expects ksize, an integer of at least 1 or 2 of them; received ksize=0"),
        ({"size": (3, 3, 3)}, "ksize=(3, 3, 3)"),
        ({"size": "3"}, "ksize='3'"),
        ({"strides": -1}, "strides, an integer of at least 1 or 2 of them; received strides=-1"),
        ({"strides": 1.0}, "strides=1.0"),
        ({"strides": (2, None)}, "strides=(2, None)"),
        ({"dilations": True}, "dilations=True"),
        ({"dilations": np.ones(2)}, "dilations=array([1., 1.])"),
        (
            {"padding": "zeros"},
            "padding, one of ('valid', 'same', 'full', 'causal', 'circular', 'reflect', 'replicate'), amounts",
        ),
        ({"padding": ("same", 1)}, "a padding mode of ('zeros', 'circular', 'reflect', 'replicate'); received"),
        ({"padding": ("circular", "half")}, "or of pairs (before, after); received padding='half'"),
        ({"padding": None}, "padding=None"),
        ({"padding": False}, "padding=False"),
        ({"padding": 1.5}, "padding=1.5"),
        ({"padding": (1, 2, 3)}, "padding=(1, 2, 3)"),
        ({"padding": ((1, 2), (1, -2))}, "padding=((1, 2), (1, -2))"),
    ],
)
def test_refuses_arguments(change, words):
    arguments = {"size": 3, "strides": 1, "padding": "valid", "dilations": 1} | change
    refuses(words, window, "conv", 2, *arguments.values())


def test_refuses_in_the_callers_words():
    refuses("Conv1D expects dilation_rate, an", window, "Conv1D", 1, 3, 1, 0, 0, ("k", "strides", "p", "dilation_rate"))
    refuses("pool_size, an integer of at least 2 or 1 of them", as_tuple, "pool", "pool_size", 1, 1, least=2)


@pytest.mark.parametrize(
    "padding, spatial, words",
    [
        ("valid", (5, 2), "a window that fits into the padded input on spatial axis 1; received ksize=3, dilation=1"),
        ("valid", (0, 5), "an input of at least 1 pixel on spatial axis 0; received size=0"),
        (("reflect", 2), (5, 2), "reflect padding of at most 1; received padding=(2, 2), size=2"),
        (("circular", 2), (1, 5), "circular padding of at most 1"),
    ],
)
def test_refuses_inputs(padding, spatial, words):
    refuses(words, window("conv", 2, 3, 1, padding, 1).check, "conv", spatial)
