"""Padding of the spatial axes, with a constant or with elements of the sample itself.

The modes have the names of PyTorch's `padding_mode`.
"""

from keras import ops

from kzoo.checks import Refusal, is_integer, require, shown
from kzoo.ops.backend import spatial_rank, sum_dtype, tensors
from kzoo.ops.sizes import after_checks, at_least, every, require_size, sizes_of
from kzoo.types import Padding, Tensor

MODES = ("zeros", "circular", "reflect", "replicate")


def pad(x: Tensor, padding: Padding, mode: str = "zeros", constant_values: float = 0) -> Tensor:
    """Returns x with each spatial axis padded before and after.

    Shapes: x (B, *spatial, C); returns (B, *padded, C) in x's dtype.
    padding: an integer for all sides, or for each axis an integer or a pair (before, after).
    mode: "zeros" fills with `constant_values`; "circular" continues with the opposite end; "reflect" mirrors at the
    edge element without repeating it; "replicate" repeats the edge element.
    ValueError if a sample is too small: "circular" pads by at most its size, "reflect" by at most its size less one.

    >>> pad([[[1.0], [2.0], [3.0]]], 2, "reflect")[0, :, 0].numpy()
    array([3., 2., 1., 2., 3., 2., 1.], dtype=float32)
    """
    (x,) = tensors("pad", "Padding{}D", x)
    rank = spatial_rank("pad", x.shape)
    pairs = as_pairs("pad", "padding", padding, rank)
    require(mode in MODES, "pad", f"mode, one of {MODES}", mode=mode)
    check_pairs("pad", pairs, mode, sizes_of(x))
    x = after_checks(x)
    return pad_pairs(x, pairs, mode, constant_values)


def as_pairs(who, name, padding, rank):
    """Returns an integer, or an integer or pair for each axis, as `rank` pairs (before, after)."""
    axes = (padding,) * rank if is_integer(padding) else padding
    expected = f"{name}, an integer of at least 0, or {rank} of them or of pairs (before, after)"
    if isinstance(axes, (tuple, list)) and len(axes) == 2 * rank and all(map(is_integer, axes)):  # PyTorch's F.pad
        last_first = [tuple(map(int, axes[axis : axis + 2])) for axis in range(0, 2 * rank, 2)]
        raise Refusal(f"{who} expects {expected}; for {name}={shown(padding)} write {(*last_first[::-1],)}.")
    require(isinstance(axes, (tuple, list)) and len(axes) == rank, who, expected, **{name: padding})
    pairs = tuple((a, a) if is_integer(a) else tuple(a) if isinstance(a, (tuple, list)) else (a,) for a in axes)
    good = all(len(pair) == 2 and all(is_integer(n, least=0) for n in pair) for pair in pairs)
    require(good, who, expected, **{name: padding})
    return tuple((int(before), int(after)) for before, after in pairs)


def check_pairs(who, pairs, mode, spatial):
    """Raises a ValueError if a sample of this size is too small for the padding. Unknown sizes are not checked."""
    spare = {"circular": 0, "reflect": 1}.get(mode)
    for pair, size in zip(pairs, spatial):
        if size is None or all(isinstance(n, int) and n == 0 for n in pair):
            continue
        if spare is not None:
            fits = every(n <= at_least(size - spare, 0) for n in pair)
            expected = [f"{mode} padding of at most ", at_least(size - spare, 0)]
            require_size(fits, who, expected, padding=pair, size=size)
        if mode == "replicate":
            require_size(size > 0, who, "an element to replicate on each axis", padding=pair, size=size)


def pad_pairs(x, pairs, mode, value=0):
    """Returns `pad` for checked pairs; the amounts may be tensors where sizes are unknown."""
    if all(isinstance(n, int) and n == 0 for pair in pairs for n in pair):
        return x
    if mode == "zeros":
        return ops.pad(x, ((0, 0), *pairs, (0, 0)), constant_values=value)
    for axis, (before, after) in enumerate(pairs, start=1):
        size = ops.shape(x)[axis]

        def part(start, stop, x=x, axis=axis):
            return x[(slice(None),) * axis + (slice(start, stop),)]

        if mode == "circular":
            head, tail = part(size - before, size), part(0, after)
        elif mode == "reflect":
            head = ops.flip(part(1, before + 1), axis)
            tail = ops.flip(part(size - 1 - after, size - 1), axis)
        else:
            head = _repeat(part(0, 1), before, axis)
            tail = _repeat(part(size - 1, size), after, axis)
        x = ops.concatenate([head, x, tail], axis)
    return x


def _repeat(edge, count, axis):
    shape = list(ops.shape(edge))
    shape[axis] = count
    wide = ops.cast(edge, sum_dtype(edge.dtype))  # the gradient is a sum over the copies
    return ops.cast(ops.broadcast_to(wide, shape), edge.dtype)
