"""Kernels from formulas: TensorFlow's Sobel, differences, SciPy's Gaussian, Gabor's loop, and refusals."""

import math

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from kzoo import ops
from kzoo.ops import filters
from tests import references
from tests.ops.cases import RANKS, normal
from tests.ops.harness import close, refuses


def gabor(*args, **kwargs):
    """(*ksize, F): without the one channel."""
    return np.asarray(filters.gabor(*args, **kwargs))[:, :, 0]


@pytest.mark.parametrize("channels", [1, 3])
def test_sobel_is_tensorflows(seeds, channels):
    """Which pads by reflection and stacks the two directions on an axis of its own, dy first."""
    x, kernel = normal(seeds, 2, 6, 7, channels), filters.sobel(channels)
    assert isinstance(kernel, np.ndarray) and (kernel.dtype, kernel.shape) == ("float32", (3, 3, 1, 2 * channels))
    want = np.asarray(tf.image.sobel_edges(tf.constant(x))).reshape(2, 6, 7, 2 * channels)
    close(ops.conv(x, kernel, padding="reflect"), want)


def test_sobel_signs():
    """8 a step down the rows, then along the columns."""
    rows, columns = np.mgrid[:5, :4].astype("float32")
    got = ops.conv((3 * rows + columns)[None, ..., None], filters.sobel())
    assert np.unique(got[..., 0]).tolist() == [24] and np.unique(got[..., 1]).tolist() == [8]


@pytest.mark.parametrize("rank, axis", [(1, 0), (2, 0), (2, -1), (3, 1), (3, -1)])
def test_difference_is_the_next_cell_less_this(seeds, rank, axis):
    x, kernel = normal(seeds, 2, *(5, 4, 3)[:rank], 2), filters.difference(rank, axis, 2)
    shape = [1] * rank
    shape[axis] = 2
    assert (kernel.dtype, kernel.shape) == ("float32", (*shape, 1, 2))
    np.testing.assert_array_equal(ops.conv(x, kernel), np.diff(x, axis=1 + axis % rank))


def test_difference_is_of_columns_by_default():
    assert filters.difference().tolist() == [[[[-1.0]], [[1.0]]]]


@pytest.mark.parametrize("size", [(5,), (4,), (5, 4), (3, 5, 2)])
@pytest.mark.parametrize("sigma", [None, 0.8])
def test_gaussian_is_a_symmetric_product_of_its_formula(size, sigma):
    kernel = filters.gaussian(size, sigma, channels=2)
    assert (kernel.dtype, kernel.shape) == ("float32", (*size, 1, 2))
    np.testing.assert_array_equal(kernel[..., 0], kernel[..., 1])
    assert abs(kernel[..., 0].sum(dtype="float64") - 1) < 1e-6  # float32 entries
    np.testing.assert_array_equal(kernel, np.flip(kernel, range(len(size))))
    want = 1.0
    for k in size:
        axis = np.array([math.exp(-((o - (k - 1) / 2) ** 2) / 2 / (sigma or k / 4) ** 2) for o in range(k)])
        want = np.multiply.outer(want, axis / axis.sum())
    close(kernel[..., 0, 0], want, 1e-6)


@pytest.mark.parametrize("rank", RANKS)
def test_gaussian_is_scipys(rank):
    sigma = (0.7, 1.1, 1.6)[:rank]
    impulse = np.zeros((7,) * rank)
    impulse[(3,) * rank] = 1
    want = scipy.ndimage.gaussian_filter(impulse, sigma, mode="constant", radius=3)
    close(filters.gaussian((7,) * rank, sigma)[..., 0, 0], want, 1e-6)


def test_gaussian_of_an_integer_is_of_an_image():
    np.testing.assert_array_equal(filters.gaussian(3), filters.gaussian((3, 3), sigma=0.75))
    assert filters.gaussian(1).tolist() == [[[[1.0]]]]


SETTINGS = [
    ((5, 7), (1.2, 0.1, 0.2, 1.5, 0.3, 0.5, -0.3, 0.7)),
    ((4, 5), (-2.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0)),
    ((1, 1), (1.0, 0.3, 0.3, 2.0, 0.5, 1.0, 0.0, 3.0)),
    (6, (1.0, 0.01, 0.02, 3.0, -2.0, -1.5, 2.5, -1.0)),
]


@pytest.mark.parametrize("ksize, parameters", SETTINGS)
@pytest.mark.parametrize("zero_mean", [False, True])
def test_gabor_equals_the_loop(ksize, parameters, zero_mean):
    got = gabor(ksize, *parameters, zero_mean=zero_mean)
    want = references.gabor(ksize, *parameters, zero_mean=zero_mean)
    assert tf.is_tensor(filters.gabor(ksize, *parameters)) and got.shape == want.shape
    assert np.abs(got - want).max() < 2e-6  # float32, values of up to 2


