"""Dynamic pooling: features are pooled together if they are close in space and in feature space.

Source: Boureau, Le Roux, Bach, Ponce & LeCun 2011, "Ask the locals: multi-way local pooling for image recognition";
Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.3.
"""

import functools
import itertools
import operator
from collections.abc import Sequence

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops import safe_math
from kzoo.ops.adaptive_average_pool import gather_bins, split_into_bins
from kzoo.ops.backend import check_floating, dtype_of, spatial_rank, sum_dtype, tensors
from kzoo.ops.large_windows import windows_first
from kzoo.ops.sizes import after_checks, require_pixels, shape_of
from kzoo.ops.views import check_positions, written_out
from kzoo.ops.xla import island
from kzoo.types import Tensor

POOLINGS = ("average", "max")


def dynamic_pool(x: Tensor, assignment: Tensor, bins: Sequence[int] = (1,), pooling: str = "average") -> Tensor:
    """Returns the mean or maximum of the codes in each spatial bin and cluster, or 0 where there are none.

    Shapes: codes x (B, *spatial, C) floating; assignment (B, *spatial, P) in x's dtype, 1 at each position's cluster
    and 0 elsewhere; returns (B, all bins, P, C) in x's dtype. Each entry of `bins` is the number of bins on each axis
    of one level. The output has level after level, each with the bins of `adaptive_max_pool` in row-major order. With
    one cluster this is a spatial pyramid.

    >>> dynamic_pool([[[1.0], [2.0], [4.0]]], [[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]]).numpy().ravel()
    array([2.5, 2. ], dtype=float32)
    """
    who = "dynamic_pool"
    x, assignment = tensors(who, "DynamicPooling2D", x, assignment)
    spatial_rank(who, x.shape)
    check_floating(who, x)
    alike = len(assignment.shape) == len(x.shape) and assignment.dtype == x.dtype
    alike = alike and all(a == b or None in (a, b) for a, b in zip(x.shape[:-1], assignment.shape[:-1]))
    expected = "assignment (batch, *spatial, clusters) of x's spatial size and dtype"
    require(alike, who, expected, x=tuple(x.shape), assignment=tuple(assignment.shape), dtype=dtype_of(assignment))
    known = None not in (x.shape[-1], assignment.shape[-1]) and 0 not in x.shape[1:]
    require(known, who, "at least one position, and known channels and clusters", x=tuple(x.shape))
    require_pixels(who, shape_of(x))
    x = after_checks(x)
    require(pooling in POOLINGS, who, f"pooling, one of {POOLINGS}", pooling=pooling)
    bins = as_levels(who, bins)
    check_positions(who, "regions", [sum(n ** (len(x.shape) - 2) for n in bins)], bins=bins)
    return _dynamic_pool(x, assignment, bins=bins, pooling=pooling)


@island
def _dynamic_pool(x, assignment, *, bins, pooling):
    codes, members = (ops.cast(part, sum_dtype(x.dtype)) for part in (x, assignment))
    rank, channels = len(x.shape) - 2, x.shape[-1]
    both = ops.concatenate([codes, members], -1)
    results = []
    for count in bins:
        if not written_out(count**rank):
            results.append(_pool_regions(both, count, channels, pooling))
            continue
        regions = [both]
        for axis in range(1, rank + 1):
            regions = list(itertools.chain.from_iterable(split_into_bins(region, axis, count) for region in regions))
        for region in regions:
            rows = ops.reshape(region, (ops.shape(region)[0], 1, -1, both.shape[-1]))
            results.append(_pool_rows(rows, channels, pooling))
    return ops.cast(ops.concatenate(results, 1), x.dtype)


def _pool_regions(both, count, channels, pooling):
    """Returns the pooled rows of all regions of a level, gathered into one tensor."""
    rank = len(both.shape) - 2
    for axis in range(rank, 0, -1):
        both, inside = gather_bins(both, axis, count)
        both = ops.where(inside, both, 0)  # no member of any cluster
    rows = windows_first(both)
    size = functools.reduce(operator.mul, ops.shape(rows)[1 + rank : -1])
    rows = ops.reshape(rows, (ops.shape(rows)[0], count**rank, size, both.shape[-1]))
    return _pool_rows(rows, channels, pooling)


def _pool_rows(rows, channels, pooling):
    """Returns each region's mean or maximum: rows (B, regions, N, C + P) to (B, regions, P, C)."""
    code, member = rows[..., :channels], rows[..., channels:]
    if pooling == "average":
        total = ops.einsum("brnp,brnc->brpc", member, code)
        return safe_math.divide(total, ops.sum(member, 2)[..., None])
    inside = member[..., None] > 0  # (B, regions, N, P, 1)
    top = ops.max(ops.where(inside, code[..., None, :], -float("inf")), 2)
    return ops.where(ops.any(inside, 2), top, 0)


def as_levels(who, bins):
    """Returns a sequence of integers above 0 as a tuple."""
    good = isinstance(bins, (tuple, list)) and len(bins) > 0 and all(is_integer(n, least=1) for n in bins)
    require(good, who, "bins, a sequence of integers above 0", bins=bins)
    return tuple(map(int, bins))
