"""Compares ops with SciPy in float64: signal's convolutions, ndimage's filters and morphology, linalg's matrices."""

import numpy as np
import pytest
from scipy import linalg, ndimage, signal

from kzoo import ops
from tests import references
from tests.ops.cases import MOST, RANKS

pytestmark = pytest.mark.peers
PEER = "SciPy"

# Float64 sums in another order, some through Fourier transforms.
CLOSE = 1e-12
FLOAT32 = 1e-5  # as CLOSE, in float32
MODES = {"zeros": "constant", "circular": "wrap", "reflect": "mirror", "replicate": "nearest"}


def draw(rng, rank, odd=False):
    """Returns a sample of one channel and a kernel that fits into it."""
    size = rng.integers(0, 2, rank) * 2 + 1 if odd else rng.integers(1, 5, rank)
    return rng.normal(size=size + rng.integers(0, MOST[rank], rank)), rng.normal(size=size)


def around(size):
    """Returns the padding that aligns windows with ndimage's: k // 2 elements before each axis."""
    return tuple((k // 2, (k - 1) // 2) for k in size)


def image(x):
    return x[None, ..., None]


def plain(y):
    return np.asarray(y)[0, ..., 0]


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mode", ["full", "valid", "same"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_signal(compare, name, mode, rank):
    """SciPy's "same" is the middle of "full"."""
    rng = np.random.default_rng(rank)
    for index in range(50):
        x, kernel = draw(rng, rank)
        want = getattr(signal, name)(x, kernel, mode, method=("direct", "fft")[index % 2])
        weights = np.flip(kernel) if name == "convolve" else kernel
        padding = around(kernel.shape) if mode == "same" else mode
        got = ops.conv(image(x), weights[..., None, None], padding=padding)
        compare(f"conv {rank}D, signal.{name}", plain(got), want, CLOSE, setting=(x.shape, kernel.shape))


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("mode", ["full", "valid", "same"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fft(compare, mode, rank, dtype):
    rng = np.random.default_rng(rank)
    for _ in range(40):
        x, kernel = (a.astype(dtype) for a in draw(rng, rank))
        want = signal.fftconvolve(x.astype("float64"), kernel.astype("float64"), mode)
        padding = around(kernel.shape) if mode == "same" else mode
        got = ops.fft_conv(image(x), np.flip(kernel)[..., None, None], padding=padding)
        assert got.dtype == dtype
        tolerance = CLOSE if dtype == "float64" else FLOAT32
        compare(f"fft_conv {rank}D, signal.fftconvolve {dtype}", plain(got), want, tolerance, setting=x.shape)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mode", MODES)
def test_ndimage_correlate(compare, mode, rank):
    """In every padding mode; strides take every n-th output of ndimage."""
    rng = np.random.default_rng(rank)
    for _ in range(50):
        x, kernel = draw(rng, rank)
        step = int(rng.integers(1, 4))
        if not fits(mode, x.shape, kernel.shape):
            continue
        want = ndimage.correlate(x, kernel, mode=MODES[mode])[(slice(None, None, step),) * rank]
        got = ops.conv(image(x), kernel[..., None, None], step, (mode, around(kernel.shape)))
        compare(f"conv {rank}D, ndimage.correlate", plain(got), want, CLOSE, setting=(mode, x.shape, kernel.shape))


def fits(mode, spatial, size):
    return mode != "reflect" or all(k // 2 < n for n, k in zip(spatial, size))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["dilation", "erosion"])
def test_morphology(compare, name, mode, rank):
    """SciPy's structure is the mirrored kernel. Only odd sizes, as SciPy centres even ones differently.

    Zero padding is empty in kzoo, so SciPy pads with minus infinity for a dilation and infinity for an erosion.
    """
    rng = np.random.default_rng(rank)
    for _ in range(40):
        x, kernel = draw(rng, rank, odd=True)
        step = int(rng.integers(1, 4))
        if not fits(mode, x.shape, kernel.shape):
            continue
        empty = {"mode": MODES[mode], "cval": -np.inf if name == "dilation" else np.inf}
        want = getattr(ndimage, f"grey_{name}")(x, structure=np.flip(kernel), **empty)[
            (slice(None, None, step),) * rank
        ]
        got = getattr(ops, name)(image(x), kernel[..., None], step, (mode, around(kernel.shape)))
        compare(f"{name} {rank}D, ndimage.grey_{name}", plain(got), want, setting=(mode, x.shape, kernel.shape))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_gaussian_filter(compare, mode, rank):
    """As a convolution with `filters.gaussian`, and as a pool."""
    rng = np.random.default_rng(rank)
    for _ in range(40):
        radius = tuple(int(r) for r in rng.integers(0, 3, rank))
        sigma = tuple(float(s) for s in rng.uniform(0.4, 3, rank))
        x = rng.normal(size=[r + int(n) for r, n in zip(radius, rng.integers(1, MOST[rank], rank))])
        want = ndimage.gaussian_filter(x, sigma, radius=radius, mode=MODES[mode])
        size = tuple(2 * r + 1 for r in radius)
        pads = (mode, tuple((r, r) for r in radius))
        got = ops.gaussian_pool(image(x), size, 1, pads, sigma=sigma)
        compare(f"gaussian_pool {rank}D, ndimage.gaussian_filter", plain(got), want, CLOSE, setting=(x.shape, sigma))
        kernel = ops.filters.gaussian(size, sigma)  # float32
        got = ops.conv(image(x), kernel.astype("float64"), padding=pads)
        compare(f"filters.gaussian {rank}D, ndimage.gaussian_filter", plain(got), want, FLOAT32, setting=(size, sigma))


@pytest.mark.parametrize("rank", RANKS)
def test_lp_pool(compare, rank):
    """NumPy's norm of each window, with negative values; without zero padding, where NumPy would count the zeros."""
    rng = np.random.default_rng(rank)
    for p in (1.0, 1.7, 2.0, 3.0, 7.0, np.inf):
        for mode in ("circular", "reflect", "replicate"):
            for _ in range(4):
                x, kernel = draw(rng, rank)
                if not fits(mode, x.shape, kernel.shape):
                    continue
                footprint = {"size": kernel.shape, "mode": MODES[mode]}
                want = ndimage.generic_filter(x, lambda window, p=p: np.linalg.norm(window, p), **footprint)
                got = ops.lp_pool(image(x), kernel.shape, 1, (mode, around(kernel.shape)), p=p)
                compare(f"lp_pool {rank}D, ndimage.generic_filter", plain(got), want, CLOSE, setting=(p, mode, x.shape))


def test_sobel(compare):
    """ndimage also smooths along the other axis; the borders are mirrored."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        x = rng.normal(size=tuple(rng.integers(2, 9, 2)))
        got = ops.conv(image(x), ops.filters.sobel().astype("float64"), padding="reflect")
        want = np.stack([ndimage.sobel(x, axis, mode="mirror") for axis in (0, 1)], -1)
        compare("filters.sobel, ndimage.sobel", got, want[None], CLOSE, setting=x.shape)


@pytest.mark.parametrize("rank", RANKS)
def test_difference(compare, rank):
    rng = np.random.default_rng(rank)
    for _ in range(30):
        x, axis = rng.normal(size=tuple(rng.integers(2, 9, rank))), int(rng.integers(rank))
        got = ops.conv(image(x), ops.filters.difference(rank, axis).astype("float64"))
        compare(f"filters.difference {rank}D, ndimage.correlate1d", plain(got), steps(x, axis), CLOSE, setting=x.shape)


def steps(x, axis):
    """x[p + 1] - x[p], by ndimage, whose window of two starts one element earlier."""
    return np.delete(ndimage.correlate1d(x, [-1.0, 1.0], axis), 0, axis)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_local_contrast_normalization(compare, padding):
    """Weighted means by ndimage: a Gaussian filter of x divided by that of ones, averaged over channels."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        radius, sigma = int(rng.integers(0, 4)), float(rng.uniform(0.5, 3))
        size, channels = 2 * radius + 1, int(rng.integers(1 + (radius == 0), 4))  # a single element would give 0 / 0
        x = rng.normal(size=(*(size + int(n) for n in rng.integers(0, 6, 2)), channels))

        def mean(x, radius=radius, sigma=sigma):
            blurred = ndimage.gaussian_filter(x, sigma, radius=radius, mode="constant", axes=(0, 1))
            ones = ndimage.gaussian_filter(np.ones(x.shape[:2]), sigma, radius=radius, mode="constant")
            return blurred.mean(-1, keepdims=True) / ones[..., None]

        v = x - mean(x)
        deviation = np.sqrt(mean(v**2))
        if padding == "valid":
            inside = tuple(slice(radius, n - radius) for n in x.shape[:2])
            v, deviation = v[inside], deviation[inside]
        want = v / np.maximum(deviation, deviation.mean())
        got = ops.local_contrast_normalization(x[None], size, padding, sigma)
        compare(
            "local_contrast_normalization, gaussian_filter", got, want[None], CLOSE, setting=(x.shape, radius, sigma)
        )


@pytest.mark.parametrize("rank", RANKS)
def test_max_pool(compare, rank):
    """ndimage's maximum filter, all modes, with strides."""
    rng = np.random.default_rng(rank)
    for mode in MODES:
        for _ in range(25):
            x, kernel = draw(rng, rank)
            step = int(rng.integers(1, 4))
            pads = (mode, around(kernel.shape))
            if not fits(mode, x.shape, kernel.shape) or blind(x.shape, kernel.shape, step, pads):
                continue
            want = ndimage.maximum_filter(x, kernel.shape, mode=MODES[mode], cval=-np.inf)
            got, _ = ops.max_pool_with_argmax(image(x), kernel.shape, step, pads)
            want = want[(slice(None, None, step),) * rank]
            compare(f"max_pool_with_argmax {rank}D, ndimage.maximum_filter", plain(got), want, setting=(mode, x.shape))


def blind(spatial, size, step, padding):
    where, _ = references.windows(spatial, size, step, padding)
    return any(all(element is None for _, element in window) for _, window in where)


@pytest.mark.parametrize("n", [2**power for power in range(13)])
def test_hadamard(compare, n):
    """linalg.hadamard, unscaled; sums of integers in float32 are exact in any order."""
    rng, matrix = np.random.default_rng(n), linalg.hadamard(n).astype("float64")
    for lead in ((), (1,), (3,), (2, 3)):
        x = rng.normal(size=(*lead, n))
        compare("hadamard, linalg.hadamard", ops.hadamard(x), x @ matrix, CLOSE, setting=x.shape)
        whole = rng.integers(-9, 10, x.shape).astype("float32")
        want = (whole @ matrix).astype("float32")
        compare("hadamard, linalg.hadamard, whole numbers", ops.hadamard(whole), want, setting=x.shape)
    compare("hadamard, linalg.hadamard, whole numbers", ops.hadamard(np.eye(n)), matrix, setting="the matrix")


def test_fastfood(compare):
    """S H G P H B / sqrt(d) as one dense matrix, built with SciPy and NumPy."""
    rng = np.random.default_rng(0)
    for _ in range(75):
        n, blocks = int(rng.integers(1, 300)), int(rng.integers(1, 4))
        d = 1 << (n - 1).bit_length()
        scale, gaussian, signs = rng.normal(size=(3, blocks, d))
        permutation = np.stack([rng.permutation(d) for _ in range(blocks)])
        s, g, b = (np.diag(part.ravel()) for part in (scale, gaussian, signs))
        h = linalg.block_diag(*[linalg.hadamard(d)] * blocks)
        p = linalg.block_diag(*(np.eye(d)[row] for row in permutation))
        copies = np.tile(np.eye(d, n), (blocks, 1))
        matrix = s @ h @ g @ p @ h @ b @ copies / np.sqrt(d)
        x = rng.normal(size=(*rng.integers(1, 4, rng.integers(3)), n))
        got = ops.fastfood(x, scale, gaussian, permutation, signs)
        compare("fastfood, linalg.hadamard", got, x @ matrix.T, CLOSE, setting=(x.shape, blocks))
