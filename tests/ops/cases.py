"""What every op is tried with: random settings, and ten chosen ones a rank that cover the paddings and combinations.

No TensorFlow here: the same settings, from the same seeds, run on JAX. A case draws its own inputs, as an array or a
tuple of them, and knows the loop that it must equal.
"""

import math
from typing import Any, NamedTuple

import keras
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
    curved: bool = False  # smooth, and neither linear nor bilinear: `harness.slopes` takes two steps
    ranks: tuple = RANKS
    dilates: bool = False  # by TensorFlow's own convolution, which without islands lacks most precisions

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


def random_geometry(rng, rank, pool=False, most=None, widest=3):
    """A legal window: legal by the rules of the documentation, spelt out in `legal`."""
    most = most or (4 if rank < 3 else 3)
    while True:
        one = {
            "spatial": tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)),
            "size": _axes(rng, rank, most),
            "strides": _axes(rng, rank, 3),
            "dilations": _axes(rng, rank, widest),
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


def draw_kmeans(rng, rank, one, distinct):
    """Whitened values of order 1. Distinct: one centroid far off, so that no distance is near their mean, a kink."""
    one = one or random_geometry(rng, rank, most=3 if rank < 3 else 2)
    size = references.per_axis(one["size"], rank)
    depth = 2 * math.prod(size)
    x = normal(rng, 2, *one["spatial"], 2)
    whitening = normal(rng, depth, depth) / np.float32(math.sqrt(depth))
    centroids = normal(rng, 3, depth) * np.float32([[0.3], [0.3], [4]] if distinct else 1)
    parts = (x, normal(rng, depth), whitening, centroids)
    return Setting(parts, {"ksize": size, "epsilon": 0.5, **_geometry(one)})


def draw_table(rng, rank, one, distinct):
    """Some maps are read by nobody, some by several."""
    del distinct
    one = one or random_geometry(rng, rank)
    channels, filters = (3, 4) if "index" in one else (int(n) for n in rng.integers(1, 5, 2))
    counts = rng.integers(1, channels + 1, filters)
    table = tuple(tuple(int(c) for c in rng.permutation(channels)[:n]) for n in counts)
    kernel = normal(rng, *references.per_axis(one["size"], rank), sum(counts))
    return Setting((normal(rng, 2, *one["spatial"], channels), kernel), {"connections": table, **_geometry(one)})


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


def draw_lp(rng, rank, one, distinct):
    """Signed values with different sizes, a quarter or more from 0, where a power has a slope.

    One channel is blank: there differences, as symmetric as the norm, are 0, and so must the slopes be.
    """
    (x,), kwargs = _finite_pool(rng, rank, one, distinct)
    turn = one["index"] if one else int(rng.integers(12))
    power = (1, 1.5, 2.0, 3, 7, math.inf)[turn % 6]
    epsilon = 0.0 if power == math.inf else (0.0, 0.5, 2.0)[turn % 3]
    x += np.float32(distinct / 4)
    x[0, ..., 0] *= not distinct
    return Setting((x,), {"p": power, "epsilon": epsilon, **kwargs})


def _finite_pool(rng, rank, one, distinct):
    one = one or random_geometry(rng, rank, pool=True)
    return Setting((numbers(rng, (2, *one["spatial"], 2), distinct),), {"ksize": one["size"], **_geometry(one)})


def draw_weighted(rng, rank, one, distinct):
    """Some weights are 0, and so are all those that some windows have at real cells."""
    (x,), kwargs = _finite_pool(rng, rank, one, distinct)
    weights = [rng.integers(0, 4, k) for k in references.per_axis(kwargs.pop("ksize"), rank)]
    weights = [[0.5 * int(w) for w in axis] if axis.any() else [1.0] * len(axis) for axis in weights]
    return Setting((x,), {"weights": weights, **kwargs})


def draw_subsample(rng, rank, one, distinct):
    (x,), kwargs = _finite_pool(rng, rank, one, distinct)
    return Setting((x, normal(rng, 2)), kwargs)


