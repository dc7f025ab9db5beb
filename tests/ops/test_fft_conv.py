"""Convolution by the Fourier transform: the reference, `conv`, SciPy's, kernels larger than the input, refusals."""

import importlib

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced


def draw(rng, rank, one, distinct):
    """Kernels as large as the input, and larger where it is padded."""
    del distinct
    if one is None:
        one = random_geometry(rng, rank, most={1: 16, 2: 7}[rank])
    else:
        large = {0: 5, 2: 7, 4: 5, 5: 7}.get(one["index"], 3)  # TEN's own otherwise, where they are as large as can be
        one = one | {"size": (max(large, one["size"][0]), *one["size"][1:])}
    size = references.per_axis(one["size"], rank)
    depth, width = (int(n) for n in rng.integers(1, 4, 2))
    return Setting((normal(rng, 2, *one["spatial"], depth), normal(rng, *size, depth, width)), geometry_of(one))


OP_CASES = {"fft_conv": Case(ops.fft_conv, references.conv, draw, ranks=(1, 2))}


fft_module = importlib.import_module("kzoo.ops.fft_conv")  # its name in the package is the function's
RANKS = (1, 2)
SPATIAL = {1: (9,), 2: (9, 7)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["fft_conv"], rank)


@pytest.fixture(params=["matrices", "fast transforms"])
def way(request, monkeypatch):
    """Both ways to transform, at sizes that one of them would take; uncompiled, as what is compiled stays."""
    monkeypatch.setattr(fft_module, "LONGEST_MATRIX", 300 if request.param == "matrices" else 0)
    with ops.no_islands():
        yield


def test_long_axes_are_transformed_fast(seeds, monkeypatch):
    """The choice, and that both ways agree on either side of it."""
    taken = []
    for name in ("_by_matrices", "_by_fast_transforms"):
        run = getattr(fft_module, name)
        monkeypatch.setattr(fft_module, name, lambda *args, name=name, run=run: taken.append(name) or run(*args))
    x, kernel = seeds.normal(size=(1, 302, 2)), seeds.normal(size=(3, 2, 2))
    with ops.no_islands():
        long, short = ops.fft_conv(x, kernel, padding=0), ops.fft_conv(x[:, :-1], kernel, padding=("circular", 0))
        at = ops.fft_conv(x[:, :-2], kernel, padding="valid")
    assert taken == ["_by_fast_transforms", "_by_fast_transforms", "_by_matrices"]
    close(long[:, :-2], at, 1e-12)
    close(long[:, :-1], short, 1e-12)


PADDINGS = ["valid", "same", "full", "circular", "reflect", "replicate", 2, ("circular", "full"), ("reflect", 1)]


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("padding", PADDINGS, ids=str)
def test_equals_conv(seeds, rank, padding, way):
    """With strides, with dilations, and with both; in float64, to the rounding of two orders of sums."""
    x, kernel = seeds.normal(size=(2, *SPATIAL[rank], 3)), seeds.normal(size=(*(3, 2)[:rank], 3, 4))
    for strides, dilations in ((1, 1), (2, 1), (1, 2), ((3, 2)[:rank], (1, 2)[:rank])):
        geometry = {"strides": strides, "padding": padding, "dilations": dilations}
        with ops.no_islands():
            got = ops.fft_conv(x, kernel, **geometry)
        close(got, references.conv(x, kernel, **geometry), 1e-12, what=geometry)


@pytest.mark.parametrize("rank", RANKS)
def test_full_with_a_flipped_kernel_is_scipys_convolution(seeds, rank, way):
    x, kernel = seeds.normal(size=SPATIAL[rank]), seeds.normal(size=(4, 3)[:rank])
    got = ops.fft_conv(x[None, ..., None], np.flip(kernel)[..., None, None], padding="full")
    close(got, scipy.signal.convolve(x, kernel, "full")[None, ..., None], 1e-12)


@pytest.mark.parametrize("size", [31, (40, 3), (8, 64)])
def test_a_kernel_larger_than_the_image(seeds, size, way):
    x, kernel = seeds.normal(size=(1, 8, 9, 2)), seeds.normal(size=(*np.broadcast_to(size, 2), 2, 2))
    for padding in ("full", ("circular", 9), "same"):
        if padding == ("circular", 9):
            x = seeds.normal(size=(1, 9, 9, 2))
            kernel = kernel[:27, :27]
        close(ops.fft_conv(x, kernel, padding=padding), ops.conv(x, kernel, padding=padding), 1e-12)


def test_float32_rounds_by_the_largest_output(seeds, way):
    """A step of float32 is 6e-8; the sum of 64 * 64 * 8 products over frequencies rounds to a few of them."""
    x, kernel = normal(seeds, 1, 64, 64, 8), normal(seeds, 33, 33, 8, 2)
    want = ops.conv(x.astype("float64"), kernel.astype("float64"), padding="same")
    close(ops.fft_conv(x, kernel, padding="same"), want, 2e-6)


