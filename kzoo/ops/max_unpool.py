"""Max unpooling: values return to the positions of their maxima, with zeros elsewhere.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks"; Badrinarayanan, Kendall & Cipolla 2017,
arXiv:1511.00561.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from kzoo.checks import require
from kzoo.ops.argmax_indices import (
    choose_window,
    in_sample,
    in_window,
    last_of_duplicates,
    merge_size,
    unpool,
)
from kzoo.ops.backend import dtype_of, spatial_rank, tensors
from kzoo.ops.max_pool_with_argmax import check_sample, lowest
from kzoo.ops.pool_window import check_pool
from kzoo.ops.sizes import (
    after_checks,
    at_least,
    equal_sizes,
    every,
    graphs_check,
    known_tensor,
    outside_graphs,
    require_size,
    require_values,
    sizes_of,
)
from kzoo.ops.views import ARGUMENTS, as_tuple, window
from kzoo.ops.xla import compiles_islands, island
from kzoo.types import Padding, Size, Tensor

DUPLICATES = ("sum", "one")


def max_unpool(
    values: Tensor,
    indices: Tensor,
    output_size: Sequence[Any] | int | None = None,
    ksize: Size | None = None,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    duplicates: str = "sum",
    ceil_mode: bool = False,
) -> Tensor:
    """Returns a tensor with each value at its index and zeros elsewhere.

    Shapes: values and indices (B, *pooled, C), indices as from `max_pool_with_argmax`; returns (B, *output_size, C) in
    values' dtype.
    output_size: with ksize (and strides, padding, dilations, ceil_mode), the windows of the pool, it defaults to the
    smallest input that fills them all ("valid", "full", explicit amounts), or to the pooled size times the stride
    ("same" and the modes). Without ksize it is required.
    duplicates: values with the same index are summed ("sum"), or the last in row-major order is kept ("one").
    ValueError for an index outside its sample; with ksize also outside its channel; and with ksize and the default size
    also outside its own window, as indices of a pool over another size mean other positions. A graph refuses them when
    it runs. Where it cannot, within XLA or JAX's jit, the outputs of such a sample are NaN, or the lowest integer.
    Indices of other libraries: `convert_argmax_indices`.
    With ksize values are put at their indices without a scatter, which is several times as fast, if all indices lie in
    their own windows.

    >>> max_unpool([[[5.0], [7.0]]], [[[1], [2]]], output_size=4)[0, :, 0].numpy()
    array([0., 5., 7., 0.], dtype=float32)
    """
    who = "max_unpool"
    values, indices = tensors(who, "MaxUnpooling{}D", values, indices)
    rank = spatial_rank(who, values.shape, "values (batch, *pooled, channels)")
    same = len(indices.shape) == rank + 2 and all(a == b or None in (a, b) for a, b in zip(values.shape, indices.shape))
    require(same, who, "indices of the values' shape", values=tuple(values.shape), indices=tuple(indices.shape))
    require("int" in dtype_of(indices), who, "integer indices", dtype=dtype_of(indices))
    require(values.shape[-1] is not None, who, "a known number of channels", values=tuple(values.shape))
    check_duplicates(who, duplicates)
    if ksize is None:
        require(output_size is not None, who, "output_size, or ksize to derive it from", output_size=output_size)
        size = _known_sizes(who, output_size, rank)
        check_sample(who, (*size, values.shape[-1]))
        return _put(values, indices, output_size, size, None, "sample", duplicates)
    strides = ksize if strides is None else strides
    win = window(who, rank, ksize, strides, padding, dilations, ARGUMENTS, ceil_mode)
    own = "channel" if output_size is not None else "window"
    if output_size is None:
        output_size = default_size(win, ops.shape(values)[1:-1])
    size = _known_sizes(who, output_size, rank)
    checked = output_size if _tensor_sizes(output_size) else size
    check_unpool(who, win, sizes_of(values), checked, values.shape[-1])
    values = after_checks(values)
    if win.mode != "zeros" and any(pair != (0, 0) for pair in win.pads):
        # a copy in the padding has an index outside its window, which only a scatter can reach
        return _put(values, indices, output_size, size, None, "channel", duplicates)
    return _put(values, indices, output_size, size, win, own, duplicates)


def check_duplicates(who, duplicates):
    """Raises a ValueError unless duplicates is one of DUPLICATES."""
    require(duplicates in DUPLICATES, who, f"duplicates, one of {DUPLICATES}", duplicates=duplicates)


def _as_int32(indices):
    """Returns indices as int32; those beyond int32 become -1, which lies outside every sample."""
    if dtype_of(indices) in ("int64", "uint32", "uint64"):
        indices = ops.where((indices >= 0) & (indices < 2**31), indices, ops.cast(-1, indices.dtype))
    return ops.cast(indices, "int32")


def _put(values, indices, output_size, size, win, own, duplicates):
    """Returns the values at their indices, each of which must be in its `own` "window", "channel" or "sample"."""
    sizes, settings = _tensor_sizes(output_size), {"size": size, "win": win}
    expected, channels = f"indices of the output, each in its own {own}", indices.shape[-1]
    constants = [known_tensor(x) for x in (indices, *sizes)]
    if known := all(x is not None for x in constants):
        with outside_graphs():
            valid, in_windows = map(np.asarray, _within(*constants, own=own, **settings))
            if not valid.all():
                found = {"smallest": int(ops.min(constants[0])), "largest": int(ops.max(constants[0]))}
                shape = (*map(int, merge_size(size, constants[1:])), channels)
                require(False, "max_unpool", expected, **found, output=shape)
    else:
        valid, in_windows = _within(indices, *sizes, own=own, **settings)
        if graphs_check():
            require_values(ops.all(valid), "max_unpool", expected, output=(*merge_size(size, sizes), channels))
            values = after_checks(values)

    indices = _as_int32(indices)

    if known:
        settings["win"] = win if in_windows else None
    in_windows = None if known or win is None or own == "window" else in_windows
    if duplicates == "one":
        kept = choose_window(last_of_duplicates, in_windows, indices, *sizes, **settings)
        values = ops.where(kept, values, ops.zeros_like(values))
    y = unpool(values, indices, *sizes, **settings, in_windows=in_windows)
    if known or compiles_islands():  # a graph that is exported may lose its assertions
        return y
    valid = ops.reshape(valid, (-1, *[1] * (len(y.shape) - 1)))
    return ops.where(valid, y, ops.cast(math.nan if "float" in dtype_of(y) else lowest(y.dtype), y.dtype))


@island
def _within(indices, *sizes, size, win, own):
    """Returns whether each sample's indices are all in their `own` part of the output, and whether all in windows."""
    indices, size, channels = _as_int32(indices), merge_size(size, sizes), indices.shape[-1]
    in_windows = False if win is None else in_window(indices, win, size)
    inside = in_windows
    if own != "window":
        inside = in_sample(indices, size)
    if own == "channel":
        inside = inside & ops.equal(indices % channels, ops.arange(channels, dtype="int32"))
    return ops.all(inside, range(1, len(indices.shape))), ops.all(in_windows)


