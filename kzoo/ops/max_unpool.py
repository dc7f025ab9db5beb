"""Max unpooling: values go back to where they were the maximum, zeros elsewhere.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks"; Badrinarayanan, Kendall & Cipolla 2017,
arXiv:1511.00561.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.argmax_indices import merge, unpool
from kzoo.ops.backend import dtype_of, spatial_rank, tensors
from kzoo.ops.max_pool_with_argmax import check_sample
from kzoo.ops.pool_window import check_pool
from kzoo.ops.views import as_tuple, window


def max_unpool(values, indices, output_size=None, ksize=None, strides=None, padding="valid", dilations=1):
    """Put each value at its index; where windows overlapped and share a maximum, their values add up.

    Shapes: values and indices (B, *pooled, C), indices int32 as `max_pool_with_argmax` gives them; returns
    (B, *output_size, C) in values' dtype. Units: cells.
    With ksize (and strides, padding, dilations) the geometry of the pool is known: each output cell asks the windows
    that cover it whether it won, which needs no scatter; an index outside its own window is then dropped. Without
    ksize any index is taken, by a scatter; output_size is then required. With ksize output_size defaults to the
    smallest input the pool could have had ("valid", "full", cells), or pooled size times stride ("same" and modes).
    Errors: ValueError that names the argument, what is expected and what came.

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
        require(output_size is not None, who, "output_size, as no ksize is given", output_size=output_size)
        size = _static(who, output_size, rank)
        check_sample(who, (*size, values.shape[-1]))
        return _scatter(values, indices, *_dynamic(output_size), size=size)
    win = window(who, rank, ksize, ksize if strides is None else strides, padding, dilations)
    if output_size is None:
        output_size = default_size(win, ops.shape(values)[1:-1])
    size = _static(who, output_size, rank)
    check_unpool(who, win, values.shape[1:-1], size, values.shape[-1])
    # copies of cells won for cells elsewhere: only a scatter can bring these together
    run = _scatter if win.mode != "zeros" and any(pair != (0, 0) for pair in win.pads) else unpool
    return run(values, indices, *_dynamic(output_size), size=size, win=win)


def default_size(win, pooled):
    """The size an unpooled sample has when nobody says otherwise; None where `pooled` is None."""
    return tuple(
        None if n is None else n * s if pair is None else max_of((n - 1) * s + (k - 1) * d + 1 - sum(pair), 1)
        for n, k, s, d, pair in zip(pooled, *win[:4])
    )


def max_of(n, least):
    """`max` for an integer or a scalar tensor."""
    return max(n, least) if isinstance(n, int) else ops.maximum(n, least)


def check_unpool(who, win, pooled, size, channels):
    """Refuse an output size that the pool would not have taken to `pooled`; None is not checked."""
    check_sample(who, (*size, channels))
    check_pool(who, win, size)
    fits = all(a is None or b is None or a == b for a, b in zip(win.output(size), pooled))
    require(fits, who, "an output_size that pools to the values' size", output_size=size, values=tuple(pooled))


def _static(who, output_size, rank):
    """The sizes as integers, None for those that are tensors."""
    if not _dynamic(output_size) or len(output_size) != rank:
        return as_tuple(who, "output_size", output_size, rank)
    known = [n for n in output_size if not ops.is_tensor(n)]
    rest = iter(as_tuple(who, "output_size", known, len(known)))
    return tuple(None if ops.is_tensor(n) else next(rest) for n in output_size)


def _dynamic(output_size):
    """The sizes that are tensors, to travel into an island by position."""
    return [n for n in output_size if ops.is_tensor(n)] if isinstance(output_size, (tuple, list)) else []


def _scatter(values, indices, *dynamic, size, win=None):
    """Any indices. Deterministic on CPU: XLA and TensorFlow add duplicates in order there."""
    output, channels = merge(size, dynamic), values.shape[-1]
    batch, total = ops.shape(values)[0], math.prod(size) * channels if None not in size else None
    if total is None:
        total = channels
        for n in output:
            total = total * n
    flat = ops.reshape(indices, (batch, -1))
    rows = ops.broadcast_to(ops.arange(batch, dtype="int32")[:, None], ops.shape(flat))
    places = ops.stack([ops.reshape(rows, (-1,)), ops.reshape(flat, (-1,))], -1)
    y = ops.scatter(places, ops.reshape(values, (-1,)), (batch, total))
    return ops.reshape(y, (batch, *output, channels))
