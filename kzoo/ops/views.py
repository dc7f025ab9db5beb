"""Window views, the one primitive: all that a sliding window meets at one of its offsets, as a strided slice.

For an output of size n, an offset o, a stride s and a dilation d these are the cells
`x[o*d : o*d + (n-1)*s + 1 : s]` on each spatial axis. Convolution sums views times kernels, a max pool keeps the
largest, an unpool asks them who won.

Source: none.
"""

import functools
import itertools
from typing import NamedTuple

from keras import ops

from kzoo.checks import is_integer, is_number, require
from kzoo.ops.backend import ceil_div, dtype_of
from kzoo.ops.pad import MODES, as_pairs, check_pairs, pad_pairs

INFINITY, NAN = float("inf"), float("nan")
NAMED_PADDINGS = ("valid", "same", "full", *MODES[1:])


class Window(NamedTuple):
    """The geometry of a sliding window, checked and hashable: one entry an axis.

    `pads` are the pairs (before, after), or None on an axis where "same" depends on the input's size.
    """

    size: tuple
    strides: tuple
    dilations: tuple
    pads: tuple
    mode: str = "zeros"
    name: str = "ksize"  # what the caller calls the size

    def pairs(self, spatial):
        """Cells of padding (before, after) an axis, for an input of this size (integers or scalar tensors)."""
        return tuple(
            same_pair(n, k, s, d) if pair is None else pair
            for n, k, s, d, pair in zip(spatial, self.size, self.strides, self.dilations, self.pads)
        )

    def output(self, spatial):
        """Size of the output for an input of this size; None where it is unknown."""
        return tuple(
            None if n is None else ceil_div(n, s) if pair is None else (sum(pair) + n - (k - 1) * d - 1) // s + 1
            for n, k, s, d, pair in zip(spatial, self.size, self.strides, self.dilations, self.pads)
        )

    def check(self, who, spatial):
        """Refuse an input that no window fits into; sizes that are unknown are not checked."""
        for axis, (n, k, s, d, pads) in enumerate(zip(spatial, *self[:4])):
            if n is None:
                continue
            require(n > 0, who, f"an input of at least 1 cell on spatial axis {axis}", size=n)
            pair = pads or same_pair(n, k, s, d)
            fits = (k - 1) * d + 1 <= n + sum(pair)
            expected = f"a window that fits into the padded input on spatial axis {axis}"
            require(fits, who, expected, **{self.name: k}, dilation=d, input=n, padding=pair)
            check_pairs(who, (pair,), self.mode, (n,))

    def pad(self, x, value=0):
        """Pad x (B, *spatial, C) so that every window lies inside."""
        return pad_pairs(x, self.pairs(ops.shape(x)[1:-1]), self.mode, value)

    def views(self, padded, output):
        """Yield (offset, view) in row-major order of the offsets; a view has shape (B, *output, C)."""
        for offset in itertools.product(*map(range, self.size)):
            places = map(tap, offset, output, self.strides, self.dilations)
            yield offset, padded[(slice(None), *places)]


def tap(offset, size, stride=1, dilation=1):
    """The cells of a padded axis that the kernel's cell `offset` meets, for an output of this size."""
    start = offset * dilation
    return slice(start, start + (size - 1) * stride + 1, stride)


def axis_views(padded, axis, size, stride=1, dilation=1):
    """The views of a window of `size` cells along one axis alone, one an offset."""
    output = (ops.shape(padded)[axis] - (size - 1) * dilation - 1) // stride + 1
    for offset in range(size):
        yield padded[(slice(None),) * axis + (tap(offset, output, stride, dilation),)]


def largest(views):
    """The largest of the views, cell by cell: NaN wins, and of equal values the first receives the gradient.

    `maximum` would split the gradient of equal values, or not, by backend.
    """
    top = None
    for view in views:
        # view != view is true of NaN
        top = view if top is None else ops.where((view > top) | (view != view), view, top)  # noqa: PLR0124
    return top


