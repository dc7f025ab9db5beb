"""The settings on which every op is tested: random ones, and ten chosen ones for each rank.

The ten cover all paddings and combinations. A case draws its inputs (an array or a tuple of arrays) and names the NumPy
reference that its op must equal. Each op's test file defines its case in `OP_CASES`; `tests.collect` finds them all.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from tests import references

RANKS = (1, 2, 3)
MOST = {1: 12, 2: 7, 3: 4}  # largest size of an axis, so that a reference takes milliseconds
DTYPE = "float32"

# Ten geometries of an axis; together every padding, a stride with a dilation, even and odd windows.
TEN = (
    {"size": 3, "strides": 1, "dilations": 1, "padding": "valid"},
    {"size": 2, "strides": 2, "dilations": 1, "padding": "same"},
    {"size": 2, "strides": 1, "dilations": 2, "padding": "full"},
    {"size": 3, "strides": 2, "dilations": 2, "padding": "circular"},
    {"size": 3, "strides": 1, "dilations": 1, "padding": "reflect"},
    {"size": 2, "strides": 3, "dilations": 1, "padding": ("replicate", "full")},
    {"size": 2, "strides": 2, "dilations": 3, "padding": 1},
    {"size": 3, "strides": 2, "dilations": 1, "padding": "pairs"},
    {"size": 2, "strides": 3, "dilations": 2, "padding": ("circular", "pairs")},
    {"size": 3, "strides": 2, "dilations": 2, "padding": "same"},
)


class Setting(NamedTuple):
    """One call: `op(*inputs, **kwargs)`."""

    inputs: tuple
    kwargs: dict


class Case(NamedTuple):
    """An op, its NumPy reference, and draw(rng, rank, geometry) for a setting; no geometry for random ones."""

    op: Any
    reference: Any
    draw: Any
    free: bool = True  # takes unknown spatial sizes
    curved: bool = False  # smooth, and neither linear nor bilinear: `harness.slopes` takes two steps
    ranks: tuple = RANKS

    def random(self, rank, count, seed=0):
        """Returns random settings, with ties among the values."""
        rng = np.random.default_rng([seed, rank])
        return [self.draw(rng, rank, None, distinct=False) for _ in range(count)]

    def on_jax(self, rank):
        """Returns three of the ten settings in 2D, one in 1D and 3D."""
        return self.ten(rank)[1 :: 4 if rank == 2 else 9]

    def ten(self, rank):
        """Returns the ten chosen settings, with values far enough apart for a difference quotient."""
        rng = np.random.default_rng([1, rank])
        return [self.draw(rng, rank, chosen(index, rank), distinct=True) for index in range(len(TEN))]


def chosen(index, rank):
    """Returns one of the ten settings: sizes, windows and strides differ between axes, and pairs are uneven."""
    one = dict(TEN[index], index=index, spatial=tuple(6 - (axis + index) % 2 for axis in range(rank)))
    # small windows, as XLA compiles each offset; 1 wide where no padding makes such a window blind
    sizes = (one["size"], 2, 1 if rank == 3 and index not in (6, 7) else 2)[:rank]
    one["size"] = tuple(sizes[(axis + index) % rank] for axis in range(rank))
    pairs = tuple((axis % 2, 1) for axis in range(rank))
    if one["padding"] == "pairs":
        one["padding"] = pairs
    if one["padding"] == ("circular", "pairs"):
        one["padding"] = ("circular", pairs)
    if one["strides"] > 1:
        one["strides"] = (one["strides"],) * (rank - 1) + (2,)
    return one


def random_geometry(rng, rank, pool=False, most=None, widest=3, ceil=False):
    """Returns a random legal window, by the documented rules that `legal` implements; `ceil`: with a ceil_mode."""
    most = most or (4 if rank < 3 else 3)
    while True:
        one = {
            "spatial": tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)),
            "size": _axes(rng, rank, most),
            "strides": _axes(rng, rank, 3),
            "dilations": _axes(rng, rank, widest),
            "padding": _padding(rng, rank),
        }
        if ceil:
            one["ceil_mode"] = references.split_padding(one["padding"])[0] == "zeros" and bool(rng.random() < 0.5)
        if legal(**one, pool=pool):
            return one


def _axes(rng, rank, most):
    values = tuple(int(n) for n in rng.integers(1, most + 1, rank))
    return values[0] if rng.random() < 0.5 else values


def _padding(rng, rank):
    cells = rng.choice(["valid", "same", "full", "one", "axes", "pairs"])
    if cells == "one":
        cells = int(rng.integers(0, 3))
    elif cells == "axes":
        cells = tuple(int(n) for n in rng.integers(0, 3, rank))
    elif cells == "pairs":
        cells = tuple((int(a), int(b)) for a, b in rng.integers(0, 3, (rank, 2)))
    else:
        cells = str(cells)
    mode = str(rng.choice(["zeros", "circular", "reflect", "replicate"]))
    if mode == "zeros":
        return cells
    return mode if cells == "same" else (mode, cells)


def legal(spatial, size, strides, dilations, padding, pool, ceil_mode=False):
    """Returns whether a window fits, the sample is large enough to pad, and each pool window meets the input."""
    rank = len(spatial)
    mode, cells = references.split_padding(padding)
    axes = zip(spatial, *(references.per_axis(v, rank) for v in (size, strides, dilations)))
    for axis, (n, k, s, d) in enumerate(axes):
        pair = references.pair_of(cells, axis, n, k, s, d)
        room = n + sum(pair) + (s - 1) * ceil_mode
        if (k - 1) * d + 1 > room or max(pair) > {"circular": n, "reflect": n - 1}.get(mode, math.inf):
            return False
    where, output = references.windows(spatial, size, strides, padding, dilations, ceil_mode)
    return math.prod(output) <= 100 and not (pool and any(all(cell is None for _, cell in cells) for _, cells in where))


def normal(rng, *shape):
    return rng.normal(size=shape).astype(DTYPE)


def numbers(rng, shape, distinct):
    """Returns values in random order, all 1 apart, or a few small integers, many of them equal."""
    if distinct:
        return rng.permutation(math.prod(shape)).reshape(shape).astype(DTYPE) - math.prod(shape) // 2
    return rng.integers(-3, 4, shape).astype(DTYPE)


def geometry_of(one):
    return {name: one[name] for name in ("strides", "padding", "dilations", "ceil_mode") if name in one}


def pool_geometry(rng, rank, one):
    """Returns a pool's window; of the ten, one has elements left over for `ceil_mode` to cover."""
    if one is None:
        return random_geometry(rng, rank, pool=True, ceil=True)
    return one | {"ceil_mode": one["index"] == (7 if rank == 1 else 6)}