def test_one_cell_of_kernel_is_a_product_of_channels(seeds):
    x, kernel = seeds.normal(size=(2, 5, 4, 3)), seeds.normal(size=(1, 1, 3, 2))
    close(ops.fft_conv(x, kernel), x @ kernel[0, 0], 1e-12)
    close(ops.fft_conv(x, kernel, 2), x[:, ::2, ::2] @ kernel[0, 0], 1e-12)


def test_nothing_wraps_around(seeds, way):
    """A corner's impulse stays in its corner."""
    x, kernel = np.zeros((1, 8, 8, 1)), seeds.normal(size=(3, 3, 1, 1))
    x[0, 7, 7] = 1
    got = np.array(ops.fft_conv(x, kernel, padding="same"))[0, ..., 0]
    close(got[6:, 6:], np.flip(kernel[..., 0, 0])[:2, :2], 1e-12)
    got[6:, 6:] = 0
    assert np.abs(got).max() < 1e-12


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["fft_conv"], rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(dtype):
    """5,100 ones: a float16 sum would stop at 2,048, a bfloat16 sum at 256."""
    got = ops.fft_conv(tf.ones((1, 3, 1700), dtype), tf.ones((3, 1700, 1), dtype))
    assert got.dtype == dtype and abs(float(got[0, 0, 0]) - 5100) <= 5100 * 2**-8


def test_second_order_gradient():
    """As of `conv`: loss (x k)^2 of one element."""
    x, k = 3.0, 2.0
    got = second_order(ops.fft_conv, [[[x]]], [[[k]]])
    close([g.item() for g in got], [8 * x * k**4 + 16 * x**3 * k**2, 16 * x**2 * k**3 + 8 * x**4 * k], 1e-12)


def test_edges():
    assert ops.fft_conv(np.zeros((0, 5, 2)), np.zeros((3, 2, 4)), padding="circular").shape == (0, 5, 4)
    assert np.ravel(ops.fft_conv(np.full((1, 1, 1), 3.0), np.full((1, 1, 1), 2.0), padding="reflect")) == [6]
    assert not np.any(ops.fft_conv(np.zeros((1, 4, 5, 1)), np.ones((3, 3, 1, 1))))


X, K = np.zeros((1, 5, 6, 4), "float32"), np.zeros((3, 3, 4, 2), "float32")


@pytest.mark.parametrize(
    "x, kernel, words",
    [
        (X[0, 0], K, "fft_conv expects x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape=(6, 4)"),
        (np.zeros((1, 2, 2, 2, 2, 4), "float32"), K, "shape=(1, 2, 2, 2, 2, 4)"),
        (X[None], K[None], "fft_conv expects x with 1 or 2 spatial axes; received shape=(1, 1, 5, 6, 4)"),
        (X, K[0], "kernel (*size, channels, filters); received x=(1, 5, 6, 4), kernel=(3, 4, 2)"),
        (X, K.astype("float64"), "x and kernel of one dtype; received x="),
        (X, K[:, :, :2], "kernel channels equal to the input's; received channels=4, kernel=(3, 3, 2, 2)"),
        (X, np.zeros((6, 3, 4, 2), "float32"), "a window that fits into the padded input on spatial axis 0"),
        (X, K[:, :0], "ksize, an integer of at least 1 or 2 of them; received ksize=(3, 0)"),
        (X[:, :0], K, "an input of at least 1 pixel on spatial axis 0"),
        (X.astype("int32"), K.astype("int32"), "fft_conv expects floating x; received dtype="),
        (X.astype("complex64"), K.astype("complex64"), "floating x"),
        (keras.Input((5, 6, 4)), K, "kzoo.layers.FFTConv2D; received a KerasTensor=(None, 5, 6, 4)"),
        (X, keras.KerasTensor((3, 4, 2)), "kzoo.layers.FFTConv1D; received a KerasTensor=(3, 4, 2)"),
    ],
)
def test_refuses_operands(x, kernel, words):
    refuses(words, ops.fft_conv, x, kernel)


@pytest.mark.parametrize(
    "geometry, words",
    [
        ({"strides": 0}, "fft_conv expects strides, an integer of at least 1 or 2 of them; received strides=0"),
        ({"dilations": 2.0}, "dilations=2.0"),
        ({"padding": "half"}, "padding='half'"),
        ({"padding": ("reflect", 5)}, "reflect padding of at most 4; received padding=(5, 5), size=5"),
    ],
)
def test_refuses_geometry(geometry, words):
    refuses(words, ops.fft_conv, X, K, **geometry)


def test_refuses_unknown_channels():
    words = "fft_conv expects a known number of channels; received shape=(1, 5, 6, None)"
    refuses(words, traced, ops.fft_conv, (1, 5, 6, None), (3, 3, 4, 2))
