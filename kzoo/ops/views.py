"""Window views, the primitive of every windowed op: one strided slice of the input for each kernel offset.

For an output of size n, an offset o, a stride s and a dilation d, the view is `x[o*d : o*d + (n-1)*s + 1 : s]` on each
spatial axis: the elements that all windows hold at this offset. A convolution sums views times kernel taps; max pooling
takes the maximum of the views.
"""

import functools
import itertools
import math
from typing import NamedTuple

from keras import ops

from kzoo.checks import as_bool, is_integer, is_number, require
from kzoo.ops.backend import ceil_div, dtype_of
from kzoo.ops.pad import MODES, as_pairs, check_pairs, pad_pairs
from kzoo.ops.sizes import at_least, require_size

INFINITY, NAN = float("inf"), float("nan")
ARGUMENTS = ("ksize", "strides", "padding", "dilations")
NAMED_PADDINGS = ("valid", "same", "full", "causal", *MODES[1:])
MOST_TAPS = (
    64  # up to which ops are written out tap by tap: the fastest code, but XLA compiles some hundred taps a second
)


class Window(NamedTuple):
    """The checked, hashable geometry of a sliding window, with one entry for each spatial axis.

    `pads` are pairs (before, after), or None on an axis where "same" padding depends on the input's size. With
    `ceil_mode` an axis has one more window if the last one leaves elements over and the next one starts before the
    input's end: PyTorch's rule.
    """

    size: tuple
    strides: tuple
    dilations: tuple
    pads: tuple
    mode: str = "zeros"
    name: str = "ksize"  # the caller's name for the size
    ceil_mode: bool = False

    @property
    def reaches_zeros(self):
        """Whether windows may hold zero padding, or what completes a last window."""
        return self.mode == "zeros" and (self.ceil_mode or any(pair != (0, 0) for pair in self.pads))

    def pairs(self, spatial):
        """Returns the padding (before, after) of each axis for an input of this size (integers or scalar tensors).

        With `ceil_mode` it ends with the last window.
        """
        pairs = tuple(
            same_pair(n, k, s, d) if pair is None else pair
            for n, k, s, d, pair in zip(spatial, self.size, self.strides, self.dilations, self.pads)
        )
        if not self.ceil_mode:
            return pairs
        axes = zip(spatial, self.output(spatial), self.size, self.strides, self.dilations, pairs)
        return tuple(
            (before, at_least((count - 1) * s + (k - 1) * d + 1 - n - before, 0))
            for n, count, k, s, d, (before, _) in axes
        )

    def pads_as_same(self, spatial):
        """Returns whether the padding is known to be that of "same" for an input of this size; None: unknown."""
        if self.mode != "zeros" or self.ceil_mode:
            return False
        axes = zip(spatial, self.size, self.strides, self.dilations, self.pads)
        return all(
            pair is None or ((s == 1 or n is not None) and pair == same_pair(1 if s == 1 else n, k, s, d))
            for n, k, s, d, pair in axes
        )

    def output(self, spatial):
        """Returns the output's size for an input of this size; None where that is unknown."""
        return tuple(None if n is None else self._count(n, *axis) for n, *axis in zip(spatial, *self[:4]))

    def _count(self, n, k, s, d, pair):
        if pair is None:  # "same" leaves no element over
            return ceil_div(n, s)
        room = sum(pair) + n - (k - 1) * d - 1
        if not self.ceil_mode:
            return room // s + 1
        last = ceil_div(room, s), (n + pair[0] - 1) // s  # to cover all, and to start before the input's end
        return (min(last) if isinstance(n, int) else ops.minimum(*last)) + 1

    def check(self, who, spatial):
        """Raises a ValueError if no window fits into an input of this size. Unknown sizes are not checked."""
        for axis, (n, k, s, d, pads) in enumerate(zip(spatial, *self[:4])):
            if n is None:
                continue
            require_size(n > 0, who, f"an input of at least 1 pixel on spatial axis {axis}", size=n)
            pair = pads or same_pair(n, k, s, d)
            fits = (k - 1) * d + 1 <= n + sum(pair) + (s - 1) * self.ceil_mode
            expected = f"a window that fits into the padded input on spatial axis {axis}"
            require_size(fits, who, expected, **{self.name: k}, dilation=d, input=n, padding=pair)
            check_pairs(who, (pair,), self.mode, (n,))
        if None not in spatial:
            padded = [n + sum(pair) for n, pair in zip(spatial, self.pairs(spatial))]
            check_positions(who, "positions of a padded sample", padded, **{self.name: self.size}, padded=padded)

    def pad(self, x, value=0):
        """Returns x (B, *spatial, C), padded so that every window lies inside."""
        return pad_pairs(x, self.pairs(ops.shape(x)[1:-1]), self.mode, value)

    def views(self, padded, output):
        """Yields (offset, view) in row-major order of the offsets. A view has shape (B, *output, C)."""
        for offset in itertools.product(*map(range, self.size)):
            slices = map(offset_slice, offset, output, self.strides, self.dilations)
            yield offset, padded[(slice(None), *slices)]