def draw_stochastic(rng, rank, one, distinct):
    """Half of them sampled: by noise that products with whole sums leave exact, or at the middle of a cell's share."""
    (x,), kwargs = _finite_pool(rng, rank, one, distinct)
    x += np.float32(distinct / 2)
    if one["index"] % 2 if one else rng.random() < 0.5:
        kwargs["noise"] = _middles(rng, x, **kwargs) if distinct else _dyadic(rng, x, **kwargs)
    return Setting((x,), kwargs)


def _dyadic(rng, x, ksize, **geometry):
    output = references.windows(x.shape[1:-1], ksize, **geometry)[1]
    return (rng.integers(0, 128, (2, *output, 2)) / 128).astype(DTYPE)


def _middles(rng, x, ksize, **geometry):
    where, output = references.windows(x.shape[1:-1], ksize, **geometry)
    noise = rng.random((2, *output, 2)).astype(DTYPE)
    for position, cells in where:
        for b, c in np.ndindex(2, 2):
            a = [max(float(x[(b, *cell, c)]), 0.0) for _, cell in cells if cell is not None]
            if sum(a) > 0:
                chosen = rng.choice(np.flatnonzero(a))
                noise[(b, *position, c)] = (sum(a[:chosen]) + a[chosen] / 2) / sum(a)
    return noise


