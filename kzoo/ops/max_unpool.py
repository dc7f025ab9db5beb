"""Max unpooling: values return to the positions of their maxima, with zeros elsewhere.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks"; Badrinarayanan, Kendall & Cipolla 2017,
arXiv:1511.00561.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

from kzoo.checks import require
from kzoo.ops.argmax_indices import merge_size, scatter_add, unpool
from kzoo.ops.backend import dtype_of, spatial_rank, tensors
from kzoo.ops.max_pool_with_argmax import check_sample
from kzoo.ops.pool_window import check_pool
from kzoo.ops.sizes import after_checks, at_least, every, graphs_check, require_size, sizes_of
from kzoo.ops.views import as_tuple, window
from kzoo.types import Padding, Size, Tensor


def max_unpool(
    values: Tensor,
    indices: Tensor,
    output_size: Sequence[Any] | int | None = None,
    ksize: Size | None = None,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
) -> Tensor:
    """Returns a tensor with each value at its index and zeros elsewhere; values with the same index are summed.

    Shapes: values and indices (B, *pooled, C), indices int32 from `max_pool_with_argmax`; returns (B, *output_size, C)
    in values' dtype.
    With ksize (and strides, padding, dilations) the windows of the pool are known. Each output position is compared
    with the indices of the windows that cover it, so no scatter is needed; an index outside its own window is dropped.
    output_size defaults to the smallest input that the pool can have had ("valid", "full", explicit amounts), or to the
    pooled size times the stride ("same" and the modes).
    Without ksize a scatter puts values at any index, and output_size is required.

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
    indices = ops.cast(indices, "int32")
    if ksize is None:
        require(output_size is not None, who, "output_size, or ksize to derive it from", output_size=output_size)
        size = _known_sizes(who, output_size, rank)
        check_sample(who, (*size, values.shape[-1]))
        return _scatter(values, indices, *_tensor_sizes(output_size), size=size)
    win = window(who, rank, ksize, ksize if strides is None else strides, padding, dilations)
    if output_size is None:
        output_size = default_size(win, ops.shape(values)[1:-1])
    size = _known_sizes(who, output_size, rank)
    checked = output_size if graphs_check() and _tensor_sizes(output_size) else size
    check_unpool(who, win, sizes_of(values), checked, values.shape[-1])
    values = after_checks(values)
    # a copy in the padding has an index outside its window, which only a scatter can reach
    run = _scatter if win.mode != "zeros" and any(pair != (0, 0) for pair in win.pads) else unpool
    return run(values, indices, *_tensor_sizes(output_size), size=size, win=win)


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
    fits = every(a == b for a, b in zip(win.output(size), pooled) if a is not None and b is not None)
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


def _scatter(values, indices, *sizes, size, win=None):
    """Returns each value at its index, for any indices."""
    return scatter_add(values, indices, merge_size(size, sizes))
