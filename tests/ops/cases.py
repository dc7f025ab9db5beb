"""What every op is tried with: random settings, and ten chosen ones a rank that cover the paddings and combinations.

No TensorFlow here: the same settings, from the same seeds, run on JAX. A case draws its own inputs, as an array or a
tuple of them, and knows the loop that it must equal.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from kzoo import ops
from tests import references

RANKS = (1, 2, 3)
MOST = {1: 12, 2: 7, 3: 4}  # cells an axis, so that a loop takes milliseconds
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
    """An op, its loop, and how a setting is drawn: draw(rng, rank, geometry), the geometry None where it is random."""

    op: Any
    reference: Any
    draw: Any
    free: bool = True  # takes unknown spatial sizes

    def random(self, rank, count, seed=0):
        """Random settings, ties among the values included."""
        rng = np.random.default_rng([seed, rank])
        return [self.draw(rng, rank, None, distinct=False) for _ in range(count)]

    def ten(self, rank):
        """The ten chosen settings, with values far enough apart for a difference quotient."""
        rng = np.random.default_rng([1, rank])
        return [self.draw(rng, rank, chosen(index, rank), distinct=True) for index in range(len(TEN))]


def chosen(index, rank):
    """One of the ten: axes differ in their cells, windows and strides; pairs are uneven."""
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


def random_geometry(rng, rank, pool=False):
    """A legal window: legal by the rules of the documentation, spelt out in `legal`."""
    while True:
        one = {
            "spatial": tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)),
            "size": _axes(rng, rank, 4 if rank < 3 else 3),
            "strides": _axes(rng, rank, 3),
            "dilations": _axes(rng, rank, 3),
            "padding": _padding(rng, rank),
        }
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


def legal(spatial, size, strides, dilations, padding, pool):
    """Whether a window fits, the sample has the cells that the mode copies, and a pool sees a cell in each window."""
    rank = len(spatial)
    mode, cells = references.split_padding(padding)
    axes = zip(spatial, *(references.per_axis(v, rank) for v in (size, strides, dilations)))
    for axis, (n, k, s, d) in enumerate(axes):
        pair = references.pair_of(cells, axis, n, k, s, d)
        if (k - 1) * d + 1 > n + sum(pair) or max(pair) > {"circular": n, "reflect": n - 1}.get(mode, math.inf):
            return False
    where, output = references.windows(spatial, size, strides, padding, dilations)
    return math.prod(output) <= 100 and not (pool and any(all(cell is None for _, cell in cells) for _, cells in where))


def normal(rng, *shape):
    return rng.normal(size=shape).astype(DTYPE)


def numbers(rng, shape, distinct):
    """Values in random order, all 1 apart; or a few small integers, many of them equal."""
    if distinct:
        return rng.permutation(math.prod(shape)).reshape(shape).astype(DTYPE) - math.prod(shape) // 2
    return rng.integers(-3, 4, shape).astype(DTYPE)


def _geometry(one):
    return {name: one[name] for name in ("strides", "padding", "dilations")}


def draw_conv(rng, rank, one, distinct):
    del distinct
    one = one or random_geometry(rng, rank)
    groups, depth, width = (one["index"] % 3 + 1, 2, 2) if "index" in one else rng.integers(1, 4, 3)
    size = references.per_axis(one["size"], rank)
    x = normal(rng, 2, *one["spatial"], groups * depth)
    return Setting((x, normal(rng, *size, depth, groups * width)), _geometry(one))


def draw_tiled(rng, rank, one, distinct, local=False):
    del distinct
    one = one or random_geometry(rng, rank)
    size = references.per_axis(one["size"], rank)
    output = references.windows(one["spatial"], size, **_geometry(one))[1]
    if local:
        tile = output
    elif "index" in one:
        tile = tuple(min(n, 2 + (axis + one["index"]) % 2) for axis, n in enumerate(output))
    else:
        tile = tuple(int(rng.integers(1, min(n, 4) + 1)) for n in output)
    x = normal(rng, 2, *one["spatial"], 2)
    return Setting((x, normal(rng, *tile, *size, 2, 3)), _geometry(one))


def draw_local(rng, rank, one, distinct):
    return draw_tiled(rng, rank, one, distinct, local=True)


def draw_pool(rng, rank, one, distinct):
    one = one or random_geometry(rng, rank, pool=True)
    x = numbers(rng, (2, *one["spatial"], 2), distinct)
    if not distinct and rng.random() < 0.3:
        x[rng.random(x.shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf])
    return Setting((x,), {"ksize": one["size"], **_geometry(one)})


def draw_unpool(rng, rank, one, distinct):
    """Values of their own at the indices of a pool; a few indices point elsewhere, and are to be dropped."""
    x, kwargs = draw_pool(rng, rank, one, distinct)
    _, indices = references.max_pool_with_argmax(*x, **kwargs)
    spatial = x[0].shape[1:-1]
    if references.split_padding(kwargs["padding"])[0] == "zeros":
        stray = rng.random(indices.shape) < 0.2
        places = rng.integers(0, math.prod(spatial), indices.shape) * indices.shape[-1] + np.arange(indices.shape[-1])
        indices = np.where(stray, places, indices).astype("int32")
    return Setting((normal(rng, *indices.shape), indices), {"output_size": spatial, **kwargs})


def draw_scatter(rng, rank, one, distinct):
    """Any indices, without a geometry; many of them equal."""
    del one, distinct
    output = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
    shape = (2, *(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)), int(rng.integers(1, 4)))
    indices = rng.integers(0, math.prod(output) * shape[-1], shape).astype("int32")
    return Setting((normal(rng, *shape), indices), {"output_size": output})


def draw_adaptive(rng, rank, one, distinct, ties=False):
    """Bins fewer than cells, as many, more, and an axis left alone."""
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


def draw_adaptive_max(rng, rank, one, distinct):
    return draw_adaptive(rng, rank, one, distinct, ties=True)


def draw_pad(rng, rank, one, distinct):
    del distinct
    modes = ("zeros", "circular", "reflect", "replicate")
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)) if one is None else one["spatial"]
    mode = str(rng.choice(modes)) if one is None else modes[one["index"] % 4]
    most = [n - (mode == "reflect") if mode in ("circular", "reflect") else 4 for n in spatial]
    padding = tuple(tuple(int(p) for p in rng.integers(0, min(n, 4) + 1, 2)) for n in most)
    if rng.random() < 0.3:
        padding = min(*most, 2)
    value = float(rng.integers(-2, 3))
    return Setting((normal(rng, 2, *spatial, 2),), {"padding": padding, "mode": mode, "constant_values": value})


def draw_bias(rng, rank, one, distinct):
    del one, distinct
    output = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
    tile = ((), output, tuple(int(rng.integers(1, n + 1)) for n in output))[int(rng.integers(3))]
    return Setting((normal(rng, 2, *output, 3), normal(rng, *tile, 3)), {})


def cotangent(shape, dtype):
    """The fixed random numbers that a loss weighs an output with."""
    return np.random.default_rng(7).normal(size=tuple(shape)).astype(dtype)


def adaptive_max_pool(x, output_size):
    return ops.adaptive_max_pool(x, output_size, return_indices=True)


CASES = {
    "pad": Case(ops.pad, references.pad, draw_pad),
    "conv": Case(ops.conv, references.conv, draw_conv),
    "tiled_conv": Case(ops.tiled_conv, references.tiled_conv, draw_tiled),
    "locally_connected": Case(ops.locally_connected, references.locally_connected, draw_local, free=False),
    "bias_add": Case(ops.bias_add, references.bias_add, draw_bias),
    "max_pool_with_argmax": Case(ops.max_pool_with_argmax, references.max_pool_with_argmax, draw_pool),
    "max_unpool": Case(ops.max_unpool, references.max_unpool, draw_unpool),
    "max_unpool_scatter": Case(ops.max_unpool, references.max_unpool, draw_scatter),
    "adaptive_average_pool": Case(ops.adaptive_average_pool, references.adaptive_average_pool, draw_adaptive),
    "adaptive_max_pool": Case(adaptive_max_pool, references.adaptive_max_pool, draw_adaptive_max),
}