def draw_tiled(rng, rank, one, distinct, local=False):
    del distinct
    one = one or random_geometry(rng, rank)
    size = references.per_axis(one["size"], rank)
    output = references.windows(one["spatial"], size, **geometry_of(one))[1]
    if local:
        tile = output
    elif "index" in one:
        tile = tuple(min(n, 2 + (axis + one["index"]) % 2) for axis, n in enumerate(output))
    else:
        tile = tuple(int(rng.integers(1, min(n, 4) + 1)) for n in output)
    x = normal(rng, 2, *one["spatial"], 2)
    return Setting((x, normal(rng, *tile, *size, 2, 3)), geometry_of(one))


def draw_pool(rng, rank, one, distinct):
    one = pool_geometry(rng, rank, one)
    x = numbers(rng, (2, *one["spatial"], 2), distinct)
    if not distinct and rng.random() < 0.3:
        x[rng.random(x.shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf])
    return Setting((x,), {"ksize": one["size"], **geometry_of(one)})


def draw_adaptive(rng, rank, one, distinct, ties=False):
    """Fewer bins than positions, as many, more, and an axis with None."""
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
    bins = tuple(None if rng.random() < 0.2 else int(rng.integers(1, 6)) for _ in spatial)
    if one is not None:
        turns = [one["index"] + axis for axis in range(rank)]
        bins = tuple(None if turn % 5 == 4 else (3, 2, 1, 2)[turn % 4] for turn in turns)
        spatial = tuple(turn % 3 + 2 for turn in turns)
    x = numbers(rng, (2, *spatial, 2), distinct) if ties else normal(rng, 2, *spatial, 2)
    if ties and not distinct and rng.random() < 0.3:
        x[rng.random(x.shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf])
    return Setting((x,), {"output_size": bins[0] if len(set(bins)) == 1 else bins})


def draw_finite_pool(rng, rank, one, distinct):
    one = pool_geometry(rng, rank, one)
    return Setting((numbers(rng, (2, *one["spatial"], 2), distinct),), {"ksize": one["size"], **geometry_of(one)})


def draw_morphology(rng, rank, one, distinct):
    """A kernel as large as the differences of the values; distinct: sums that differ by a fraction of 1 at least."""
    one = one or random_geometry(rng, rank, pool=True)
    x, kwargs = numbers(rng, (2, *one["spatial"], 2), distinct), geometry_of(one)
    shape = (*references.per_axis(one["size"], rank), 2)
    most = x.size // 8 if distinct else 3
    kernel = rng.integers(-most, most + 1, shape).astype(DTYPE)
    if distinct:
        kernel += rng.permutation(kernel.size).reshape(shape).astype(DTYPE) / kernel.size
    return Setting((x, kernel), kwargs)


def sites(rng, rank, *channels):
    """The shape of a small tensor for ops that take any rank and look across channels."""
    return (2, *(int(n) for n in rng.integers(1, 4, rank)), *channels)


def cotangent(shape, dtype):
    """Returns the fixed random numbers by which a loss weighs an output."""
    return np.random.default_rng(7).normal(size=tuple(shape)).astype(dtype)