def check_positions(who, what, sizes, **received):
    """Raises a ValueError if the product of the sizes is too large for int32. Unknown sizes count as 1."""
    known = [n for n in sizes if not ops.is_tensor(n) and n]
    require(math.prod(known) < 2**31, who, f"less than 2^31 {what}", **received)


def written_out(*counts):
    """Returns whether an op over this many taps, bins or channels (the product of the counts) is written out by each.

    >>> written_out(8, 8), written_out(9, 9)
    (True, False)
    """
    return math.prod(counts) <= MOST_TAPS


def offset_slice(offset, size, stride=1, dilation=1):
    """Returns the slice of a padded axis that kernel offset `offset` reads, for an output of this size."""
    start = offset * dilation
    return slice(start, start + (size - 1) * stride + 1, stride)


def axis_views(padded, axis, size, stride=1, dilation=1):
    """Yields the views of a one-dimensional window of `size` taps along `axis`, one for each offset."""
    output = (ops.shape(padded)[axis] - (size - 1) * dilation - 1) // stride + 1
    for offset in range(size):
        yield padded[(slice(None),) * axis + (offset_slice(offset, output, stride, dilation),)]


def maximum(views):
    """Returns the elementwise maximum of the views. NaN wins, and the first of equal values receives the gradient.

    `ops.maximum` would split the gradient between equal values on some backends and not on others.
    """
    top = None
    for view in views:
        # a view is not equal to itself where it is NaN
        top = view if top is None else ops.where((view > top) | ops.not_equal(view, view), view, top)
    return top


def maximum_without_gradient(views):
    """Returns the elementwise maximum of the views, or NaN where one is NaN.

    It is faster than `maximum`, for callers that define the gradient themselves.
    """
    views = list(views)
    top = functools.reduce(ops.maximum, views)  # compiled, this may drop a NaN
    if "float" not in dtype_of(top):
        return top
    return ops.where(functools.reduce(ops.logical_and, (ops.equal(view, view) for view in views)), top, NAN)


def argmax(labelled):
    """Returns the label of the largest view, for each element.

    Of equal values the first wins; a NaN wins over numbers, and the last NaN over others.

    `labelled` yields pairs (label, view); labels are int32, either numbers or tensors.
    """
    best = top = None
    for label, view in labelled:
        # NaN becomes infinity, which no later number exceeds; a later NaN wins, as `view <= top` is false for it.
        # This takes one comparison for each view instead of two.
        number = ops.where(view < INFINITY, view, INFINITY) if "float" in dtype_of(view) else view
        if best is None:
            best, top = ops.zeros_like(view, dtype="int32") + label, number
        else:
            best, top = ops.where(view <= top, best, label), ops.maximum(top, number)
    return best


