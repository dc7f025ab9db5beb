"""Compares ops with PyTorch: the same random settings, forward and gradients.

Both sides get channels-last arrays. `first` and `last` move the channels for PyTorch inside the differentiated
function, so the gradients are channels last too.
"""

import ast
import functools
import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo import losses, ops
from kzoo.checks import Refusal
from kzoo.ops.fractional_max_pool import window_maximum
from tests import references
from tests.ops.cases import MOST, RANKS, normal, random_geometry
from tests.ops.harness import flat
from tests.ops.test_pad import draw as draw_pad

pytestmark = pytest.mark.peers
PEER = "PyTorch"
NEEDS = {"torch": "torch", "F": "torch.nn.functional"}
torch = F = None  # set by the conftest

# Float32 sums of some hundred terms in different orders differ by 1e-6 of the scale, a wrong element by 1e-1.
CLOSE = 1e-5
# As CLOSE, where float32 powers and roots follow the sums.
POWERS = 3e-5
FLOAT64 = 1e-12
MODES = {"zeros": "constant", "circular": "circular", "reflect": "reflect", "replicate": "replicate"}


def first(x):
    return x.movedim(-1, 1).contiguous()  # in PyTorch's default layout, for its default kernels


def last(x):
    return x.movedim(1, -1)


def in_rank(name, rank):
    return getattr(F, f"{name}{rank}d")


def padded(x, pairs, mode="zeros", value=0.0):
    """Returns x, which is channels first, padded by PyTorch, which counts axes from the last."""
    amounts = [n for pair in reversed(pairs) for n in pair]
    return F.pad(x, amounts, MODES[mode], value) if mode == "zeros" else F.pad(x, amounts, MODES[mode])


def pairs_of(one):
    mode, amounts = references.split_padding(one["padding"])
    axes = zip(one["spatial"], *(axes_of(one, name) for name in ("size", "strides", "dilations")))
    return [references.pair_of(amounts, axis, *rest) for axis, rest in enumerate(axes)], mode


def axes_of(one, name):
    return references.per_axis(one[name], len(one["spatial"]))


def geometry_of(one):
    return {name: one[name] for name in ("strides", "padding", "dilations")}


def settings(rank, count, pool=False):
    rng = np.random.default_rng([rank, count])
    for _ in range(count):
        yield rng, random_geometry(rng, rank, pool)


def integers(rng, *shape):
    """Returns small integers: many are equal, and their sums are exact in any order."""
    return rng.integers(-3, 4, shape).astype("float32")