def maximum(views):
    """The largest of the views, cell by cell, or NaN where one is NaN; its gradient is the caller's business."""
    views = list(views)
    top = functools.reduce(ops.maximum, views)  # which compiled may pass over NaN
    if "float" not in dtype_of(top):
        return top
    return ops.where(functools.reduce(ops.logical_and, (view == view for view in views)), top, NAN)  # noqa: PLR0124


def winner(labelled):
    """The label of the largest view, cell by cell: of equal values the first, and the last NaN before all.

    `labelled` yields pairs (label, view); labels are int32, numbers or tensors.
    """
    best = top = None
    for label, view in labelled:
        # NaN counts as infinity, and passes that too: one comparison a view, where `view != view` would be a second
        number = ops.where(view < INFINITY, view, INFINITY) if "float" in dtype_of(view) else view
        if best is None:
            best, top = ops.zeros_like(view, dtype="int32") + label, number
        else:
            best, top = ops.where(view <= top, best, label), ops.maximum(top, number)
    return best


def window(who, rank, size, strides, padding, dilations, names=("ksize", "strides", "padding", "dilations")):
    """A checked `Window` of this rank from the arguments of an op or layer; `names` are what the caller calls them.

    `padding` is "valid", "same", "full", "circular", "reflect", "replicate", explicit cells (an integer, or one
    integer or pair an axis), or a pair (mode, cells). The three modes alone pad by the amounts of "same".

    >>> window("conv", 1, 3, 2, ("circular", 1), 1)
    Window(size=(3,), strides=(2,), dilations=(1,), pads=((1, 1),), mode='circular', name='ksize')
    """
    size, strides, dilations = (
        as_tuple(who, name, value, rank)
        for name, value in zip((*names[:2], names[3]), (size, strides, dilations), strict=True)
    )
    mode, cells = "zeros", padding
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and isinstance(padding[0], str):
        mode, cells = padding
        require(mode in MODES, who, f"a {names[2]} mode of {MODES}", **{names[2]: padding})
    elif isinstance(padding, str):
        require(
            padding in NAMED_PADDINGS,
            who,
            f"{names[2]}, one of {NAMED_PADDINGS}, cells, or a pair (mode, cells)",
            **{names[2]: padding},
        )
        mode, cells = (padding, "same") if padding in MODES else ("zeros", padding)
    if cells == "valid":
        pads = ((0, 0),) * rank
    elif cells == "full":
        pads = tuple(((k - 1) * d,) * 2 for k, d in zip(size, dilations))
    elif cells == "same":  # with a stride of 1 the amount is the same for every input
        pads = tuple(same_pair(1, k, s, d) if s == 1 else None for k, s, d in zip(size, strides, dilations))
    else:
        pads = as_pairs(who, names[2], cells, rank)
    return Window(size, strides, dilations, pads, mode, names[0])


def as_tuple(who, name, value, rank, least=1):
    """An integer, or one an axis, as a tuple of `rank` integers of at least `least`."""
    values = (value,) * rank if is_integer(value) else value
    good = isinstance(values, (tuple, list)) and len(values) == rank and all(is_integer(v, least) for v in values)
    require(good, who, f"{name}, an integer of at least {least} or {rank} of them", **{name: value})
    return tuple(int(v) for v in values)


def as_plain(padding):
    """Lists, as a config file has them, to tuples, and NumPy's numbers to Python's."""
    if isinstance(padding, (list, tuple)):
        return tuple(map(as_plain, padding))
    if is_integer(padding):
        return int(padding)
    return float(padding) if is_number(padding) else padding


def same_pair(n, k, s, d):
    """TensorFlow's "SAME": ceil(n / s) outputs, the odd cell after."""
    total = (ceil_div(n, s) - 1) * s + (k - 1) * d + 1 - n
    total = max(total, 0) if isinstance(total, int) else ops.maximum(total, 0)
    return total // 2, total - total // 2
