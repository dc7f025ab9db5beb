"""Properties of the layers from mathematics and the textbooks: symmetries, inverses, special cases, counts.

Where a property holds bit for bit, samples and weights are small whole numbers: float32 then represents every sum
exactly, in any order.
"""

import itertools
import math

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from kzoo import layers, ops
from tests.ops.harness import close

RANKS = (1, 2, 3)
SPATIAL = {1: (12,), 2: (6, 8), 3: (4, 6, 4)}
CLOSE = 1e-6  # a few float32 roundings, of numbers around 1
equal = np.testing.assert_array_equal


@pytest.fixture(autouse=True)
def _uncompiled():
    """Runs the tests without islands: the ops' own tests check that islands change nothing, and each costs a second."""
    with ops.no_islands():
        yield


def whole(rng, *shape):
    return rng.integers(-8, 9, shape).astype("float32")


def distinct(rng, *shape):
    return rng.permutation(math.prod(shape)).reshape(shape).astype("float32") - math.prod(shape) // 2


def of(name, rank, *args, **kwargs):
    return getattr(layers, f"{name}{rank}D")(*args, **kwargs)


def with_whole_weights(layer, shape, rng):
    layer.build(shape)
    layer.set_weights([whole(rng, *w.shape) for w in layer.weights])
    return layer


def roll(x, shift):
    return np.roll(np.asarray(x), shift, tuple(range(1, len(shift) + 1)))


def shifts(rng, spatial, count):
    return [tuple(int(rng.integers(n)) for n in spatial) for _ in range(count)]


# Symmetries


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("kwargs", [{}, {"dilation_rate": 2}, {"groups": 2}, {"activation": "relu"}])
def test_convolution_commutes_with_shifts(seeds, rank, kwargs):
    """Goodfellow et al. 2016, section 9.2: f(g(x)) = g(f(x)); on a circle, so that nothing leaves the sample."""
    x = whole(seeds, 2, *SPATIAL[rank], 2)
    layer = with_whole_weights(of("Conv", rank, 4, 3, padding="circular", **kwargs), x.shape, seeds)
    y = layer(x)
    for shift in shifts(seeds, SPATIAL[rank], 5):
        equal(layer(roll(x, shift)), roll(y, shift))


@pytest.mark.parametrize("rank", RANKS)
def test_a_strided_convolution_commutes_with_shifts_by_whole_strides(seeds, rank):
    """The output then moves by as many positions as the input by strides; other shifts give another output."""
    x = whole(seeds, 2, *SPATIAL[rank], 2)
    layer = with_whole_weights(of("Conv", rank, 4, 3, 2, "circular"), x.shape, seeds)
    y = np.asarray(layer(x))
    for shift in shifts(seeds, y.shape[1:-1], 5):
        equal(layer(roll(x, tuple(2 * n for n in shift))), roll(y, shift))
    odd = np.asarray(layer(roll(x, (1,) * rank)))
    assert all((odd != roll(y, shift)).any() for shift in np.ndindex(y.shape[1:-1]))


ALIKE = {  # other layers that treat all positions alike
    "FFTConv2D": {"filters": 3, "kernel_size": 3},
    "SpatiallySeparableConv2D": {"filters": 3, "kernel_size": 3, "terms": 2},
    "TableConv2D": {"filters": 3, "kernel_size": 3, "connections": [[0], [0, 1], [1]]},
    "GaborConv2D": {"filters": 3, "kernel_size": 5},
    "Dilation2D": {"kernel_size": 3},
    "Erosion2D": {"kernel_size": 3},
    "LPPooling2D": {"pool_size": 3},
    "GaussianPooling2D": {"pool_size": 3},
    "BlurPooling2D": {"pool_size": 3},
    "StochasticPooling2D": {"pool_size": 3},  # at inference
    "Subsampling2D": {"pool_size": 3},
}


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("name", ALIKE)
def test_other_layers_commute_with_shifts(seeds, name, strides):
    x = whole(seeds, 2, *SPATIAL[2], 2)
    layer = getattr(layers, name)(**ALIKE[name], strides=strides, padding="circular")
    layer.build(x.shape)
    layer.set_weights([seeds.uniform(0.5, 1.5, w.shape) for w in layer.weights])
    y = np.asarray(layer(x))
    assert np.ptp(y) > 0
    for shift in shifts(seeds, y.shape[1:-1], 5):
        close(layer(roll(x, tuple(strides * n for n in shift))), roll(y, shift), 10 * CLOSE)