def test_gabor_values():
    """Of the closed form: a quarter turn a pixel; a Gaussian 1 pixel off its centre; x along columns, y down rows."""
    close(gabor((1, 5), 3.0, 0, 0, math.pi / 2, 0, 0, 0, 0)[0, :, 0] + 1, np.array([-2.0, 1, 4, 1, -2]))
    close(gabor((1, 3), 1.0, 1.0, 5.0, 0, 0, 1.0, 0, 0)[0, :, 0], np.exp([-4.0, -1.0, 0.0]))
    close(gabor((3, 1), 1.0, 5.0, 1.0, 0, 0, 0, -1.0, 0)[:, 0, 0], np.exp([0.0, -1.0, -4.0]))
    upright = np.asarray(gabor(5, 1.0, 0.1, 0.3, 1.0, 0.5, 0, 0, 0))
    turned = np.asarray(gabor(5, 1.0, 0.1, 0.3, 1.0, 0.5, 0, 0, math.pi / 2))
    close(turned, upright.transpose(1, 0, 2))  # x' then runs down the rows


def test_gabor_broadcasts_numbers():
    frequencies = np.array([0.5, 1.0, 2.0], "float32")
    got = gabor(3, 1.0, 0.1, 0.1, frequencies, 0.0, 0.0, 0.0, 0.0)
    for f, frequency in enumerate(frequencies):
        close(got[..., f], gabor(3, 1.0, 0.1, 0.1, frequency, 0.0, 0.0, 0.0, 0.0)[..., 0])


def test_gabor_of_zero_mean_sums_to_0():
    bank = (np.array([1.0, 2.0]), 0.1, 0.05, np.array([0.3, 1.0]), 0.2, 0.0, 0.5, 0.4)
    assert np.abs(np.sum(gabor((7, 6), *bank), (0, 1))).min() > 0.1
    assert np.abs(np.sum(gabor((7, 6), *bank, zero_mean=True), (0, 1))).max() < 1e-5


@pytest.mark.parametrize("fn, name", [(filters.sobel, "sobel"), (filters.difference, "difference")])
@pytest.mark.parametrize("channels", [0, -1, 1.0, True, None])
def test_refuses_channels(fn, name, channels):
    refuses(f"{name} expects channels, an integer above 0; received channels={channels!r}", fn, channels=channels)


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"rank": 0}, "difference expects rank, 1, 2 or 3; received rank=0"),
        ({"rank": 4}, "rank=4"),
        ({"rank": 2.0}, "rank=2.0"),
        ({"axis": 2}, "difference expects axis, one of 2 spatial axes; received axis=2"),
        ({"axis": -3}, "axis=-3"),
        ({"axis": 0.0}, "axis=0.0"),
    ],
)
def test_refuses_axes(kwargs, words):
    refuses(words, filters.difference, **kwargs)


@pytest.mark.parametrize(
    "args, words",
    [
        ((0,), "gaussian expects size, an integer of at least 1 or 2 of them; received size=0"),
        ((2.5,), "size=2.5"),
        (((3, 0, 1),), "size, an integer of at least 1 or 3 of them; received size=(3, 0, 1)"),
        (((),), "size=()"),
        (((1, 1, 1, 1),), "size=(1, 1, 1, 1)"),
        ((3, 0), "gaussian expects sigma, a number above 0 or 2 of them; received sigma=0"),
        ((3, -1.0), "sigma=-1.0"),
        ((3, "1"), "sigma='1'"),
        ((3, (1, 2, 3)), "sigma=(1, 2, 3)"),
        ((3, math.nan), "sigma=nan"),
        ((3, 1, 0), "gaussian expects channels, an integer above 0; received channels=0"),
    ],
)
def test_refuses_gaussians(args, words):
    refuses(words, filters.gaussian, *args)


@pytest.mark.parametrize(
    "ksize, change, words",
    [
        (0, {}, "gabor expects ksize, an integer of at least 1 or 2 of them; received ksize=0"),
        ((3,), {}, "ksize=(3,)"),
        ((3, 2.0), {}, "ksize=(3, 2.0)"),
        (3, {"beta_x": np.zeros((2, 2))}, "gabor expects beta_x, a number or (filters,); received beta_x=(2, 2)"),
        (3, {"alpha": np.zeros(2, "float32"), "tau": np.zeros(3, "float32")}, "gabor expects "),
    ],
)
def test_refuses_gabors(ksize, change, words):
    names = ("alpha", "beta_x", "beta_y", "frequency", "phase", "x0", "y0", "tau")
    refuses(words, filters.gabor, ksize, **dict.fromkeys(names, 1.0) | change)