def draw_fractional(rng, rank, one, distinct):
    """Edges in steps of at most `widest`."""
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)) if one is None else one["spatial"]
    widest = int(rng.integers(2, 4)) if one is None else 2 + one["index"] % 2
    edges = []
    for n in spatial:
        axis = [0]
        while axis[-1] < n:
            axis.append(min(n, axis[-1] + int(rng.integers(1, widest + 1))))
        edges.append(axis)
    overlapping = bool(one["index"] // 2 % 2 if one else rng.random() < 0.5)
    x = numbers(rng, (2, *spatial, 2), distinct)
    return Setting((x,), {"edges": edges, "overlapping": overlapping, "widest": widest})


def draw_morphology(rng, rank, one, distinct):
    """A kernel as large as the differences of the values; distinct: sums that differ by a fraction of 1 at least."""
    (x,), kwargs = _finite_pool(rng, rank, one, distinct)
    shape = (*references.per_axis(kwargs.pop("ksize"), rank), 2)
    most = x.size // 8 if distinct else 3
    kernel = rng.integers(-most, most + 1, shape).astype(DTYPE)
    if distinct:
        kernel += rng.permutation(kernel.size).reshape(shape).astype(DTYPE) / kernel.size
    return Setting((x, kernel), kwargs)


def draw_separable(rng, rank, one, distinct):
    """Sums of one outer product, and of more."""
    del distinct
    one = one or random_geometry(rng, rank)
    size = references.per_axis(one["size"], rank)
    terms, depth, width = (one["index"] % 3 + 1, 2, 2) if "index" in one else (int(n) for n in rng.integers(1, 4, 3))
    kernels = [normal(rng, k, *(() if axis else (depth,)), width, terms) for axis, k in enumerate(size)]
    return Setting((normal(rng, 2, *one["spatial"], depth), *kernels), _geometry(one))


def draw_fft(rng, rank, one, distinct):
    """Kernels as large as the input, and larger where it is padded."""
    del distinct
    if one is None:
        one = random_geometry(rng, rank, most={1: 16, 2: 7}[rank])
    else:
        large = {0: 5, 2: 7, 4: 5, 5: 7}.get(one["index"], 3)  # TEN's own otherwise, where they are as large as can be
        one = one | {"size": (max(large, one["size"][0]), *one["size"][1:])}
    size = references.per_axis(one["size"], rank)
    depth, width = (int(n) for n in rng.integers(1, 4, 2))
    return Setting((normal(rng, 2, *one["spatial"], depth), normal(rng, *size, depth, width)), _geometry(one))


def draw_gabor(rng, rank, one, distinct):
    del distinct
    one = one or random_geometry(rng, rank)
    index = one["index"] if "index" in one else int(rng.integers(2))
    shape = (2, *one["spatial"], int(rng.integers(1, 4)))
    low, high = np.array([(0.5, 2), (0.01, 0.5), (0.01, 0.5), (0, 3), (-4, 4), (-1, 1), (-1, 1), (-4, 4)]).T
    parameters = rng.uniform(low, high, (3, 8)).astype(DTYPE).T
    copies = references.split_padding(one["padding"])[0] != "zeros"  # a window may hold one cell alone, many times
    zero_mean = index % 2 == 1 and not (copies and max(one["spatial"]) < 4)
    return Setting((normal(rng, *shape), *parameters), {"ksize": one["size"], "zero_mean": zero_mean, **_geometry(one)})


def draw_gabor_energy(rng, rank, one, distinct):
    """Without the phases, on which an energy does not depend."""
    (x, *parameters), kwargs = draw_gabor(rng, rank, one, distinct)
    return Setting((x, *parameters[:4], *parameters[5:]), kwargs)


def draw_pyramid(rng, rank, one, distinct):
    (x,), _ = draw_adaptive_max(rng, rank, one, distinct)
    levels = [int(n) for n in rng.integers(1, 5, int(rng.integers(1, 4)))]
    return Setting((x,), {"bins": levels if one is None else ((3, 2, 1), (2,), (1, 4))[one["index"] % 3]})


def _sites(rng, rank, *channels):
    """The shape of a small tensor for ops that take any rank and look across channels."""
    return (2, *(int(n) for n in rng.integers(1, 4, rank)), *channels)


def draw_maxout(rng, rank, one, distinct):
    """Mostly over channels; over an axis of space where the function that leaves sizes unknown knows them."""
    units, each = (int(n) for n in rng.integers(1, 5, 2))
    axis = int(rng.choice([-1, rank + 1, 1, -2])) if one is None else {4: 1, 8: rank + 1, 9: -2}.get(one["index"], -1)
    shape = list(_sites(rng, rank, 3))
    shape[axis] = units * each
    return Setting((numbers(rng, tuple(shape), distinct),), {"num_units": units, "axis": axis})


def draw_rbf(rng, rank, one, distinct):
    """Any number of axes; some inputs are prototypes themselves."""
    del one, distinct
    channels, units = (int(n) for n in rng.integers(1, 6, 2))
    x, kernel = normal(rng, *_sites(rng, rank, channels)), normal(rng, channels, units)
    if rng.random() < 0.3:
        x[0] = kernel[:, 0]
    return Setting((x, kernel), {})


def draw_channel_lp(rng, rank, one, distinct):
    """Grids of 1 to 3 axes. Distinct: magnitudes of 1 and more, 0.1 apart, as |x|^p bends near 0."""
    index = one["index"] if one else int(rng.integers(60))
    axes = (1, 2, 1, 2, 3)[index % 5]
    one = random_geometry(rng, axes, pool=True, widest=1) if one is None else chosen(index, axes)
    grid = one["spatial"] if axes < 3 or not distinct else tuple(n - 2 for n in one["spatial"])
    size, strides = (references.per_axis(one[name], axes) for name in ("size", "strides"))
    cells = references.split_padding(one["padding"])[1]
    grid = tuple(  # windows side by side must divide the grid
        n // k * k if k == s and references.pair_of(cells, axis, n, k, s, 1) == (0, 0) else n
        for axis, (n, k, s) in enumerate(zip(grid, size, strides))
    )
    x = numbers(rng, _sites(rng, rank, math.prod(grid)), distinct)
    if distinct:
        x = ((1 + abs(x - 0.25) * 0.1) * rng.choice([-1, 1], x.shape)).astype(DTYPE)
    kwargs = {"ksize": one["size"], "strides": one["strides"], "padding": one["padding"]}
    p = (2.0, 1.0, 3, math.inf, 1.5)[index % 4 if distinct else index // 12]
    kwargs |= {"p": p, "epsilon": index % 3 * 0.1 if p < math.inf else 0.0}
    return Setting((x,), kwargs if axes == 1 and index % 2 else kwargs | {"grid": grid})


def draw_response(rng, rank, one, distinct):
    """Rates at which the neighbours weigh as much as the bias."""
    del one, distinct
    kwargs = {"depth_radius": int(rng.integers(0, 4)), "divide_by_size": bool(rng.random() < 0.5)}
    kwargs |= {name: float(rng.uniform(0.25, 2)) for name in ("bias", "alpha", "beta")}
    return Setting((normal(rng, *_sites(rng, rank, int(rng.integers(1, 7)))),), kwargs)


def draw_contrast(rng, rank, one, distinct):
    """Never a window of a single number, whose contrast is rounding alone.

    Distinct: no local deviation so near the sample's that a step takes it past.
    """
    most = MOST[rank] - (rank < 3)
    spatial = tuple(int(n) for n in rng.integers(1, most + 1, rank))
    if one is not None:
        spatial = tuple(n - rank for n in one["spatial"])
    padding = str(rng.choice(["same", "valid"]))
    ksize = tuple(int(rng.choice([k for k in (1, 3, 5) if padding == "same" or k <= n])) for n in spatial)
    sigma = (None, float(rng.uniform(0.5, 2)), tuple(float(s) for s in rng.uniform(0.5, 2, rank)))[rng.integers(3)]
    alone = math.prod(min(k, n) for k, n in zip(ksize, spatial)) == 1
    channels = int(rng.integers(1, 4)) + alone
    kwargs = {"ksize": ksize[0] if len(set(ksize)) == 1 else ksize, "padding": padding, "sigma": sigma}
    while True:
        x = normal(rng, 2, *spatial, channels)
        if not distinct:
            break
        _, deviation, least = references.local_contrast(x, **kwargs)
        if np.abs(deviation - least).min() > 0.005 or deviation[0].size == 1:
            break
    return Setting((x,), kwargs)


def draw_scaled_tanh(rng, rank, one, distinct):
    del one, distinct
    x = normal(rng, *_sites(rng, rank, 3))
    return Setting((x,), {name: float(rng.uniform(-2, 2)) for name in ("amplitude", "slope") if rng.random() < 0.7})


def draw_polynomial_tanh(rng, rank, one, distinct):
    """Amplitudes and coefficients for all channels together, and one a channel."""
    del one, distinct
    a, b = ((3,) if rng.random() < 0.5 else () for _ in "ab")
    b = normal(rng, int(rng.integers(2, 5)), *b) / 2  # gentle slopes: a steep one multiplies the rounding of x
    return Setting((normal(rng, *_sites(rng, rank, 3)), normal(rng, *a), b), {})


def draw_squash(rng, rank, one, distinct):
    """Along any axis of at least 2 cells: a single number is squashed by a curve that bends at 0."""
    axis = int(rng.choice([-1, rank + 1, 1])) if one is None else {4: 1, 9: rank + 1}.get(one["index"], -1)
    shape = list(_sites(rng, rank, int(rng.integers(2, 6))))
    shape[axis] = max(shape[axis], 2)
    x = normal(rng, *shape)
    if not distinct:
        x[rng.random(x.shape) < 0.3] = 0
    return Setting((x,), {"axis": axis})


def draw_route(rng, rank, one, distinct):
    del rank, distinct
    index = one["index"] if one else int(rng.integers(12))
    inputs, outputs, depth = (int(n) for n in rng.integers(1, 6, 3))
    bias = [normal(rng, outputs, depth + 1)] if index % 2 else []
    return Setting((normal(rng, 2, inputs, outputs, depth + 1), *bias), {"iterations": index % 4 + 1})


def draw_mask(rng, rank, one, distinct):
    """Labels of capsules, below 0 and above the last, or none."""
    del rank, distinct
    capsules, depth = (int(n) for n in rng.integers(1, 6, 2))
    labels = [rng.integers(-1, capsules + 1, 4).astype("int32")] if one is None or one["index"] % 2 else []
    return Setting((normal(rng, 4, capsules, depth), *labels), {})


def draw_hadamard(rng, rank, one, distinct):
    """Lengths on both sides of the radix, and several times it."""
    del distinct
    power = int(rng.integers(0, 10)) if one is None else one["index"]
    return Setting((normal(rng, *_sites(rng, rank, 2**power)),), {})


def draw_fastfood(rng, rank, one, distinct):
    del distinct
    n = int(rng.integers(1, 20)) if one is None else (1, 2, 3, 5, 8, 13, 16, 17, 4, 6)[one["index"]]
    blocks, d = int(rng.integers(1, 4)), 2 ** math.ceil(math.log2(n))
    diagonals = [normal(rng, blocks, d) for _ in range(3)]
    permutation = np.stack([rng.permutation(d) for _ in range(blocks)]).astype("int32")
    return Setting((normal(rng, *_sites(rng, rank, n)), *diagonals, permutation), {})


def draw_k_max(rng, rank, one, distinct):
    del rank
    length = int(rng.integers(1, 9)) if one is None else one["index"] % 5 + 2
    k = int(rng.integers(1, length + 1)) if one is None else one["index"] % length + 1
    return Setting((numbers(rng, (2, length, 3), distinct),), {"k": k})


def draw_deformable(rng, rank, one, distinct):
    """Offsets past the edges, half of them whole; distinct: a tenth or more from whole ones, where a slope jumps."""
    one = one or random_geometry(rng, rank, most=3)
    geometry, size = _geometry(one), references.per_axis(one["size"], 2)
    shape = (2, *references.windows(one["spatial"], size, **geometry)[1], math.prod(size))
    offsets = rng.integers(-3, 3, (*shape[:-1], 2 * shape[-1])).astype("float64")
    fractions = rng.uniform(0.1, 0.9, offsets.shape)
    offsets += fractions if distinct else fractions * (rng.random(offsets.shape) < 0.5)
    x, kernel = normal(rng, 2, *one["spatial"], 2), normal(rng, *size, 2, 3)
    mask = [rng.random(shape).astype(DTYPE)] if rng.random() < 0.5 else []
    return Setting((x, kernel, offsets.astype(DTYPE), *mask), geometry)


def draw_glimpse(rng, rank, one, distinct):
    """Places in the image and beyond; distinct: samples a quarter of a cell from whole ones, where slopes jump."""
    del rank
    index = one["index"] if one else int(rng.integers(60))
    height, width = spatial = tuple(int(n) for n in rng.integers(1, 8, 2)) if one is None else one["spatial"]
    size = (index % 3 + 1, index % 4 + 1)
    location = rng.uniform(-1.5, 1.5, (2, 2))
    if distinct:
        # a quarter or three of a cell from a sample's place, whichever way the patches stand
        cells = rng.integers(0, min(spatial), (2, 2)) + rng.choice([0.25, 0.75], (2, 2))
        location = cells / (np.array([height, width]) - 1) * 2 - 1
    kwargs = {"size": size, "scales": index % 3 + 1, "ratio": (2, 3)[index % 2]}
    return Setting((normal(rng, 2, *spatial, 2), location.astype(DTYPE)), kwargs)


def draw_probabilistic(rng, rank, one, distinct):
    """Half of the random ones sampled, by noise at the middle of a unit's share or of that of none."""
    size = tuple(int(n) for n in rng.integers(1, 4, rank))
    shape = (2, *(k * int(rng.integers(1, 4 - rank // 2)) for k in size), 2)
    x = normal(rng, *shape) * np.float32(1 if distinct else rng.choice([1, 5]))
    kwargs = {"ksize": size[0] if len(set(size)) == 1 else size}
    if one is None and rng.random() < 0.5:
        noise = np.zeros((2, *(n // k for n, k in zip(shape[1:], size)), 2))
        hidden, pooled = references.probabilistic_max_pool(x, size)
        for b, *block, c in np.ndindex(noise.shape):
            inside = tuple(slice(p * k, p * k + k) for p, k in zip(block, size))
            shares = [*hidden[(b, *inside, c)].ravel(), 1 - pooled[(b, *block, c)]]
            chosen_one = rng.choice(np.flatnonzero(np.array(shares) > 1e-3))
            noise[(b, *block, c)] = sum(shares[:chosen_one]) + shares[chosen_one] / 2
        kwargs["noise"] = noise.astype(DTYPE)
    return Setting((x,), kwargs)


def draw_dynamic(rng, rank, one, distinct):
    """Some clusters have no position in a cell, one has none at all. The assignment is no variable: whole numbers."""
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)) if one is None else one["spatial"]
    index = one["index"] if one else int(rng.integers(12))
    members = np.eye(4)[rng.integers(0, 3, (2, *spatial))].astype("int32")
    kwargs = {"bins": ((1,), (2, 1), (3,))[index % 3], "pooling": ("average", "max")[index % 2]}
    return Setting((numbers(rng, (2, *spatial, 2), distinct), members), kwargs)


def draw_rectangle(rng, rank, one, distinct):
    """Distinct: away from 0, where a root has no slope."""
    del rank
    spatial = tuple(int(n) for n in rng.integers(1, 8, 2)) if one is None else one["spatial"]
    index = one["index"] if one else int(rng.integers(12))
    kwargs = {"grid": index % 4 + 1 if one is None else index % 3 + 1, "pooling": ("max", "average", "rms")[index // 4]}
    return Setting((numbers(rng, (2, *spatial, 2), distinct) + np.float32(distinct / 2),), kwargs)


def cotangent(shape, dtype):
    """The fixed random numbers that a loss weighs an output with."""
    return np.random.default_rng(7).normal(size=tuple(shape)).astype(dtype)


def adaptive_max_pool(x, output_size):
    return ops.adaptive_max_pool(x, output_size, return_indices=True)


def spatially_separable_conv(x, *kernels, **geometry):
    return ops.spatially_separable_conv(x, list(kernels), **geometry)


def gabor_conv(x, *parameters, **kwargs):
    return ops.gabor_conv(x, parameters, **kwargs)


def gabor_energy(x, *parameters, **kwargs):
    return ops.gabor_conv(x, _with_phase(parameters), energy=True, **kwargs)


def route(predictions, *bias, iterations):
    return ops.route(predictions, iterations, *bias)


def fastfood(x, scale, gaussian, signs, permutation):
    return ops.fastfood(x, scale, gaussian, permutation, signs)


def dynamic_pool(x, members, **kwargs):
    x, members = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(members)
    return ops.dynamic_pool(x, keras.ops.cast(members, x.dtype), **kwargs)


def _with_phase(parameters):
    return (*parameters[:4], 0 * parameters[0] + 0.25, *parameters[4:])


def _gabor_energy(x, *parameters, **kwargs):
    return references.gabor_conv(x, *_with_phase(parameters), energy=True, **kwargs)


CASES = {
    "pad": Case(ops.pad, references.pad, draw_pad),
    "conv": Case(ops.conv, references.conv, draw_conv, dilates=True),
    "table_conv": Case(ops.table_conv, references.table_conv, draw_table, dilates=True),
    "tiled_conv": Case(ops.tiled_conv, references.tiled_conv, draw_tiled),
    "locally_connected": Case(ops.locally_connected, references.locally_connected, draw_local, free=False),
    "bias_add": Case(ops.bias_add, references.bias_add, draw_bias),
    "max_pool_with_argmax": Case(ops.max_pool_with_argmax, references.max_pool_with_argmax, draw_pool),
    "max_unpool": Case(ops.max_unpool, references.max_unpool, draw_unpool),
    "max_unpool_scatter": Case(ops.max_unpool, references.max_unpool, draw_scatter),
    "adaptive_average_pool": Case(ops.adaptive_average_pool, references.adaptive_average_pool, draw_adaptive),
    "adaptive_max_pool": Case(adaptive_max_pool, references.adaptive_max_pool, draw_adaptive_max),
    "lp_pool": Case(ops.lp_pool, references.lp_pool, draw_lp, curved=True),
    "weighted_pool": Case(ops.weighted_pool, references.weighted_pool, draw_weighted),
    "subsample": Case(ops.subsample, references.subsample, draw_subsample),
    "stochastic_pool": Case(ops.stochastic_pool, references.stochastic_pool, draw_stochastic, curved=True),
    "fractional_max_pool": Case(ops.fractional_max_pool, references.fractional_max_pool, draw_fractional),
    "dilation": Case(ops.dilation, references.dilation, draw_morphology),
    "erosion": Case(ops.erosion, references.erosion, draw_morphology),
    "spatially_separable_conv": Case(
        spatially_separable_conv, references.spatially_separable_conv, draw_separable, curved=True, dilates=True
    ),
    "fft_conv": Case(ops.fft_conv, references.conv, draw_fft, ranks=(1, 2)),
    "gabor_conv": Case(gabor_conv, references.gabor_conv, draw_gabor, curved=True, ranks=(2,), dilates=True),
    "gabor_energy": Case(gabor_energy, _gabor_energy, draw_gabor_energy, curved=True, ranks=(2,), dilates=True),
    "spatial_pyramid_pool": Case(ops.spatial_pyramid_pool, references.spatial_pyramid_pool, draw_pyramid),
    "maxout": Case(ops.maxout, references.maxout, draw_maxout),
    "rbf": Case(ops.rbf, references.rbf, draw_rbf, curved=True),
    "channel_lp_pool": Case(ops.channel_lp_pool, references.channel_lp_pool, draw_channel_lp, curved=True),
    "local_response_normalization": Case(
        ops.local_response_normalization, references.local_response_normalization, draw_response, curved=True
    ),
    "local_contrast_normalization": Case(
        ops.local_contrast_normalization, references.local_contrast_normalization, draw_contrast, curved=True
    ),
    "scaled_tanh": Case(ops.scaled_tanh, references.scaled_tanh, draw_scaled_tanh, curved=True),
    "polynomial_tanh": Case(ops.polynomial_tanh, references.polynomial_tanh, draw_polynomial_tanh, curved=True),
    "squash": Case(ops.squash, references.squash, draw_squash, curved=True),
    "mask_capsules": Case(ops.mask_capsules, references.mask_capsules, draw_mask, free=False, ranks=(2,)),
    "hadamard": Case(ops.hadamard, references.hadamard, draw_hadamard),
    "fastfood": Case(fastfood, references.fastfood, draw_fastfood, curved=True),
    "k_max_pool": Case(ops.k_max_pool, references.k_max_pool, draw_k_max, ranks=(1,)),
    "deformable_conv": Case(ops.deformable_conv, references.deformable_conv, draw_deformable, curved=True, ranks=(2,)),
    "foveated_glimpse": Case(ops.foveated_glimpse, references.foveated_glimpse, draw_glimpse, curved=True, ranks=(2,)),
    "probabilistic_max_pool": Case(
        ops.probabilistic_max_pool, references.probabilistic_max_pool, draw_probabilistic, curved=True
    ),
    "dynamic_pool": Case(dynamic_pool, references.dynamic_pool, draw_dynamic),
    "kmeans_features": Case(ops.kmeans_features, references.kmeans_features, draw_kmeans, curved=True, dilates=True),
    "rectangle_pool": Case(ops.rectangle_pool, references.rectangle_pool, draw_rectangle, curved=True, ranks=(2,)),
    "route": Case(route, references.route, draw_route, free=False, curved=True, ranks=(2,)),
}
