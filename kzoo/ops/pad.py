"""Padding of the spatial axes: with a value, or from the sample itself.

Source: none; the modes' names are those of PyTorch's `padding_mode`.
"""

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import spatial_rank, tensors

MODES = ("zeros", "circular", "reflect", "replicate")


def pad(x, padding, mode="zeros", constant_values=0):
    """Pad each spatial axis before and after.

    Shapes: x (B, *spatial, C); returns (B, *padded, C) in x's dtype. Units: cells.
    Arguments: padding, an integer for all sides, or one entry an axis: an integer, or a pair (before, after).
    mode: "zeros" fills with `constant_values`; "circular" continues with the other end; "reflect" mirrors about
    the edge cell without repeating it; "replicate" repeats the edge cell.
    Errors: ValueError for a negative amount, an unknown mode, or more cells than the sample can give (circular:
    its size; reflect: its size less one).

    >>> pad([[[1.0], [2.0], [3.0]]], 2, "reflect")[0, :, 0].numpy()
    array([3., 2., 1., 2., 3., 2., 1.], dtype=float32)
    """
    (x,) = tensors("pad", "Padding{}D", x)
    rank = spatial_rank("pad", x.shape)
    pairs = as_pairs("pad", "padding", padding, rank)
    require(mode in MODES, "pad", f"mode, one of {MODES}", mode=mode)
    check_pairs("pad", pairs, mode, tuple(x.shape)[1:-1])
    return pad_pairs(x, pairs, mode, constant_values)


def as_pairs(who, name, padding, rank):
    """An integer, or one integer or pair an axis, as `rank` pairs of (before, after)."""
    axes = (padding,) * rank if is_integer(padding) else padding
    expected = f"{name}, an integer of at least 0, or {rank} of them or of pairs (before, after)"
    require(isinstance(axes, (tuple, list)) and len(axes) == rank, who, expected, **{name: padding})
    pairs = tuple((a, a) if is_integer(a) else tuple(a) if isinstance(a, (tuple, list)) else (a,) for a in axes)
    good = all(len(pair) == 2 and all(is_integer(n, least=0) for n in pair) for pair in pairs)
    require(good, who, expected, **{name: padding})
    return tuple((int(before), int(after)) for before, after in pairs)


def check_pairs(who, pairs, mode, spatial):
    """Refuse what a sample of this size cannot give; sizes that are not known are not checked."""
    spare = {"circular": 0, "reflect": 1}.get(mode)
    for pair, size in zip(pairs, spatial):
        if spare is not None and isinstance(size, int) and all(isinstance(n, int) for n in pair):
            limit = max(size - spare, 0)
            require(max(pair) <= limit, who, f"{mode} padding of at most {limit} cells", padding=pair, size=size)
        if mode == "replicate":
            require(size != 0 or pair == (0, 0), who, "a cell to replicate on each axis", padding=pair, size=size)


def pad_pairs(x, pairs, mode, value=0):
    """`pad` for checked pairs; the amounts may be tensors, where sizes are unknown."""
    if all(isinstance(n, int) and n == 0 for pair in pairs for n in pair):
        return x
    if mode == "zeros":
        return ops.pad(x, ((0, 0), *pairs, (0, 0)), constant_values=value)
    for axis, (before, after) in enumerate(pairs, start=1):
        size = ops.shape(x)[axis]

        def cells(start, stop, x=x, axis=axis):
            return x[(slice(None),) * axis + (slice(start, stop),)]

        if mode == "circular":
            head, tail = cells(size - before, size), cells(0, after)
        elif mode == "reflect":
            head = ops.flip(cells(1, before + 1), axis)
            tail = ops.flip(cells(size - 1 - after, size - 1), axis)
        else:
            head = _repeat(cells(0, 1), before, axis)
            tail = _repeat(cells(size - 1, size), after, axis)
        x = ops.concatenate([head, x, tail], axis)
    return x


def _repeat(cell, count, axis):
    shape = list(ops.shape(cell))
    shape[axis] = count
    return ops.broadcast_to(cell, shape)