def hold(compare, op, ours, theirs, inputs, setting, tolerance=0.0):
    """Compares the outputs, and the gradients of the first output times fixed integers with respect to all inputs."""
    tensors = [tf.constant(a) for a in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = flat(ours(*tensors))
    peers = [torch.tensor(a, requires_grad=True) for a in inputs]
    z = flat(theirs(*peers))
    compare(op, y, [part.detach().numpy() for part in z], tolerance, setting=setting)
    weights = np.random.default_rng(0).integers(-4, 5, y[0].shape).astype(inputs[0].dtype)
    z[0].backward(torch.tensor(weights))
    grads = tape.gradient(y[0], tensors, tf.constant(weights))
    compare(op, grads, [peer.grad.numpy() for peer in peers], tolerance, "gradient", setting)


def hold_refusals(compare, op, cases):
    """Compares which calls kzoo refuses with which PyTorch does; `cases`: (kzoo's call, PyTorch's, setting).

    Some are refused and some are not.
    """
    drawn = set()
    for *calls, setting in cases:
        refused = []
        for call, errors in zip(calls, (Refusal, (RuntimeError, ValueError))):
            try:
                call()
                refused.append(False)
            except errors:
                refused.append(True)
        compare(op, *map(np.array, refused), setting=setting)
        drawn.add(refused[0])
    assert drawn == {False, True}


@pytest.mark.parametrize("rank", RANKS)
def test_pad(compare, rank):
    rng = np.random.default_rng(rank)
    for _ in range(100):
        (x,), kwargs = draw_pad(rng, rank, None, distinct=False)
        pairs = [references.pair_of(kwargs["padding"], axis, n, 1, 1, 1) for axis, n in enumerate(x.shape[1:-1])]
        hold(
            compare,
            f"pad {rank}D",
            lambda x, kwargs=kwargs: ops.pad(x, **kwargs),
            lambda x, kwargs=kwargs, pairs=pairs: last(
                padded(first(x), pairs, kwargs["mode"], kwargs["constant_values"])
            ),
            [x],
            kwargs,
        )


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mode", ["circular", "reflect"])
def test_pad_wider_than_the_sample(compare, mode, rank):
    """PyTorch refuses the same amounts, some of which are too large on an axis."""

    def theirs(x, pairs, mode):
        return padded(first(torch.tensor(x)), pairs, mode)

    rng, cases = np.random.default_rng(rank), []
    for _ in range(60):
        spatial = rng.integers(1, 5, rank)
        pairs = [tuple(int(p) for p in rng.integers(0, n + 2, 2)) for n in spatial]
        x = normal(rng, 2, *spatial, 2)
        cases.append((*(functools.partial(fn, x, pairs, mode) for fn in (ops.pad, theirs)), (x.shape, pairs)))
    hold_refusals(compare, f"pad {rank}D, {mode}, refusals", cases)


@pytest.mark.parametrize("rank", RANKS)
def test_flat_padding(compare, rank):
    """PyTorch's flat tuple is refused with the pairs that it means."""
    rng = np.random.default_rng(rank)
    for _ in range(30):
        x, flat_pairs = normal(rng, 2, *rng.integers(3, 6, rank), 2), tuple(rng.integers(0, 3, 2 * rank).tolist())
        with pytest.raises(Refusal) as caught:
            ops.pad(x, flat_pairs)
        pairs = ast.literal_eval(str(caught.value).partition(" write ")[2].rstrip("."))
        want = last(F.pad(first(torch.tensor(x)), flat_pairs)).numpy()
        compare(f"pad {rank}D, PyTorch's order", ops.pad(x, pairs), want, setting=(x.shape, flat_pairs))


def conv_of(x, kernel, one, groups=1):
    """Returns PyTorch's convolution of channels-last operands, padded by F.pad."""
    rank, (pairs, mode) = x.ndim - 2, pairs_of(one)
    weights = kernel.movedim(-1, 0).movedim(-1, 1)  # (F, C / groups, *size)
    strides, dilations = axes_of(one, "strides"), axes_of(one, "dilations")
    y = in_rank("conv", rank)(padded(first(x), pairs, mode), weights, None, strides, 0, dilations, groups)
    return last(y)


@pytest.mark.parametrize("rank", RANKS)
def test_conv(compare, rank):
    for rng, one in settings(rank, 150):
        groups, depth, width = (int(n) for n in rng.integers(1, 4, 3))
        x = normal(rng, 2, *one["spatial"], groups * depth)
        kernel = normal(rng, *axes_of(one, "size"), depth, groups * width)
        hold(
            compare,
            f"conv {rank}D",
            lambda x, k, one=one: ops.conv(x, k, **geometry_of(one)),
            lambda x, k, one=one, groups=groups: conv_of(x, k, one, groups),
            [x, kernel],
            (one, groups),
            CLOSE,
        )


def test_causal_conv(compare):
    """PyTorch has no such padding: (size - 1) * dilation elements before."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        size, strides, dilations = (int(n) for n in rng.integers(1, 4, 3))
        geometry = {"strides": strides, "dilations": dilations}
        one = {
            "spatial": (int(rng.integers(1, 9)),),
            "size": size,
            "padding": (((size - 1) * dilations, 0),),
            **geometry,
        }
        hold(
            compare,
            "conv 1D, causal",
            lambda x, k, geometry=geometry: ops.conv(x, k, padding="causal", **geometry),
            lambda x, k, one=one: conv_of(x, k, one),
            [normal(rng, 2, *one["spatial"], 2), normal(rng, size, 2, 3)],
            one,
            CLOSE,
        )


def patches(x, one):
    """Returns the windows of images by F.unfold, of shape (B, positions, C, elements of a window)."""
    pairs, mode = pairs_of(one)
    geometry = axes_of(one, "size"), axes_of(one, "dilations"), 0, axes_of(one, "strides")
    y = F.unfold(padded(first(x), pairs, mode), *geometry)
    return y.reshape(len(x), x.shape[-1], -1, y.shape[-1]).movedim(-1, 1)


@pytest.mark.parametrize("op", ["tiled_conv", "locally_connected"])
def test_kernels_that_differ(compare, op):
    """In 2D, where F.unfold gives the patches to multiply by their kernels; PyTorch has no such layer."""
    for rng, one in settings(2, 100):
        output = references.windows(one["spatial"], one["size"], **geometry_of(one))[1]
        tile = output if op == "locally_connected" else tuple(int(rng.integers(1, min(n, 4) + 1)) for n in output)
        size = axes_of(one, "size")
        turn = np.stack([np.indices(output)[i].ravel() % t for i, t in enumerate(tile)])

        def theirs(x, kernel, one=one, turn=turn, output=output, size=size):
            kernels = kernel[turn[0], turn[1]].reshape(turn.shape[1], math.prod(size), *kernel.shape[-2:])
            return torch.einsum("bpck,pkcf->bpf", patches(x, one), kernels).reshape(len(x), *output, -1)

        x, kernel = normal(rng, 2, *one["spatial"], 2), normal(rng, *tile, *size, 2, 3)
        hold(
            compare,
            f"{op} 2D",
            lambda x, k, one=one: getattr(ops, op)(x, k, **geometry_of(one)),
            theirs,
            [x, kernel],
            (one, tile),
            CLOSE,
        )


def max_pool_of(x, one):
    """Returns the values, and the indices in kzoo's numbering.

    PyTorch numbers the elements of each channel's padded sample. `numbers` holds, for each of these, the index in the
    sample itself.
    """
    rank, channels, (pairs, mode) = x.ndim - 2, x.shape[-1], pairs_of(one)
    geometry = axes_of(one, "size"), axes_of(one, "strides"), 0, axes_of(one, "dilations")
    pool = in_rank("max_pool", rank)
    values, indices = pool(padded(first(x), pairs, mode, -math.inf), *geometry, return_indices=True)
    numbers = torch.arange(math.prod(one["spatial"]), dtype=torch.float64).reshape(1, 1, *one["spatial"])
    numbers = padded(numbers, pairs, mode, -1.0).flatten().to(torch.int64)
    return last(values), numbered(numbers[last(indices)], channels)


def numbered(indices, channels):
    """Converts indices within a channel, channels last, to kzoo's indices within the sample."""
    return (indices * channels + torch.arange(channels)).to(torch.int32)


@pytest.mark.parametrize("rank", RANKS)
def test_max_pool_with_argmax(compare, rank):
    """With ties, NaN and infinity; without -inf, as PyTorch's maximum of a window of only -inf is in the padding."""
    for rng, one in settings(rank, 150, pool=True):
        x = integers(rng, 2, *one["spatial"], 2)
        if rng.random() < 0.3:
            x[rng.random(x.shape) < 0.2] = rng.choice([np.nan, np.inf])
        hold(
            compare,
            f"max_pool_with_argmax {rank}D",
            lambda x, one=one: ops.max_pool_with_argmax(x, one["size"], **geometry_of(one)),
            lambda x, one=one: max_pool_of(x, one),
            [x],
            one,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_max_unpool(compare, rank):
    """With the indices of PyTorch's pool, converted for kzoo; with and without the geometry.

    PyTorch overwrites where kzoo adds, so strides are at least the window size and each element wins only once.
    `output_size` is the size of the pool's input, which may be larger than the area that the windows cover.
    """
    rng = np.random.default_rng(rank)
    for _ in range(100):
        size = tuple(int(k) for k in rng.integers(1, 4, rank))
        strides = tuple(int(k + n) for k, n in zip(size, rng.integers(0, 2, rank)))
        spatial = tuple(int(k + n) for k, n in zip(size, rng.integers(0, MOST[rank], rank)))
        x = torch.tensor(integers(rng, 2, *spatial, 3))
        values, theirs = in_rank("max_pool", rank)(first(x), size, strides, return_indices=True)
        indices, values = numbered(last(theirs), 3).numpy(), last(values).numpy()
        for geometry in ((), (size, strides)):
            hold(
                compare,
                f"max_unpool {rank}D" + ("" if geometry else ", any indices"),
                lambda v, indices=indices, spatial=spatial, geometry=geometry: ops.max_unpool(
                    v, indices, spatial, *geometry
                ),
                lambda v, theirs=theirs, size=size, strides=strides, spatial=spatial: last(
                    in_rank("max_unpool", v.ndim - 2)(first(v), theirs, size, strides, 0, spatial)
                ),
                [values],
                (spatial, size, strides),
            )


def draw_pool(rng, rank):
    """Returns the size of a sample, and the window size, strides and padding of a pool; windows may overlap."""
    size = tuple(int(k) for k in rng.integers(1, 4, rank))
    strides = tuple(int(s) for s in rng.integers(1, 4, rank))
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in size)
    spatial = tuple(int(k + n) for k, n in zip(size, rng.integers(0, MOST[rank], rank)))
    return spatial, size, strides, padding


@pytest.mark.parametrize("rank", RANKS)
def test_convert_argmax_indices(compare, rank):
    """PyTorch's indices of one channel are, converted, those of kzoo's pool of the same sample."""
    rng = np.random.default_rng(rank)
    for _ in range(60):
        spatial, size, strides, padding = draw_pool(rng, rank)
        x = integers(rng, 2, *spatial, 3)
        pool = in_rank("max_pool", rank)
        _, theirs = pool(first(torch.tensor(x)), size, strides, padding, return_indices=True)
        _, want = ops.max_pool_with_argmax(x, size, strides, padding)
        got = ops.convert_argmax_indices(theirs.numpy(), "torch")
        compare(f"convert_argmax_indices {rank}D", got, want, setting=(spatial, size, strides, padding))


@pytest.mark.parametrize("rank", RANKS)
def test_max_unpool_of_overlapping_windows(compare, rank):
    """`duplicates="one"` keeps the last value, also where the values with one index differ.

    The size is PyTorch's default, or the largest that pools to the values. Only the outputs: PyTorch gives overwritten
    values a gradient.
    """
    rng = np.random.default_rng(rank)
    for index in range(80):
        spatial, size, strides, padding = draw_pool(rng, rank)
        x = first(torch.tensor(integers(rng, 2, *spatial, 3)))
        values, theirs = in_rank("max_pool", rank)(x, size, strides, padding, return_indices=True)
        if index % 2:
            values = torch.tensor(normal(rng, *values.shape))
        smallest = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(values.shape[2:], strides, size, padding)]
        output = spatial if smallest != list(spatial) or index % 4 < 2 else None
        want = in_rank("max_unpool", rank)(values, theirs, size, strides, padding, output)
        indices = numbered(last(theirs), 3).numpy()
        got = ops.max_unpool(last(values).numpy(), indices, output, size, strides, padding, duplicates="one")
        setting = spatial, size, strides, padding, output
        compare(f'max_unpool {rank}D, duplicates="one"', got, last(want).numpy(), setting=setting)