def default_size(win, pooled):
    """Returns the default size of an unpooled sample; None where `pooled` is None."""
    return tuple(
        None if n is None else n * s if pair is None else at_least((n - 1) * s + (k - 1) * d + 1 - sum(pair), 1)
        for n, k, s, d, pair in zip(pooled, *win[:4])
    )


def check_unpool(who, win, pooled, size, channels):
    """Raises a ValueError if the pool does not take this output size to `pooled`. Unknown sizes are not checked."""
    check_sample(who, (*(None if ops.is_tensor(n) else n for n in size), channels))
    check_pool(who, win, size)
    fits = every(equal_sizes(a, b) for a, b in zip(win.output(size), pooled) if a is not None and b is not None)
    require_size(fits, who, "an output_size that pools to the values' size", output_size=size, values=tuple(pooled))


def _known_sizes(who, output_size, rank):
    """Returns the sizes as integers, with None for those that are tensors."""
    if not _tensor_sizes(output_size) or len(output_size) != rank:
        return as_tuple(who, "output_size", output_size, rank)
    known = [n for n in output_size if not ops.is_tensor(n)]
    rest = iter(as_tuple(who, "output_size", known, len(known)))
    return tuple(None if ops.is_tensor(n) else next(rest) for n in output_size)


def _tensor_sizes(output_size):
    """Returns the sizes that are tensors: an XLA island takes tensors by position only."""
    return [n for n in output_size if ops.is_tensor(n)] if isinstance(output_size, (tuple, list)) else []