@pytest.mark.parametrize("rank", RANKS)
def test_tiled_convolution_commutes_only_with_shifts_by_its_tile(seeds, rank):
    """Le et al. 2010; of a size that the tile divides. Every other shift meets other kernels; there is no bias."""
    x, tile = whole(seeds, 1, *SPATIAL[rank], 2), {1: (3,), 2: (3, 2), 3: (2, 3, 2)}[rank]
    layer = with_whole_weights(of("TiledConv", rank, 4, 3, tile, padding="circular", use_bias=False), x.shape, seeds)
    y = np.asarray(layer(x))
    seen = set()
    for shift in itertools.product(range(4), repeat=rank):
        multiple = all(n % t == 0 for n, t in zip(shift, tile))
        assert (np.asarray(layer(roll(x, shift))) == roll(y, shift)).all() == multiple, shift
        seen.add(multiple)
    assert seen == {True, False}


@pytest.mark.parametrize("rank", RANKS)
def test_locally_connected_commutes_with_no_shift(seeds, rank):
    x = whole(seeds, 1, *SPATIAL[rank], 2)
    layer = with_whole_weights(of("LocallyConnected", rank, 4, 3, padding="circular", use_bias=False), x.shape, seeds)
    y = np.asarray(layer(x))
    for shift in np.ndindex(SPATIAL[rank]):
        assert (np.asarray(layer(roll(x, shift))) == roll(y, shift)).all() == (shift == (0,) * rank), shift


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("name", ["tiled_conv", "locally_connected", "conv"])
def test_layers_with_weights_are_linear(seeds, rank, name):
    """f(2 x - 3 y) = 2 f(x) - 3 f(y), of strided and padded windows too."""
    x, y = whole(seeds, 2, 1, *SPATIAL[rank], 2)
    size = (2, *(3,) * (rank - 1))
    output = tuple(-(-n // 2) for n in SPATIAL[rank])
    tile = {"conv": (), "tiled_conv": (2,) * rank, "locally_connected": output}[name]
    kernel = whole(seeds, *tile, *size, 2, 3)
    f = lambda x: np.asarray(getattr(ops, name)(x, kernel, 2, "same"))  # noqa: E731
    equal(f(2 * x - 3 * y), 2 * f(x) - 3 * f(y))
    assert f(x).any()


# The family: one layer is another's special case


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("strides, padding", [(1, "same"), (2, "valid"), (2, "reflect")])
def test_the_family_meets_at_its_ends(seeds, rank, strides, padding):
    """A tile of 1 is a convolution; a tile of the output's size is locally connected; with their biases."""
    x = whole(seeds, 2, *SPATIAL[rank], 2)
    conv = with_whole_weights(of("Conv", rank, 3, 3, strides, padding), x.shape, seeds)
    local = with_whole_weights(of("LocallyConnected", rank, 3, 3, strides, padding), x.shape, seeds)
    output = local.compute_output_shape(x.shape)[1:-1]
    for twin, tile in ((conv, (1,) * rank), (local, output)):
        tiled = of("TiledConv", rank, 3, 3, tile, strides, padding)
        tiled.build(x.shape)
        tiled.set_weights([np.reshape(w, v.shape) for w, v in zip(twin.get_weights(), tiled.weights)])
        equal(tiled(x), twin(x))
    kernel, bias = conv.get_weights()  # and one kernel everywhere is a convolution again
    local.set_weights([np.broadcast_to(w, (*output, *w.shape)) for w in (kernel, bias)])
    equal(local(x), conv(x))


@pytest.mark.parametrize("rank", RANKS)
def test_with_a_flipped_kernel_it_is_convolution(seeds, rank):
    """In the sense of mathematics; and that commutes, which correlation does not."""
    x, kernel = seeds.normal(size=SPATIAL[rank]), seeds.normal(size=(3, 2, 4)[:rank])

    def convolve(a, b):
        return np.asarray(ops.conv(a[None, ..., None], np.flip(b)[..., None, None], padding="full"))[0, ..., 0]

    close(convolve(x, kernel), scipy.signal.convolve(x, kernel, "full"), 1e-12)  # float64, in two orders
    close(convolve(x, kernel), convolve(kernel, x), 1e-12)


@pytest.mark.parametrize("rank", [1, 2])
def test_the_fourier_transform_of_a_convolution_is_a_product(seeds, rank):
    """On a circle: `fft_conv` and `conv` against NumPy's transforms."""
    n, k = (8, 6)[:rank], (8, 6)[:rank]  # a kernel of the sample's size: the circle's whole convolution
    x, kernel = seeds.normal(size=n).astype("float32"), seeds.normal(size=k).astype("float32")
    want = np.fft.ifftn(np.fft.fftn(x) * np.fft.fftn(kernel)).real
    pads = ("circular", tuple((m - 1, 0) for m in k))
    for op in (ops.conv, ops.fft_conv):
        got = op(x[None, ..., None], np.flip(kernel)[..., None, None].copy(), padding=pads)
        close(np.asarray(got)[0, ..., 0], want, 10 * CLOSE)


@pytest.mark.parametrize("rank", [2, 3])
def test_outer_products_are_separable(seeds, rank):
    """One term equals convolution with the outer product; as many terms as columns represent any 2D kernel."""
    x, vectors = whole(seeds, 1, *SPATIAL[rank], 1), [whole(seeds, k) for k in (3, 2, 2)[:rank]]
    kernel = vectors[0]
    for vector in vectors[1:]:
        kernel = np.multiply.outer(kernel, vector)
    factors = [vectors[0][:, None, None, None], *(v[:, None, None] for v in vectors[1:])]
    equal(ops.spatially_separable_conv(x, factors), ops.conv(x, kernel[..., None, None]))
    if rank == 2:
        full = whole(seeds, 4, 3, 1, 1)  # not separable: its columns, times the unit vectors
        factors = [full.transpose(0, 2, 3, 1), np.eye(3, dtype="float32")[:, None, :]]
        equal(ops.spatially_separable_conv(x, factors), ops.conv(x, full))


# Unpooling


@pytest.mark.parametrize("rank", RANKS)
def test_of_disjoint_windows_unpooling_keeps_the_maxima(seeds, rank):
    """x at the maximum of each window, zero elsewhere; the windows are found here by reshaping."""
    size, count = (2, 3, 2)[:rank], (4, 2, 3)[:rank]
    x = distinct(seeds, 2, *(k * n for k, n in zip(size, count)), 3)
    y = of("MaxUnpooling", rank, size)(of("MaxPoolingWithArgmax", rank, size)(x))
    split = x.reshape(2, *(n for pair in zip(count, size) for n in pair), 3)
    top = split.max(tuple(range(2, 2 * rank + 1, 2)), keepdims=True)
    equal(y, np.where(split == top, split, 0).reshape(x.shape))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("padding", ["same", "circular"])
def test_of_overlapping_windows_unpooling_adds(seeds, rank, padding):
    """NumPy's add.at at the indices; an element that wins several windows gets several times its value."""
    x = distinct(seeds, 2, *SPATIAL[rank], 2)
    values, indices = (np.asarray(a) for a in of("MaxPoolingWithArgmax", rank, 3, 1, padding)(x))
    y = of("MaxUnpooling", rank, 3, 1, padding, output_size=SPATIAL[rank])([values, indices])
    want = np.zeros((2, x[0].size), "float32")
    for b in range(2):
        np.add.at(want[b], indices[b].ravel(), values[b].ravel())
    equal(y, want.reshape(x.shape))
    again = np.asarray(y) / np.where(x == 0, 1, x)
    assert again.max() > 1  # so that adding and writing differ here
    equal(again, again.round())


# Pooling: invariances


@pytest.mark.parametrize("rank", RANKS)
def test_max_pooling_does_not_see_shifts_within_its_windows(seeds, rank):
    """Goodfellow et al. 2016, section 9.3: a single 1 anywhere in its window gives the same; only the index differs."""
    pool, seen = of("MaxPoolingWithArgmax", rank, 3), set()
    for position in np.ndindex((3,) * rank):
        x = np.zeros((1, *(9,) * rank, 1), "float32")
        x[(0, *(3 + p for p in position), 0)] = 5
        values, indices = pool(x)
        want = np.zeros(values.shape)
        want[(0, *(1,) * rank, 0)] = 5
        equal(values, want)
        seen.add(int(np.asarray(indices)[(0, *(1,) * rank, 0)]))
    assert len(seen) == 3**rank
    x = roll(x, (1,) * rank)  # out of its window
    assert np.asarray(pool(x)[0])[(0, *(1,) * rank, 0)] == 0


@pytest.mark.parametrize("rank", RANKS)
def test_pooling_over_all_positions_does_not_see_shifts(seeds, rank):
    x = distinct(seeds, 2, *SPATIAL[rank], 3)
    pools = {
        "max": of("AdaptiveMaxPooling", rank, 1),
        "pyramid": lambda x: ops.spatial_pyramid_pool(x, (1,)),
        "average": of("AdaptiveAveragePooling", rank, 1),
        "lp": lambda x: ops.lp_pool(x, SPATIAL[rank], p=3.0),
    }
    for name, pool in pools.items():
        y = np.asarray(pool(x))
        for shift in shifts(seeds, SPATIAL[rank], 5):
            close(pool(roll(x, shift)), y, 0 if name in ("max", "pyramid") else CLOSE)
        assert np.ptp(y) > 0
    finer = of("AdaptiveMaxPooling", rank, 2)
    assert (np.asarray(finer(roll(x, (2,) * rank))) != np.asarray(finer(x))).any()  # two bins do see them


@pytest.mark.parametrize("rank", RANKS)
def test_lp_pooling_does_not_see_signs_and_scales_with_its_input(seeds, rank):
    x = seeds.normal(size=(2, *SPATIAL[rank], 2)).astype("float32")
    signs = seeds.choice([-1, 1], x.shape).astype("float32")
    for p in (1.0, 2.0, 3.5, math.inf):
        y = ops.lp_pool(x, 2, p=p)
        equal(ops.lp_pool(signs * x, 2, p=p), y)
        close(ops.lp_pool(4 * x, 2, p=p), 4 * np.asarray(y), CLOSE)


@pytest.mark.parametrize("rank", RANKS)
def test_lp_norms_fall_with_p_to_the_maximum(seeds, rank):
    """The inequality of norms; p = 1 is the sum, p = infinity the maximum, 2^rank at most 2^(rank/p) times it."""
    x = -seeds.uniform(0.9, 1, (2, *SPATIAL[rank], 2)).astype("float32")  # so alike that all count, to the power 32
    norms = [np.asarray(ops.lp_pool(x, 2, p=p)) for p in (1.0, 1.5, 2.0, 4.0, 32.0, math.inf)]
    for more, less in itertools.pairwise(norms):
        assert (more > less).all()
    assert (norms[-2] <= norms[-1] * 2 ** (rank / 32) * (1 + CLOSE)).all()
    equal(norms[-1], ops.max_pool_with_argmax(np.abs(x), 2)[0])
    close(norms[0], ops.subsample(np.abs(x), np.ones(2, "float32"), 2), CLOSE)


@pytest.mark.parametrize("rank", RANKS)
def test_means_of_a_constant_are_that_constant(rank):
    """At the borders too, where windows hold fewer elements."""
    x = np.full((1, *SPATIAL[rank], 2), 3.25, "float32")
    for y in (
        ops.gaussian_pool(x, 3, 1, "same"),
        ops.weighted_pool(x, [(1, 5, 2)] * rank, 2, "full"),
        ops.blur_pool(x, 3),
        ops.blur_pool(x, 4, padding="same"),
        ops.adaptive_average_pool(x, 5),
    ):
        close(y, np.full(y.shape, 3.25), CLOSE)


@pytest.mark.parametrize("rank", RANKS)
def test_maxima_commute_with_increasing_functions(seeds, rank):
    """For every pool that selects an element: pool(f(x)) = f(pool(x))."""
    x = seeds.normal(size=(2, *SPATIAL[rank], 2)).astype("float32")
    cube = lambda x: np.asarray(x) ** 3 + np.float32(1)  # noqa: E731
    edges = [np.append(np.arange(0, n - 1, 2), n).astype("int32") for n in SPATIAL[rank]]
    for pool in (
        lambda x: ops.max_pool_with_argmax(x, 3, 2, "same")[0],
        lambda x: ops.adaptive_max_pool(x, 3),
        lambda x: ops.spatial_pyramid_pool(x, (2, 1)),
        lambda x: ops.fractional_max_pool(x, edges, True),
        lambda x: ops.dilation(x, np.zeros((*(2,) * rank, 2), "float32")),
        lambda x: ops.erosion(x, np.zeros((*(2,) * rank, 2), "float32")),
        lambda x: ops.maxout(x, 1),
        *[lambda x: ops.k_max_pool(x, 5)] * (rank == 1),
        *[lambda x: ops.rectangle_pool(x, 3)] * (rank == 2),
    ):
        equal(pool(cube(x)), cube(pool(x)))


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("pseudo_random", [False, True])
def test_fractional_regions_lose_no_element(seeds, pseudo_random, overlapping):
    """The maximum is found at any position; so every element is in a region, and in only one if they are disjoint."""
    samples = [0.3, 0.8] if pseudo_random else [seeds.uniform(size=5), seeds.uniform(size=4)]
    edges = [ops.fractional_edges(n, m, u, pseudo_random) for n, m, u in zip((7, 6), (5, 4), samples)]
    for position in np.ndindex(7, 6):
        x = np.zeros((1, 7, 6, 1), "float32")
        x[(0, *position, 0)] = 1
        found = np.asarray(ops.fractional_max_pool(x, edges, overlapping)).sum()
        assert found >= 1 if overlapping else found == 1


def test_a_stochastic_pool_draws_each_element_as_often_as_its_share(seeds):
    """Over evenly spread noise the mean of the drawn values is their expectation, between the mean and the maximum."""
    x = np.array([1, 0, 4, -3, 2, 3], "float32").reshape(1, 6, 1)
    count = 1000
    noise = ((np.arange(count) + 0.5) / count).astype("float32").reshape(count, 1, 1)
    drawn = np.asarray(ops.stochastic_pool(np.repeat(x, count, 0), 6, noise=noise)).ravel()
    assert {float(v): int(n) for v, n in zip(*np.unique(drawn, return_counts=True))} == {1: 100, 2: 200, 3: 300, 4: 400}
    expected = np.asarray(ops.stochastic_pool(x, 6)).item()
    assert abs(expected - drawn.mean()) < CLOSE and np.maximum(x, 0).mean() < expected < 4


def test_the_maximum_of_a_rectangle_is_at_least_those_within(seeds):
    """The square of its mean is at most the mean of its squares (Jensen's inequality)."""
    x = seeds.normal(size=(2, 7, 9, 2)).astype("float32")
    largest, mean, rms = (np.asarray(ops.rectangle_pool(x, 3, pooling)) for pooling in ("max", "average", "rms"))
    corners = ops.rectangles(3)
    for (i, a), (j, b) in itertools.permutations(enumerate(corners), 2):
        if a[0] <= b[0] and b[1] <= a[1] and a[2] <= b[2] and b[3] <= a[3]:
            assert (largest[:, i] >= largest[:, j]).all(), (a, b)
    assert (np.abs(mean) <= rms * (1 + CLOSE)).all() and (rms <= np.abs(x).max() * (1 + CLOSE)).all()


def test_dynamic_pooling_ignores_the_order_of_positions(seeds):
    """With one spatial bin any order of the positions gives the same output; with four bins the order matters."""
    x = seeds.normal(size=(1, 6, 8, 3)).astype("float32")
    turned = seeds.permutation(x.reshape(48, 3)).reshape(x.shape)
    for pooling in ("average", "max"):
        layer = layers.DynamicPooling2D(4, pooling=pooling)
        close(layer(turned), layer(x), CLOSE)
        binned = layers.DynamicPooling2D(4, bins=(2,), pooling=pooling)
        assert np.abs(np.asarray(binned(turned)) - np.asarray(binned(x))).max() > 0.1


def test_probabilistic_pools_commute_with_shifts_by_blocks(seeds):
    x = seeds.normal(size=(2, 6, 8, 2)).astype("float32")
    hidden, pooled = ops.probabilistic_max_pool(x, 2)
    moved, below = ops.probabilistic_max_pool(roll(x, (2, 4)), 2)
    equal(moved, roll(hidden, (2, 4)))
    equal(below, roll(pooled, (1, 2)))


# Sampling at locations


def test_a_glimpse_moves_with_the_image(seeds):
    """Far from the borders: the same patch wherever the image is moved to, if the location moves along."""
    x = np.zeros((1, 41, 41, 2), "float32")
    x[:, 16:25, 16:25] = seeds.normal(size=(1, 9, 9, 2))
    for shift in ((0, 0), (3, -2), (-4, 4)):
        location = np.array([shift], "float32") / 20  # 20 elements from the middle to the edge
        close(ops.foveated_glimpse(roll(x, shift), location, 4), ops.foveated_glimpse(x, [[0.0, 0.0]], 4), 10 * CLOSE)


def test_a_deformable_convolution_commutes_with_shifts(seeds):
    """Its offsets come from a convolution, so they move with the image; far from the borders."""
    x = np.zeros((1, 30, 30, 2), "float32")
    x[:, 12:18, 12:18] = seeds.normal(size=(1, 6, 6, 2))
    layer = layers.DeformableConv2D(3, 3, padding="same")
    layer.build(x.shape)
    layer.set_weights([seeds.normal(size=w.shape) * 0.2 for w in layer.weights])
    y = np.asarray(layer(x))
    still = layers.Conv2D(3, 3, padding="same")
    still.build(x.shape)
    still.set_weights([layer.kernel, layer.bias])
    assert np.abs(y - np.asarray(still(x))).max() > 0.1
    for shift in ((2, -3), (-1, 4)):
        moved = np.asarray(layer(roll(x, shift)))
        close(moved[:, 8:-8, 8:-8], roll(y, shift)[:, 8:-8, 8:-8], 10 * CLOSE)


# Morphology


@pytest.mark.parametrize("rank", RANKS)
def test_dilation_and_erosion_are_adjoint(seeds, rank):
    """Opening is at most the sample, closing at least; both are idempotent (Serra 1982)."""
    x, kernel = whole(seeds, 2, *SPATIAL[rank], 2), whole(seeds, *(3, 2, 2)[:rank], 2)
    mirrored = np.flip(kernel, tuple(range(rank)))
    back = tuple((k - 1, 0) for k in kernel.shape[:-1])
    forth = tuple((0, k - 1) for k in kernel.shape[:-1])

    def dilate(x):
        return np.asarray(ops.dilation(x, kernel, padding=back))

    def erode(x):
        return np.asarray(ops.erosion(x, kernel, padding=forth))

    opened, closed = dilate(erode(x)), erode(dilate(x))
    assert (opened <= x).all() and (x <= closed).all() and (opened != x).any() and (closed != x).any()
    equal(dilate(erode(opened)), opened)
    equal(erode(dilate(closed)), closed)
    equal(ops.erosion(x, kernel), -np.asarray(ops.dilation(-x, mirrored)))


# Normalization and channels


def test_local_contrast_normalization_ignores_brightness_and_contrast(seeds):
    """a x + b gives the same as x, and -x its negative."""
    x = seeds.normal(size=(2, 9, 8, 3)).astype("float32")
    y = np.asarray(ops.local_contrast_normalization(x, 5))
    close(ops.local_contrast_normalization(3 * x + 2, 5), y, 10 * CLOSE)
    close(ops.local_contrast_normalization(-x, 5), -y, CLOSE)


def test_local_response_normalization_is_odd_and_inhibits(seeds):
    x = seeds.normal(size=(2, 5, 9)).astype("float32")
    y = np.asarray(ops.local_response_normalization(x, bias=1.0, alpha=0.5))
    equal(ops.local_response_normalization(-x, bias=1.0, alpha=0.5), -y)
    assert (np.abs(y) < np.abs(x)).all()
    louder = x.copy()
    louder[..., 4] *= 3
    again = np.asarray(ops.local_response_normalization(louder, bias=1.0, alpha=0.5))
    near = np.abs(np.arange(9) - 4) <= 2
    assert (np.abs(again) < np.abs(y))[..., near & (np.arange(9) != 4)].all()  # neighbours are inhibited
    equal(again[..., ~near], y[..., ~near])  # and no other channels


def test_maxout_does_not_see_the_order_within_a_unit(seeds):
    x = seeds.normal(size=(2, 5, 12)).astype("float32")
    turned = x.reshape(2, 5, 4, 3)[..., seeds.permutation(4), :].reshape(x.shape)
    equal(ops.maxout(turned, 3), ops.maxout(x, 3))
    turned = x.reshape(2, 5, 3, 4)[..., seeds.permutation(4)].reshape(x.shape)
    equal(ops.maxout(turned, 3, order="adjacent"), ops.maxout(x, 3, order="adjacent"))
    assert (np.asarray(ops.maxout(turned, 3)) != np.asarray(ops.maxout(x, 3))).any()


def test_pooling_subspaces_does_not_see_rotations_within_them(seeds):
    """Hyvarinen & Hoyer 2000: the norm of a subspace is the same after any rotation of it."""
    x = seeds.normal(size=(2, 5, 12)).astype("float32")
    rotation = np.linalg.qr(seeds.normal(size=(4, 4)))[0]
    turned = (x.reshape(2, 5, 3, 4) @ rotation).reshape(x.shape).astype("float32")
    close(ops.channel_lp_pool(turned, 4), ops.channel_lp_pool(x, 4), CLOSE)
    assert np.abs(np.asarray(ops.channel_lp_pool(turned, 3)) - np.asarray(ops.channel_lp_pool(x, 3))).max() > 0.1


def test_routing_does_not_see_the_order_below_and_turns_with_what_it_routes(seeds):
    """Sums over the capsules below; lengths and inner products, which no rotation changes."""
    u = seeds.normal(size=(2, 7, 4, 3)).astype("float32")
    v = np.asarray(ops.route(u, 4))
    below, above = seeds.permutation(7), seeds.permutation(4)
    close(ops.route(u[:, below], 4), v, CLOSE)
    close(ops.route(u[:, :, above], 4), v[:, above], CLOSE)
    rotation = np.linalg.qr(seeds.normal(size=(3, 3)))[0].astype("float32")
    close(ops.route(u @ rotation, 4), v @ rotation, 10 * CLOSE)
    assert (np.linalg.norm(ops.route(100 * u, 4), axis=-1) < 1).all()


def test_the_hadamard_transform_of_a_dyadic_convolution_is_a_product(seeds):
    """As Fourier's of a circular one, with sums of indices modulo 2 in each binary digit."""
    x, y = whole(seeds, 2, 16)
    folded = np.zeros(16, "float32")
    for i, j in np.ndindex(16, 16):
        folded[i ^ j] += x[i] * y[j]
    equal(ops.hadamard(folded), np.asarray(ops.hadamard(x)) * np.asarray(ops.hadamard(y)))


# Sizes and counts


@pytest.mark.parametrize(
    "stack, size",
    [
        ([(3, 1, 1)] * 4, 9),  # 1 + 4 * 2: linear in depth
        ([(3, 1, 2**i) for i in range(4)], 31),  # 2^(4 + 1) - 1: dilations that double (Yu & Koltun 2016)
        ([(3, 2, 1)] * 4, 31),  # strides that multiply
        ([(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)], 16),  # LeNet-5's
    ],
)
def test_receptive_fields_grow(stack, size):
    """1 + sum of (k - 1) d times the strides before; measured: the number of elements with a gradient."""
    model = keras.Sequential([layers.Conv1D(1, k, s, dilation_rate=d, kernel_initializer="ones") for k, s, d in stack])
    x = tf.zeros((1, 101, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x)
        middle = y[0, y.shape[1] // 2, 0]
    assert np.count_nonzero(tape.gradient(middle, x)) == size
    reach = 1 + sum((k - 1) * d * math.prod(s for _, s, _ in stack[:i]) for i, (k, _, d) in enumerate(stack))
    assert reach == size


def parameters(layer, shape):
    layer.build((None, *shape))
    return layer.count_params()


def test_counts_weights_as_the_lectures_do():
    """A filter of 7 x 7 over three colours has 147 weights, five have 735. On an image of 30 x 30 it fits at 24 x 24
    positions: unshared, with weights of its own at each, five filters make 147 * 5 * 24 * 24 = 423,360.
    """
    image = 30, 30, 3
    kwargs = {"kernel_size": 7, "use_bias": False}
    assert parameters(layers.Conv2D(1, **kwargs), image) == 147
    assert parameters(layers.Conv2D(5, **kwargs), image) == 735
    local = layers.LocallyConnected2D(5, **kwargs)
    assert parameters(local, image) == 423_360
    assert local.kernel.shape == (24, 24, 7, 7, 3, 5) and local.compute_output_shape((1, *image)) == (1, 24, 24, 5)
    assert parameters(layers.TiledConv2D(5, tile=2, **kwargs), image) == 4 * 735
    assert parameters(layers.Conv2D(5, 7), image) == 735 + 5
    assert parameters(layers.LocallyConnected2D(5, 7), image) == 423_360 + 24 * 24 * 5


@pytest.mark.parametrize("name", ["Conv", "LocallyConnected", "TiledConv"])
def test_counts_connections(name):
    """Five inputs, five outputs, a window of three (Goodfellow et al. 2016, figures 9.2 to 9.5, 9.14): 3 * 5 links
    less the two into the padding, where a matrix product has 25, however weights are shared.
    """
    layer = of(name, 1, 1, 3, padding="same", use_bias=False, kernel_initializer="ones")
    layer.build((None, 5, 1))
    x = tf.eye(5)[..., None]  # one input at a time
    assert np.count_nonzero(layer(x)) == 3 * 5 - 2
    assert layer.count_params() == {"Conv": 3, "LocallyConnected": 3 * 5, "TiledConv": 3 * 2}[name]


def test_the_edge_detector_of_the_textbook(seeds):
    """Goodfellow et al. 2016, figure 9.6: an image 320 wide and 280 tall, each pixel less its left neighbour.

    Two weights and 319 * 280 * 3 operations (two products and a sum an output), against a matrix of over eight billion
    entries and over sixteen billion operations: four billion and sixty thousand times less.
    """
    image = whole(seeds, 1, 280, 320, 1)
    kernel = ops.filters.difference()
    y = np.asarray(ops.conv(image, kernel))
    equal(y, image[:, :, 1:] - image[:, :, :-1])
    layer = layers.Conv2D(1, kernel.shape[:2], use_bias=False)
    layer.build(image.shape)
    layer.set_weights([kernel])
    equal(layer(image), y)
    assert y.shape == (1, 280, 319, 1) and layer.count_params() == 2

    operations = y.size * (2 * kernel.size - 1)
    entries = image.size * y.size
    assert operations == 267_960
    assert entries == 320 * 280 * 319 * 280 == 8_003_072_000 and 2 * entries > 16e9
    assert round(entries / layer.count_params() / 1e9) == 4 and round(2 * entries / operations, -4) == 60_000


def test_filters_of_ramps_and_constants(seeds):
    """Sobel gives 8 times the slope of a ramp; Sobel, difference and zero-mean Gabor filters give 0 for a constant."""
    down, along = np.meshgrid(np.arange(6.0), np.arange(7.0), indexing="ij")
    ramp = (2 * down + 5 * along).astype("float32")[None, ..., None]
    equal(np.asarray(ops.conv(ramp, ops.filters.sobel()))[0, 2, 2], [16, 40])
    constant = np.full((1, 9, 9, 1), 3.0, "float32")
    gabor = ops.filters.gabor((5, 5), 1.0, 0.1, 0.2, 1.0, 0.3, 0.0, 0.0, 0.5, zero_mean=True)
    for kernel in (ops.filters.sobel(), ops.filters.difference(), np.asarray(gabor)):
        assert np.abs(kernel).max() > 0.1
        assert np.abs(ops.conv(constant, kernel)).max() < 10 * CLOSE