@pytest.mark.parametrize("rank", RANKS)
def test_max_unpool_refuses_indices_outside(compare, rank):
    """As PyTorch does. In other tests all indices are inside; here about half of the settings have one outside."""
    rng, cases, theirs = np.random.default_rng(rank), [], in_rank("max_unpool", rank)
    for _ in range(60):
        output = tuple(int(n) for n in rng.integers(2, 5, rank))
        pooled, count = tuple(n // 2 for n in output), math.prod(output)
        indices = rng.integers(0, count, (2, 3, *pooled))
        if rng.random() < 0.5:
            indices[0, 1].flat[0] = rng.choice([-1, count, count + 1, 10 * count])
        values = normal(rng, 2, 3, *pooled)
        converted = ops.convert_argmax_indices(indices, "torch")
        calls = (
            functools.partial(ops.max_unpool, np.moveaxis(values, 1, -1), converted, output, 2),
            functools.partial(theirs, torch.tensor(values), torch.tensor(indices), 2, 2, 0, output),
        )
        cases.append((*calls, (output, indices.tolist())))
    hold_refusals(compare, f"max_unpool {rank}D, refusals", cases)


def draw_bins(rng, rank):
    """Returns a size and numbers of bins: fewer than elements, as many, or more."""
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
    return spatial, tuple(None if rng.random() < 0.1 else int(rng.integers(1, 8)) for _ in spatial)


def known(x, bins):
    """Returns the bins with sizes instead of None, which PyTorch does not support in 1D."""
    return tuple(n if m is None else m for n, m in zip(x.shape[1:-1], bins))


@pytest.mark.parametrize("rank", RANKS)
def test_adaptive_average_pool(compare, rank):
    rng = np.random.default_rng(rank)
    for _ in range(150):
        spatial, bins = draw_bins(rng, rank)
        hold(
            compare,
            f"adaptive_average_pool {rank}D",
            lambda x, bins=bins: ops.adaptive_average_pool(x, bins),
            lambda x, bins=bins: last(in_rank("adaptive_avg_pool", x.ndim - 2)(first(x), known(x, bins))),
            [normal(rng, 2, *spatial, 2)],
            (spatial, bins),
            CLOSE,
        )


def adaptive_max_pool_of(x, bins):
    values, indices = in_rank("adaptive_max_pool", x.ndim - 2)(first(x), known(x, bins), return_indices=True)
    return last(values), numbered(last(indices), x.shape[-1])


@pytest.mark.parametrize("rank", RANKS)
def test_adaptive_max_pool(compare, rank):
    """With ties and infinity; without NaN, of which PyTorch returns the last index and kzoo the first."""
    rng = np.random.default_rng(rank)
    for _ in range(150):
        spatial, bins = draw_bins(rng, rank)
        x = integers(rng, 2, *spatial, 2)
        if rng.random() < 0.3:
            x[rng.random(x.shape) < 0.2] = rng.choice([np.inf, -np.inf])
        hold(
            compare,
            f"adaptive_max_pool {rank}D",
            lambda x, bins=bins: ops.adaptive_max_pool(x, bins, return_indices=True),
            lambda x, bins=bins: adaptive_max_pool_of(x, bins),
            [x],
            (spatial, bins),
        )


@pytest.mark.parametrize("rank, largest", [(1, 1000), (2, 120), (3, 24)])
def test_adaptive_max_pool_of_large_sizes(compare, largest, rank):
    """More than 64 bins, and bins of more than 64 elements, which kzoo pools in other ways than smaller ones."""
    rng = np.random.default_rng(rank)
    for _ in range(12):
        spatial, bins = (tuple(int(n) for n in rng.integers(1, largest, rank)) for _ in range(2))
        hold(
            compare,
            f"adaptive_max_pool {rank}D, large",
            lambda x, bins=bins: ops.adaptive_max_pool(x, bins, return_indices=True),
            lambda x, bins=bins: adaptive_max_pool_of(x, bins),
            [integers(rng, 2, *spatial, 2)],
            (spatial, bins),
        )


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_spatial_pyramid_pool(compare, pooling, rank):
    """Levels with one number of bins for all axes, or one for each axis."""

    def theirs(x, bins):
        pool = in_rank({"max": "adaptive_max_pool", "average": "adaptive_avg_pool"}[pooling], x.ndim - 2)
        grids = [(n,) * (x.ndim - 2) if isinstance(n, int) else n for n in bins]
        return torch.cat([last(pool(first(x), grid)).reshape(len(x), -1) for grid in grids], 1)

    rng = np.random.default_rng(rank)
    for _ in range(50):
        grids = rng.integers(1, 6 if rank < 3 else 4, (rng.integers(1, 4), rank)).tolist()
        bins = tuple(tuple(grid) if rng.random() < 0.5 else grid[0] for grid in grids)
        spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
        hold(
            compare,
            f"spatial_pyramid_pool {rank}D, {pooling}",
            lambda x, bins=bins: ops.spatial_pyramid_pool(x, bins, pooling),
            lambda x, bins=bins: theirs(x, bins),
            [integers(rng, 2, *spatial, 2)],
            (spatial, bins),
            0 if pooling == "max" else CLOSE,
        )


def zero_padded(rng, rank):
    """Returns a geometry with zero padding and without dilation: PyTorch's sums over windows support no other."""
    while True:
        one = random_geometry(rng, rank, pool=True)
        one["dilations"] = 1
        if references.split_padding(one["padding"])[0] == "zeros" and min(map(len, elements_of(one))):
            return one


def elements_of(one):
    """Returns the elements of each window, without padding."""
    where, _ = references.windows(one["spatial"], one["size"], **geometry_of(one))
    return [[element for _, element in window if element is not None] for _, window in where]


@pytest.mark.parametrize("rank", RANKS)
def test_lp_pool(compare, rank):
    """With positive inputs where p is not even, as PyTorch sums x^p, not |x|^p; with p = inf it takes |x|."""
    rng = np.random.default_rng(rank)
    for p in (1.0, 1.5, 2.0, 3.0, 4.0, math.inf):
        for _ in range(25):
            one = zero_padded(rng, rank)
            x = rng.uniform(0.1, 2, (2, *one["spatial"], 2)).astype("float32")
            if p in (2.0, 4.0, math.inf):
                x *= rng.choice([-1, 1], x.shape).astype("float32")
            pairs, _ = pairs_of(one)

            def theirs(x, one=one, p=p, pairs=pairs):
                pool = in_rank("lp_pool", x.ndim - 2)
                size = one["size"] if x.ndim > 3 else axes_of(one, "size")[0]
                strides = one["strides"] if x.ndim > 3 else axes_of(one, "strides")[0]
                return last(pool(padded(first(x), pairs), p, size, strides))

            hold(
                compare,
                f"lp_pool {rank}D",
                lambda x, one=one, p=p: ops.lp_pool(x, one["size"], **geometry_of(one), p=p),
                theirs,
                [x],
                (p, one),
                POWERS,
            )


def outer(vectors):
    kernel = np.ones(())
    for vector in vectors:
        kernel = np.multiply.outer(kernel, vector)
    return kernel


def weighed(x, kernel, one):
    """Returns the weighted sums over each channel's windows; x and the result are channels first."""
    rank, channels = x.ndim - 2, x.shape[1]
    weights = torch.tensor(kernel, dtype=x.dtype).expand(channels, 1, *kernel.shape)
    geometry = {"stride": axes_of(one, "strides"), "dilation": axes_of(one, "dilations")}
    return in_rank("conv", rank)(padded(x, *pairs_of(one)), weights, groups=channels, **geometry)


@pytest.mark.parametrize("rank", RANKS)
def test_weighted_pool(compare, rank):
    """Sums by convolution, divided by those of ones: the weight that fell on elements, not on padding."""
    for rng, one in settings(rank, 100, pool=True):
        vectors = [rng.uniform(0.1, 1, k) for k in axes_of(one, "size")]
        kernel = outer(vectors)

        def theirs(x, one=one, kernel=kernel):
            return last(weighed(first(x), kernel, one) / weighed(torch.ones(1, 1, *one["spatial"]), kernel, one))

        hold(
            compare,
            f"weighted_pool {rank}D",
            lambda x, one=one, vectors=vectors: ops.weighted_pool(x, vectors, **geometry_of(one)),
            theirs,
            [normal(rng, 2, *one["spatial"], 3)],
            one,
            CLOSE,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_channel_lp_pool(compare, rank):
    """With the channels as a grid of one channel, and an even p, for which PyTorch ignores signs."""
    rng = np.random.default_rng(rank)
    for _ in range(75):
        size = tuple(int(k) for k in rng.integers(1, 4, rank))
        grid = tuple(int(k + n) for k, n in zip(size, rng.integers(0, 4, rank)))
        strides, p = int(rng.integers(1, 3)), float(rng.choice([2.0, 4.0]))
        grid = tuple(n // k * k if k == strides else n for n, k in zip(grid, size))  # kzoo drops no channel

        def theirs(x, grid=grid, size=size, strides=strides, p=p):
            pool = in_rank("lp_pool", len(grid))
            y = pool(x.reshape(-1, 1, *grid), p, size if len(grid) > 1 else size[0], strides)
            return y.reshape(*x.shape[:-1], -1)

        hold(
            compare,
            f"channel_lp_pool, grid of {rank} axes",
            lambda x, args=(size, strides, "valid", grid, p): ops.channel_lp_pool(x, *args),
            theirs,
            [normal(rng, 2, *(3,) * int(rng.integers(0, 3)), math.prod(grid))],
            (grid, size, strides, p),
            POWERS,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_ceil_mode(compare, rank):
    """PyTorch's own padding and ceil_mode: the values of max pools, and average pools with all their arguments."""
    rng = np.random.default_rng(rank)
    for _ in range(150):
        size, strides = (tuple(int(n) for n in rng.integers(1, most, rank)) for most in (5, 4))
        pads = tuple(int(rng.integers(0, k // 2 + 1)) for k in size)
        spatial = tuple(int(n) for n in rng.integers(4, 9, rank))
        ceil, counts = (bool(rng.random() < 0.7) for _ in range(2))
        divisor = int(rng.integers(1, 9)) if rng.random() < 0.3 and rank > 1 else None
        setting, x = (spatial, size, strides, pads, ceil, counts, divisor), normal(rng, 2, *spatial, 2)
        geometry, more = {"ksize": size, "strides": strides, "padding": pads}, {}
        if divisor is not None:
            more["divisor_override"] = divisor

        def means(x, args=(size, strides, pads, ceil, counts), more=more):
            return last(in_rank("avg_pool", x.ndim - 2)(first(x), *args, **more))

        def maxima(x, args=(size, strides, pads), ceil=ceil):
            return last(in_rank("max_pool", x.ndim - 2)(first(x), *args, ceil_mode=ceil))

        def ours(x, geometry=geometry, ceil=ceil, counts=counts, divisor=divisor):
            return ops.average_pool(x, **geometry, ceil_mode=ceil, count_include_pad=counts, divisor=divisor)

        def ours_max(x, geometry=geometry, ceil=ceil):
            return ops.max_pool_with_argmax(x, **geometry, ceil_mode=ceil)[0]

        hold(compare, f"average_pool {rank}D", ours, means, [x], setting, CLOSE)
        hold(compare, f"max_pool_with_argmax {rank}D, ceil_mode", ours_max, maxima, [x], setting)


@pytest.mark.parametrize("rank", RANKS)
def test_average_and_sum(compare, rank):
    """F.avg_pool, compared with means where nothing is padded, and with sums times a coefficient."""
    rng = np.random.default_rng(rank)
    for _ in range(75):
        one = zero_padded(rng, rank)
        x, coefficient = normal(rng, 2, *one["spatial"], 3), normal(rng, 3)
        pairs, _ = pairs_of(one)

        def theirs(x, one=one, pairs=pairs):
            pool = in_rank("avg_pool", x.ndim - 2)
            return last(pool(padded(first(x), pairs), axes_of(one, "size"), axes_of(one, "strides")))

        if all(pair == (0, 0) for pair in pairs):
            weights = [np.full(k, 0.7) for k in axes_of(one, "size")]
            hold(
                compare,
                f"weighted_pool {rank}D, equal weights",
                lambda x, one=one, weights=weights: ops.weighted_pool(x, weights, **geometry_of(one)),
                theirs,
                [x],
                one,
                CLOSE,
            )
        hold(
            compare,
            f"subsample {rank}D",
            lambda x, c, one=one: ops.subsample(x, c, one["size"], **geometry_of(one)),
            lambda x, c, one=one, theirs=theirs: theirs(x) * math.prod(axes_of(one, "size")) * c,
            [x, coefficient],
            one,
            CLOSE,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_blur_pool(compare, rank):
    """As in Zhang's code: PyTorch's reflection padding, then a depthwise convolution."""
    rng = np.random.default_rng(rank)
    for _ in range(75):
        size, strides = int(rng.integers(2, 6)), int(rng.integers(1, 4))
        spatial = tuple(int(n) for n in rng.integers(size, size + 6, rank))
        row = np.array([math.comb(size - 1, i) for i in range(size)]) / 2 ** (size - 1)
        kernel = outer([row] * rank)
        pads = ("reflect", (((size - 1) // 2, math.ceil((size - 1) / 2)),) * rank)
        one = {"spatial": spatial, "size": size, "strides": strides, "dilations": 1, "padding": pads}

        hold(
            compare,
            f"blur_pool {rank}D",
            lambda x, size=size, strides=strides: ops.blur_pool(x, size, strides),
            lambda x, one=one, kernel=kernel: last(weighed(first(x), kernel, one)),
            [normal(rng, 2, *spatial, 3)],
            (spatial, size, strides),
            CLOSE,
        )


def starts_of(size, window, count, sample):
    """Returns the start of each window along an axis as PyTorch does (FractionalMaxPool2d.cpp, in float32)."""
    alpha = np.float32(size - window) / np.float32(count - 1) if count > 1 else np.float32(0)
    starts = [int((i + np.float32(sample)) * alpha) - int(np.float32(sample) * alpha) for i in range(count - 1)]
    return np.array([*starts, size - window], "int32")


@pytest.mark.parametrize("way", ["windows", "edges"])
def test_fractional_max_pool(compare, way):
    """PyTorch's windows all have the given size, so their overlap depends on PyTorch's sequence of starts.

    "windows" applies the op's maximum along an axis to that sequence. "edges" calls the op itself, with sizes for which
    its overlapping regions are PyTorch's windows: all steps are window - 1, and the last edge is the end of the input.
    """
    rng = np.random.default_rng(0)
    for _ in range(150):
        window = tuple(int(k) for k in rng.integers(2, 4, 2))
        count = tuple(int(n) for n in rng.integers(2, 6, 2))
        spatial = tuple(int(k + n - 1 + rng.integers(0, n)) for k, n in zip(window, count))
        if way == "edges":
            spatial = tuple((n - 1) * (k - 1) + k for k, n in zip(window, count))
        samples = rng.uniform(size=2).astype("float32")
        # PyTorch uses the second sample for rows
        starts = [starts_of(*axis) for axis in zip(spatial, window, count, samples[::-1])]

        def theirs(x, window=window, count=count, samples=samples):
            each = torch.tensor(samples).expand(len(x), x.shape[-1], 2)
            return last(F.fractional_max_pool2d(first(x), window, count, _random_samples=each))

        def ours(x, window=window, starts=starts, spatial=spatial):
            if way == "edges":
                edges = [np.append(s, n).astype("int32") for s, n in zip(starts, spatial)]
                return ops.fractional_max_pool(x, edges, overlapping=True, widest=max(window))
            for axis, (s, k) in enumerate(zip(starts, window), start=1):
                x = window_maximum(x, axis, s, s + k, k)
            return x

        x = rng.permutation(2 * math.prod(spatial) * 2).reshape(2, *spatial, 2).astype("float32")
        hold(compare, f"fractional_max_pool 2D, {way}", ours, theirs, [x], (spatial, window, count, samples))


@pytest.mark.parametrize("rank", [1, 2])
def test_fft_conv(compare, rank):
    for rng, one in settings(rank, 100):
        x = normal(rng, 2, *one["spatial"], 3)
        kernel = normal(rng, *axes_of(one, "size"), 3, 2)
        hold(
            compare,
            f"fft_conv {rank}D",
            lambda x, k, one=one: ops.fft_conv(x, k, **geometry_of(one)),
            lambda x, k, one=one: conv_of(x, k, one),
            [x, kernel],
            one,
            CLOSE,
        )


@pytest.mark.parametrize("rank", [2, 3])
def test_spatially_separable_conv(compare, rank):
    """With the whole kernel from the factors by PyTorch's einsum, through which the gradients flow."""
    words = {2: "acfq,bfq->abcf", 3: "acfq,bfq,dfq->abdcf"}[rank]
    for rng, one in settings(rank, 75):
        k0, *rest = axes_of(one, "size")
        r = int(rng.integers(1, 4))
        factors = [normal(rng, k0, 2, 3, r), *(normal(rng, k, 3, r) for k in rest)]
        hold(
            compare,
            f"spatially_separable_conv {rank}D",
            lambda x, *kernels, one=one: ops.spatially_separable_conv(x, list(kernels), **geometry_of(one)),
            lambda x, *kernels, one=one: conv_of(x, torch.einsum(words, *kernels), one),
            [normal(rng, 2, *one["spatial"], 2), *factors],
            (one, r),
            CLOSE,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_local_response_normalization(compare, rank):
    """PyTorch divides alpha by the size, as Caffe does. Sizes are odd and even."""
    rng = np.random.default_rng(rank)
    for _ in range(80):
        size, (alpha, beta, bias) = int(rng.integers(1, 9)), (float(n) for n in rng.uniform(0.2, 2, 3))
        settings = {"bias": bias, "alpha": alpha, "beta": beta, "divide_by_size": True}
        settings |= {"depth_radius": size // 2} if size % 2 and rng.random() < 0.5 else {"size": size}
        shape = 2, *(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)), int(rng.integers(1, 9))
        hold(
            compare,
            f"local_response_normalization {rank}D",
            lambda x, settings=settings: ops.local_response_normalization(x, **settings),
            lambda x, args=(size, alpha, beta, bias): last(F.local_response_norm(first(x), *args)),
            [normal(rng, *shape)],
            (shape, settings),
            POWERS,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_local_response_normalization_within_channels(compare, rank):
    """Caffe's WITHIN_CHANNEL, whose average pool of the squares counts the padding. Caffe has odd sizes only."""
    rng = np.random.default_rng(rank)
    for _ in range(60):
        size, (alpha, beta) = int(rng.choice([1, 3, 5])), (float(n) for n in rng.uniform(0.2, 2, 2))
        settings = {"bias": 1.0, "alpha": alpha, "beta": beta, "divide_by_size": True, "size": size}

        def theirs(x, size=size, alpha=alpha, beta=beta):
            squares = padded(first(x) ** 2, ((size // 2,) * 2,) * (x.ndim - 2))
            means = in_rank("avg_pool", x.ndim - 2)(squares, size, 1)
            return x * (1 + alpha * last(means)) ** -beta

        hold(
            compare,
            f"local_response_normalization {rank}D, within channels",
            lambda x, settings=settings: ops.local_response_normalization(x, **settings, within_channel=True),
            theirs,
            [normal(rng, 2, *(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)), int(rng.integers(1, 4)))],
            settings,
            POWERS,
        )


def test_pixel_shuffle(compare):
    """PyTorch's two functions; exactly equal."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        factor, channels = (int(n) for n in rng.integers(1, 5, 2))
        spatial = tuple(int(n) for n in rng.integers(1, 5, 2))
        arrays = {
            "pixel_shuffle": normal(rng, 2, *spatial, channels * factor**2),
            "pixel_unshuffle": normal(rng, 2, *(n * factor for n in spatial), channels),
        }
        for name, x in arrays.items():
            hold(
                compare,
                f"{name} 2D",
                lambda x, name=name, factor=factor: getattr(ops, name)(x, factor),
                lambda x, name=name, factor=factor: last(getattr(F, name)(first(x), factor)),
                [x],
                (x.shape, factor),
            )


def test_sobel(compare):
    rng = np.random.default_rng(0)
    rows = [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
    for _ in range(50):
        channels = int(rng.integers(1, 4))

        def theirs(x, channels=channels):
            kernel = torch.tensor([rows, np.transpose(rows).tolist()] * channels, dtype=x.dtype)[:, None]
            return last(F.conv2d(first(x), kernel, padding=1, groups=channels))

        hold(
            compare,
            "filters.sobel",
            lambda x, channels=channels: ops.conv(x, ops.filters.sobel(channels), padding="same"),
            theirs,
            [normal(rng, 2, *(int(n) for n in rng.integers(1, 9, 2)), channels)],
            channels,
            CLOSE,
        )


@pytest.mark.parametrize("values", ["distinct", "ties"])
def test_k_max_pool(compare, values):
    """The sorted indices of topk, or with ties, of which it takes any, the first of a stable sort; with infinity."""
    rng = np.random.default_rng(0)

    def theirs(x, k):
        order = x.topk(k, 1)[1] if values == "distinct" else x.sort(dim=1, descending=True, stable=True)[1][:, :k]
        return x.gather(1, order.sort(1)[0])

    for _ in range(150):
        length, channels = (int(n) for n in rng.integers(1, (20, 4)))
        k = int(rng.integers(1, length + 1))
        x = normal(rng, 2, length, channels) if values == "distinct" else integers(rng, 2, length, channels)
        if values == "ties" and rng.random() < 0.3:
            x[rng.random(x.shape) < 0.2] = rng.choice([np.inf, -np.inf])
        hold(
            compare,
            f"k_max_pool, {values}",
            lambda x, k=k: ops.k_max_pool(x, k),
            lambda x, k=k: theirs(x, k),
            [x],
            (length, k),
        )


def bins_of(spatial, count):
    """Yields the slices of each bin of PyTorch's adaptive pools with `count` bins an axis, row by row."""
    axes = [[slice(i * n // count, -(-(i + 1) * n // count)) for i in range(count)] for n in spatial]
    return itertools.product(*axes)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("pooling", ["average", "max"])
def test_dynamic_pool(compare, pooling, rank):
    """scatter_reduce in each bin, into zeros that remain where a cluster is absent.

    Without ties, among which amax divides the gradient, and without a maximum of 0, whose gradient PyTorch shares with
    the zero that include_self=False leaves out.
    """
    reduce = {"average": "mean", "max": "amax"}[pooling]

    def theirs(x, labels, clusters, bins):
        values = []
        for part in itertools.chain.from_iterable(bins_of(x.shape[1:-1], count) for count in bins):
            code = x[(slice(None), *part)].flatten(1, -2)
            which = labels[(slice(None), *part)].flatten(1)[..., None].expand(code.shape)
            empty = torch.zeros(len(x), clusters, x.shape[-1])
            values.append(empty.scatter_reduce(1, which, code, reduce, include_self=False))
        return torch.stack(values, 1)

    rng = np.random.default_rng(rank)
    for _ in range(75):
        spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
        clusters, bins = int(rng.integers(1, 6)), tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 4)))
        labels = rng.integers(0, clusters, (2, *spatial))
        members = np.eye(clusters, dtype="float32")[labels]
        shape = (2, *spatial, 3)
        x = (rng.permutation(math.prod(shape)).reshape(shape) + 0.5 - math.prod(shape) // 2).astype("float32")
        hold(
            compare,
            f"dynamic_pool {rank}D, {pooling}",
            lambda x, members=members, bins=bins: ops.dynamic_pool(x, members, bins, pooling),
            lambda x, labels=labels, clusters=clusters, bins=bins: theirs(x, torch.tensor(labels), clusters, bins),
            [x],
            (spatial, clusters, bins),
            0 if pooling == "max" else CLOSE,
        )


@pytest.mark.parametrize("pooling", ["max", "average", "rms"])
def test_rectangle_pool(compare, pooling):
    """Reduces each slice of the image, without ties. Where bins overlap, a mean is that of the bins' means, by adaptive
    pools. rms is not tested at 0, where it has no gradient.
    """

    def theirs(x, grid):
        if pooling == "rms":
            x = x * x
        divides = all(n % grid == 0 for n in x.shape[1:-1])
        starts = [[n * i // grid for i in range(grid)] for n in x.shape[1:-1]]
        ends = [[-(-n * (i + 1) // grid) for i in range(grid)] for n in x.shape[1:-1]]
        if pooling != "max" and not divides:
            x = last(F.adaptive_avg_pool2d(first(x), grid))
            starts, ends = [range(grid)] * 2, [range(1, grid + 1)] * 2
        parts = []
        for top, bottom in itertools.combinations_with_replacement(range(grid), 2):
            for left, right in itertools.combinations_with_replacement(range(grid), 2):
                part = x[:, starts[0][top] : ends[0][bottom], starts[1][left] : ends[1][right]]
                parts.append(part.amax((1, 2)) if pooling == "max" else part.mean((1, 2)))
        y = torch.stack(parts, 1)
        return y.sqrt() if pooling == "rms" else y

    rng = np.random.default_rng(0)
    for index in range(60):
        grid = int(rng.integers(1, 6))
        spatial = tuple(int(n) * (grid if index % 2 else 1) for n in rng.integers(1, (3, 3) if index % 2 else (9, 9)))
        shape = (2, *spatial, 3)
        x = (rng.permutation(math.prod(shape)).reshape(shape) + 0.5 - math.prod(shape) // 2).astype("float32")
        hold(
            compare,
            f"rectangle_pool, {pooling}",
            lambda x, grid=grid: ops.rectangle_pool(x, grid, pooling),
            lambda x, grid=grid: theirs(x, grid),
            [x],
            (spatial, grid),
            0 if pooling == "max" else CLOSE,
        )


def shares_of(x, size):
    """Returns the softmax of each block's inputs and a zero, last: (B, C, *blocks, elements + 1)."""
    y = first(x)
    for axis, k in enumerate(size):
        y = y.unfold(axis + 2, k, k)
    y = y.flatten(-len(size))
    return torch.softmax(F.pad(y, (0, 1)), -1)


def unblocked(p, size):
    """Reshapes (B, C, *blocks, elements) to (B, *spatial, C)."""
    rank = len(size)
    y = p.unflatten(-1, size).permute(0, 1, *(axis for i in range(rank) for axis in (2 + i, 2 + rank + i)))
    return last(y.reshape(*y.shape[:2], *(a * b for a, b in zip(y.shape[2::2], y.shape[3::2]))))


def draw_blocks(rng, rank):
    size = tuple(int(k) for k in rng.integers(1, 4, rank))
    return size, (2, *(k * int(rng.integers(1, 5 - rank)) for k in size), 3)


def probabilistic(x, size):
    p = shares_of(x, size)[..., :-1]
    return unblocked(p, size), last(p.sum(-1))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("returned", ["hidden", "pooled"])
@pytest.mark.parametrize("large", [False, True])
def test_probabilistic_max_pool(compare, large, returned, rank):
    """Both outputs and the gradient of each. With `large`, exponentials overflow float64 too, or vanish.

    In float64, because the gradient of a pooled unit that is almost surely on is a difference of almost equal numbers,
    of which float32 keeps four digits. Gradients of large inputs are only rounding errors, so the first sample, of
    ordinary inputs, sets the scale.
    """
    order = slice(None, None, 1 if returned == "hidden" else -1)
    rng = np.random.default_rng(rank)
    for _ in range(30):
        size, shape = draw_blocks(rng, rank)
        x = rng.normal(size=shape)
        if large:
            x[1:] = rng.choice([-900, -80, -79, 0, 79, 80, 800, 801], x[1:].shape)
        hold(
            compare,
            f"probabilistic_max_pool {rank}D, {returned}" + (", large" if large else ""),
            lambda x, size=size: ops.probabilistic_max_pool(x, size)[order],
            lambda x, size=size: probabilistic(x, size)[order],
            [x],
            (shape, size),
            FLOAT64,
        )


@pytest.mark.parametrize("rank", RANKS)
def test_probabilistic_max_pool_in_float32(compare, rank):
    """Only the outputs; half of the inputs are large enough to overflow."""
    rng = np.random.default_rng(rank)
    for index in range(50):
        size, shape = draw_blocks(rng, rank)
        x = normal(rng, *shape)
        if index % 2:
            x = rng.choice([-95, -80, -79, 0, 79, 80, 88.5, 95], shape).astype("float32")
        want = [part.numpy() for part in probabilistic(torch.tensor(x), size)]
        got = ops.probabilistic_max_pool(x, size)
        compare(f"probabilistic_max_pool {rank}D, float32", got, want, CLOSE, setting=(shape, size))


@pytest.mark.parametrize("rank", RANKS)
def test_probabilistic_max_pool_draws(compare, rank):
    """searchsorted in the cumulative sums, with noise that is not within rounding of one of them."""
    rng = np.random.default_rng(rank)
    for _ in range(75):
        size, shape = draw_blocks(rng, rank)
        x = normal(rng, *shape) * 2
        running = shares_of(torch.tensor(x), size)[..., :-1].cumsum(-1)
        noise = torch.tensor(rng.random(running.shape[:-1]), dtype=torch.float32)
        near = ((running - noise[..., None]).abs() < 1e-5).any(-1)
        noise[near] += 1e-3
        drawn = torch.searchsorted(running, noise[..., None], right=True)
        on = F.one_hot(drawn[..., 0], math.prod(size) + 1)[..., :-1].to(torch.float32)
        got = ops.probabilistic_max_pool(x, size, last(noise).numpy())
        want = [unblocked(on, size).numpy(), last(on.sum(-1)).numpy()]
        compare(f"probabilistic_max_pool {rank}D, draws", got, want, setting=(shape, size))


def squash(x, axis=-1):
    """Returns the paper's equation; PyTorch's norm has the gradient 0 at 0."""
    length = torch.linalg.vector_norm(x, dim=axis, keepdim=True)
    return x * length / (1 + length**2)


def test_squash(compare):
    """Along any axis; vectors that are short, long (whose gradient is a small difference) or zero."""
    rng = np.random.default_rng(0)
    for _ in range(150):
        shape = tuple(int(n) for n in rng.integers(1, 6, rng.integers(1, 5)))
        axis = int(rng.integers(-len(shape), len(shape)))
        x = rng.normal(size=shape) * rng.choice([1e-3, 1, 30])
        x[rng.random(shape) < 0.2] = 0
        hold(
            compare,
            "squash",
            lambda x, axis=axis: ops.squash(x, axis),
            lambda x, axis=axis: squash(x, axis),
            [x],
            (shape, axis),
            FLOAT64,
        )


@pytest.mark.parametrize("with_bias", [False, True])
def test_route(compare, with_bias):
    """Procedure 1 by autograd, also through the coupling coefficients of each iteration: nothing is detached."""

    def theirs(u, *bias, iterations):
        logits = torch.zeros(u.shape[:3], dtype=u.dtype)
        for _ in range(iterations):
            v = squash((F.softmax(logits, 2)[..., None] * u).sum(1) + sum(bias))
            logits = logits + (u * v[:, None]).sum(-1)
        return v

    rng = np.random.default_rng(0)
    for _ in range(75):
        shape, iterations = tuple(int(n) for n in rng.integers(1, (4, 12, 6, 6))), int(rng.integers(1, 6))
        u = normal(rng, *shape) * np.float32(rng.choice([0.1, 1, 2]))
        hold(
            compare,
            "route" + (" with bias" if with_bias else ""),
            lambda u, *bias, iterations=iterations: ops.route(u, iterations, *bias),
            lambda u, *bias, iterations=iterations: theirs(u, *bias, iterations=iterations),
            [u, normal(rng, *shape[2:])] if with_bias else [u],
            (shape, iterations),
            POWERS,
        )


def test_fastfood(compare):
    """With dense matrices for all blocks; and the gradients for their diagonals."""

    def hadamard(d):
        h, two = torch.ones(1, 1), torch.tensor([[1.0, 1.0], [1.0, -1.0]])
        while len(h) < d:
            h = torch.kron(h, two)
        return h

    def theirs(x, scale, gaussian, signs, permutation):
        d, h, blocks = scale.shape[1], hadamard(scale.shape[1]), []
        for s, g, p, b in zip(scale, gaussian, permutation, signs):
            product = torch.linalg.multi_dot([torch.diag(s), h, torch.diag(g), torch.eye(d)[p], h, torch.diag(b)])
            blocks.append(product[:, : x.shape[-1]] / math.sqrt(d))
        return x @ torch.cat(blocks).T

    rng = np.random.default_rng(0)
    for _ in range(75):
        n, blocks, lead = int(rng.integers(1, 70)), int(rng.integers(1, 4)), tuple(rng.integers(1, 4, rng.integers(3)))
        d = 1 << (n - 1).bit_length()
        permutation = np.stack([rng.permutation(d) for _ in range(blocks)])
        hold(
            compare,
            "fastfood",
            lambda x, s, g, b, p=permutation: ops.fastfood(x, s, g, p, b),
            lambda x, s, g, b, p=permutation: theirs(x, s, g, b, torch.tensor(p)),
            [normal(rng, *lead, n), *(normal(rng, blocks, d) for _ in range(3))],
            (lead, n, blocks),
            CLOSE,
        )


def sampled(x, rows, columns):
    """Samples x (B, C, H, W), zero outside, by F.grid_sample at rows and columns (B, H', W') in pixels.

    The image is padded with zeros to 2^k + 1 pixels an axis. So the conversion between pixels and PyTorch's coordinates
    from -1 to 1 is exact, and an integer position is one for both.
    """
    size = 1 << max(x.shape[-2:]).bit_length()
    y = F.pad(x, (1, size - x.shape[3], 1, size - x.shape[2]))
    grid = torch.stack([columns + 1, rows + 1], -1) * 2 / size - 1
    return F.grid_sample(y, grid, "bilinear", "zeros", align_corners=True)


@pytest.mark.parametrize("positions", ["any", "whole"])
def test_foveated_glimpse(compare, positions):
    """F.grid_sample, then F.avg_pool2d. "whole" samples exactly on pixels, where the gradient is the right-hand one."""

    def theirs(x, location, size, scales, ratio):
        image, patches = first(x), []
        for scale in range(scales):
            step, axes = ratio**scale, []
            for axis, n in enumerate(size):
                centre = (location[:, axis, None] + 1) / 2 * (x.shape[axis + 1] - 1)
                axes.append(centre + torch.arange(n * step, dtype=x.dtype) - (n * step - 1) / 2)
            rows, columns = torch.broadcast_tensors(axes[0][:, :, None], axes[1][:, None])
            patches.append(F.avg_pool2d(sampled(image, rows, columns), step))
        return last(torch.cat(patches, 1))

    rng = np.random.default_rng(0)
    for _ in range(100):
        spatial, size = tuple(int(n) for n in rng.integers(1, 12, 2)), tuple(int(n) for n in rng.integers(1, 5, 2))
        location, kwargs = rng.uniform(-1.6, 1.6, (3, 2)), {"scales": int(rng.integers(1, 4)), "ratio": 2}
        if positions == "any":
            kwargs["ratio"] = int(rng.integers(1, 4))
        else:
            spatial = tuple(int(n) for n in rng.choice([2, 3, 5, 9], 2))
            location = rng.integers(-3, 8, (3, 2)) * 2 / (np.array(spatial) - 1) - 1
        hold(
            compare,
            f"foveated_glimpse, {positions} positions",
            lambda x, location, size=size, kwargs=kwargs: ops.foveated_glimpse(x, location, size, **kwargs),
            lambda x, location, size=size, kwargs=kwargs: theirs(x, location, size, **kwargs),
            [rng.normal(size=(3, *spatial, 2)), location],
            (spatial, size, kwargs),
            FLOAT64,
        )


@pytest.mark.parametrize("offsets", ["any", "whole"])
@pytest.mark.parametrize("masked", [False, True])
def test_deformable_conv(compare, masked, offsets):
    """F.grid_sample for each kernel tap, padded by F.pad; and the gradients for all operands."""

    def theirs(x, kernel, offsets, *masks, one):
        image, (height, width) = padded(first(x), *pairs_of(one)), offsets.shape[1:3]
        (down, right), (rate_down, rate_right) = axes_of(one, "strides"), axes_of(one, "dilations")
        total = 0
        for tap, (i, j) in enumerate(np.ndindex(*kernel.shape[:2])):
            rows = torch.arange(height)[:, None] * down + i * rate_down + offsets[..., 2 * tap]
            columns = torch.arange(width) * right + j * rate_right + offsets[..., 2 * tap + 1]
            patch = sampled(image, rows, columns)
            for mask in masks:
                patch = patch * mask[:, None, ..., tap]
            total = total + torch.einsum("bchw,cf->bhwf", patch, kernel[i, j])
        return total

    for rng, one in settings(2, 75):
        size = axes_of(one, "size")
        output = references.windows(one["spatial"], size, **geometry_of(one))[1]
        shifts = rng.normal(size=(2, *output, 2 * math.prod(size))) * 2
        if offsets == "whole":
            shifts = np.rint(shifts)
        mask = [rng.random((2, *output, math.prod(size)))] if masked else []
        hold(
            compare,
            f"deformable_conv, {offsets} offsets" + (", masked" if masked else ""),
            lambda *args, one=one: ops.deformable_conv(*args, **geometry_of(one)),
            lambda *args, one=one: theirs(*args, one=one),
            [rng.normal(size=(2, *one["spatial"], 2)), rng.normal(size=(*size, 2, 3)), shifts, *mask],
            one,
            FLOAT64,
        )


@pytest.mark.parametrize("several", [False, True])
def test_capsule_margin_loss(compare, several):
    """The authors' program moves lengths by 0.5, has margins of 0.4 around that, and halves the sum."""

    def theirs(lengths, present):
        moved = lengths - 0.5
        of_present = present * (moved < 0.4) * (moved - 0.4) ** 2
        return (0.5 * of_present + 0.5 * 0.5 * (1 - present) * (moved > -0.4) * (moved + 0.4) ** 2).sum(-1)

    rng = np.random.default_rng(0)
    for _ in range(60):
        batch, classes = (int(n) for n in rng.integers((1, 1 + several), 12))
        labels, lengths = rng.integers(0, classes, batch), rng.uniform(0, 1, (batch, classes))
        present = np.eye(classes)[labels]
        if several:
            labels = present = rng.integers(0, 2, (batch, classes)).astype("float64")
        loss = losses.CapsuleMarginLoss(reduction=None, dtype="float64")
        hold(
            compare,
            "CapsuleMarginLoss" + (", several classes" if several else ""),
            lambda y, labels=labels, loss=loss: loss(labels, y),
            lambda y, present=present: 2 * theirs(y, torch.tensor(present)),
            [lengths],
            (batch, classes),
            FLOAT64,
        )


def test_rbf_loss(compare):
    """PyTorch's cross-entropy with the rubbish class as one more logit."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        batch, classes, j = *(int(n) for n in rng.integers(1, 12, 2)), float(rng.uniform(0.1, 5))
        labels, distances = (
            rng.integers(0, classes, batch),
            -(rng.normal(size=(batch, classes)) ** 2) * rng.choice([1, 99]),
        )

        def theirs(y, labels=labels, j=j):
            logits = F.pad(y, (0, 1), value=-j)
            return F.cross_entropy(logits, torch.tensor(labels), reduction="none")

        loss = losses.RBFLoss(j, reduction=None, dtype="float64")
        hold(
            compare,
            "RBFLoss",
            lambda y, a=labels, loss=loss: loss(a, y),
            theirs,
            [distances],
            (batch, classes, j),
            FLOAT64,
        )


def test_weighted_crossentropy(compare):
    """PyTorch's, with weights of classes and an ignored label, of logits (B, positions, classes)."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        *shape, classes = (int(n) for n in rng.integers(1, 9, 3))
        weight, labels = rng.uniform(0.1, 2, classes), rng.integers(0, classes, shape)
        labels[rng.random(shape) < 0.2] = 255
        labels.flat[0] = 0  # of none PyTorch's mean is NaN

        def theirs(y, labels=labels, weight=weight):
            return F.cross_entropy(y.movedim(-1, 1), torch.tensor(labels), torch.tensor(weight), ignore_index=255)

        loss = losses.WeightedCrossentropy(weight.tolist(), 255, from_logits=True, dtype="float64")
        hold(
            compare,
            "WeightedCrossentropy",
            lambda y, labels=labels, loss=loss: loss(labels, y),
            theirs,
            [rng.normal(size=(*shape, classes))],
            (shape, classes),
            FLOAT64,
        )
