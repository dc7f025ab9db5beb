"""Local contrast normalization: the reference, constants, shifts and scales, the deviation it leaves, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import MOST, RANKS, Case, Setting, normal
from tests.ops.harness import CHECKS, close, half_precision, refuses, traced


def draw(rng, rank, one, distinct):
    """Never a window of a single number, whose contrast is nothing but rounding.

    Distinct: no local deviation so near the sample's mean that a step crosses it.
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


OP_CASES = {
    "local_contrast_normalization": Case(
        ops.local_contrast_normalization, references.local_contrast_normalization, draw, curved=True
    )
}
PADDINGS = ("same", "valid")


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["local_contrast_normalization"], rank)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("value", [0.0, 1.0, 0.3, -7.1, 255.0])
@pytest.mark.parametrize("jit", [False, True])
def test_a_constant_image_gives_0(jit, value, padding):
    """At the borders too; 0.3 and 7.1 are no sums of powers of 2, so that a mean may round."""
    fn = tf.function(lambda x: ops.local_contrast_normalization(x, 5, padding), jit_compile=jit, autograph=False)
    assert not np.any(fn(tf.fill((2, 9, 8, 3), value)))


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_constant_added_changes_nothing(seeds, padding):
    x = seeds.normal(size=(2, 9, 8, 3))
    want = ops.local_contrast_normalization(x, 5, padding)
    close(ops.local_contrast_normalization(x + 3, 5, padding), want, 1e-12)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("scale", [1e-3, 7.0, 1e6])
def test_a_scale_changes_nothing(seeds, scale, padding):
    """As the least deviation scales along; of each sample on its own."""
    x = seeds.normal(size=(2, 9, 8, 3))
    want = ops.local_contrast_normalization(x, 5, padding)
    close(ops.local_contrast_normalization(x * np.reshape([scale, 1], (2, 1, 1, 1)), 5, padding), want, 1e-12)


def test_where_the_contrast_is_high_the_deviation_becomes_1(seeds):
    """Flat but for a busy corner: within it the local deviations are above the mean one, so what is left has 1."""
    x = np.zeros((1, 24, 24, 2))
    x[:, :12, :12] = seeds.normal(size=(1, 12, 12, 2))
    y = np.asarray(ops.local_contrast_normalization(x, 5))
    inner = y[0, 3:9, 3:9]
    assert 0.9 < inner.std() < 1.1
    assert np.abs(y[0, 17:, 17:]).max() < 1e-12


def test_low_contrasts_are_divided_by_the_mean_deviation(seeds):
    """So they stay low, in proportion: where they are a hundredth, so is the result."""
    x = seeds.normal(size=(1, 24, 24, 1))
    x[:, 12:] /= 100
    y = np.asarray(ops.local_contrast_normalization(x, 5))
    assert y[0, 18:].std() < 0.05 and y[0, :8].std() > 0.5


def test_means_are_over_all_channels():
    """Channels of one value each differ from their mean: no zeros."""
    x = np.zeros((1, 7, 7, 2)) + [1.0, 3.0]
    close(ops.local_contrast_normalization(x, 3), np.zeros((1, 7, 7, 2)) + [-1.0, 1.0], 1e-12)


def test_valid_leaves_out_the_cells_whose_window_does_not_fit(seeds):
    """Where the local deviation is above both images' mean, the two agree."""
    x = seeds.normal(size=(1, 9, 8, 2))
    got = ops.local_contrast_normalization(x, (5, 3), "valid")
    assert got.shape == (1, 5, 6, 2)
    ratio = np.asarray(got) / np.asarray(ops.local_contrast_normalization(x, (5, 3)))[:, 2:-2, 1:-1]
    assert ratio.min() > 0.8 and ratio.max() < 1.25 and np.isclose(ratio, 1, atol=1e-12).mean() > 0.2


def test_a_sigma_without_end_weighs_all_alike(seeds):
    x = seeds.normal(size=(1, 3, 3, 2))
    got = ops.local_contrast_normalization(x, 5, sigma=1e6)  # every window holds the whole image
    close(got, (x - x.mean()) / x.std(), 1e-9)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["local_contrast_normalization"], rank, dtype)


@pytest.mark.parametrize("jit", [False, True])
def test_a_blank_image_has_gradient_0(jit):
    fn = tf.function(
        lambda x: tf.gradients(ops.local_contrast_normalization(x, 3), x), jit_compile=jit, autograph=False
    )
    assert not np.any(fn(tf.zeros((1, 5, 5, 2)))[0])  # NaN counts as any


def test_sizes_that_are_not_known(seeds):
    for padding in PADDINGS:
        fn = lambda x, padding=padding: ops.local_contrast_normalization(x, 3, padding)  # noqa: E731
        x = normal(seeds, 1, 6, 5, 2)
        want = references.local_contrast_normalization(x, ksize=3, padding=padding)
        close(traced(fn, (None, None, None, 2))(tf.constant(x)), want)


def test_edges():
    assert ops.local_contrast_normalization(np.zeros((0, 5, 5, 2)), 3).shape == (0, 5, 5, 2)
    assert ops.local_contrast_normalization(np.zeros((0, 5, 5, 2)), 3, "valid").shape == (0, 3, 3, 2)
    assert np.ravel(ops.local_contrast_normalization(np.full((1, 1, 1, 1), 3.0))) == [0]
    assert np.ravel(ops.local_contrast_normalization(np.full((1, 1, 1), 3.0), 1, "valid")) == [0]


X = np.zeros((1, 5, 6, 2), "float32")


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"ksize": 4}, "local_contrast_normalization expects ksize, odd on every axis; received ksize=(4, 4)"),
        ({"ksize": (3, 2)}, "ksize=(3, 2)"),
        ({"ksize": 0}, "ksize, an integer of at least 1 or 2 of them; received ksize=0"),
        ({"ksize": 3.0}, "ksize=3.0"),
        ({"ksize": (3, 3, 3)}, "ksize=(3, 3, 3)"),
        ({"ksize": 7, "padding": "valid"}, "a window that fits into the padded input on spatial axis 0"),
        ({"ksize": 3, "padding": "full"}, 'expects padding, "same" or "valid"; received padding=\'full\''),
        ({"ksize": 3, "padding": 1}, "padding=1"),
        ({"ksize": 3, "padding": ("same",)}, "padding=('same',)"),
        ({"ksize": 3, "sigma": 0}, "expects sigma, a number above 0 or 2 of them; received sigma=0"),
        ({"ksize": 3, "sigma": -1.0}, "sigma=-1.0"),
        ({"ksize": 3, "sigma": (1, 2, 3)}, "sigma=(1, 2, 3)"),
        ({"ksize": 3, "sigma": math.inf}, "sigma=inf"),
        ({"ksize": 3, "sigma": "1"}, "sigma='1'"),
    ],
)
def test_refuses_settings(kwargs, words):
    refuses(words, ops.local_contrast_normalization, X, **kwargs)


@pytest.mark.parametrize(
    "x, words",
    [
        (
            X[0, 0],
            "local_contrast_normalization expects x (batch, *spatial, channels) with 1 to 3 spatial axes; received",
        ),
        (X[None, None], "1 to 3 spatial axes; received shape=(1, 1, 1, 5, 6, 2)"),
        (X.astype("int32"), "local_contrast_normalization expects floating x; received dtype="),
        (X.astype("complex64"), "floating x"),
        (X[:, :0], "an input of at least 1 pixel on spatial axis 0"),
        (keras.Input((5, 6, 2)), "the layer kzoo.layers.LocalContrastNormalization; received a KerasTensor=(None, 5"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.local_contrast_normalization, x, 3)