def window(who, rank, size, strides, padding, dilations, names=ARGUMENTS, ceil_mode=False):
    """Returns a checked `Window` of this rank; `names` are the caller's names for these arguments.

    `padding` is "valid", "same", "full", "causal" (in 1D: only before), "circular", "reflect", "replicate", explicit
    amounts (an integer, or an integer or pair for each axis), or a pair (mode, amounts). "circular", "reflect" and
    "replicate" without amounts pad by the amounts of "same". Names may be in capitals, as TensorFlow writes them.

    >>> window("conv", 1, 3, 2, ("circular", 1), 1)
    Window(size=(3,), strides=(2,), dilations=(1,), pads=((1, 1),), mode='circular', name='ksize', ceil_mode=False)
    """
    size, strides, dilations = (
        as_tuple(who, name, value, rank)
        for name, value in zip((*names[:2], names[3]), (size, strides, dilations), strict=True)
    )
    padding = as_plain(padding)
    mode, amounts = "zeros", padding
    if isinstance(padding, tuple) and len(padding) == 2 and isinstance(padding[0], str):
        mode, amounts = padding
        require(mode in MODES, who, f"a {names[2]} mode of {MODES}", **{names[2]: padding})
    elif isinstance(padding, str):
        require(
            padding in NAMED_PADDINGS,
            who,
            f"{names[2]}, one of {NAMED_PADDINGS}, amounts, or a pair (mode, amounts)",
            **{names[2]: padding},
        )
        mode, amounts = (padding, "same") if padding in MODES else ("zeros", padding)
    if amounts == "valid":
        pads = ((0, 0),) * rank
    elif amounts == "full":
        pads = tuple(((k - 1) * d,) * 2 for k, d in zip(size, dilations))
    elif amounts == "causal":
        ways = ", ".join(f"({n}, 0)" for n in ((k - 1) * d for k, d in zip(size, dilations)))
        require(rank == 1, who, f"{names[2]} other than causal in {rank}D, such as ({ways})", **{names[2]: padding})
        pads = (((size[0] - 1) * dilations[0], 0),)
    elif amounts == "same":  # with a stride of 1 the amount is the same for every input
        pads = tuple(same_pair(1, k, s, d) if s == 1 else None for k, s, d in zip(size, strides, dilations))
    else:
        pads = as_pairs(who, names[2], amounts, rank)
    ceil_mode = as_bool(who, ceil_mode=ceil_mode)
    expected = f"{names[2]} with zeros where ceil_mode is True (a Padding layer before it pads with copies)"
    require(mode == "zeros" or not ceil_mode, who, expected, **{names[2]: padding})
    return Window(size, strides, dilations, pads, mode, names[0], ceil_mode)


def as_tuple(who, name, value, rank, least=1):
    """Returns an integer, or one for each axis, as a tuple of `rank` integers of at least `least`."""
    values = (value,) * rank if is_integer(value) else value
    good = isinstance(values, (tuple, list)) and len(values) == rank and all(is_integer(v, least) for v in values)
    require(good, who, f"{name}, an integer of at least {least} or {rank} of them", **{name: value})
    return tuple(int(v) for v in values)


def as_plain(padding):
    """Returns padding as plain Python values.

    Lists (from a config file) and arrays become tuples, NumPy's numbers Python's, and capitals lower case.

    >>> as_plain(["REFLECT", [1, 2]])
    ('reflect', (1, 2))
    """
    if isinstance(padding, str):
        return padding.lower()
    if isinstance(padding, (list, tuple)) or getattr(padding, "ndim", 0):
        return tuple(map(as_plain, padding))
    if is_integer(padding):
        return int(padding)
    return float(padding) if is_number(padding) else padding


def same_pair(n, k, s, d):
    """Returns the (before, after) of TensorFlow's "SAME": ceil(n / s) outputs, an odd element of padding after."""
    total = (ceil_div(n, s) - 1) * s + (k - 1) * d + 1 - n
    total = max(total, 0) if isinstance(total, int) else ops.maximum(total, 0)
    return total // 2, total - total // 2
