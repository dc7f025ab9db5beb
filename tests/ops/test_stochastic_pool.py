"""Stochastic pooling: the reference, every draw of a window, its mean, noise at its ends, gradients, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import DTYPE, RANKS, Case, Setting, draw_finite_pool, normal
from tests.ops.harness import BAD_WINDOWS, CHECKS, bad_samples, close, half_precision, refuses, second_order


def reference(x, ksize, strides=None, padding="valid", dilations=1, noise=None, ceil_mode=False):
    """Without noise, the mean of what noise would choose: each positive element has a share of its own size."""
    if noise is None:

        def mean(values, offsets):
            del offsets
            a = np.maximum(values, 0)
            total = a.sum(1)
            return (a * a).sum(1) / np.where(total > 0, total, 1)

        return references.pool_windows(mean, x, ksize, strides, padding, dilations, ceil_mode)
    strides = ksize if strides is None else strides
    where, output = references.windows(x.shape[1:-1], ksize, strides, padding, dilations, ceil_mode)
    y = np.zeros((len(x), *output, x.shape[-1]))
    for position, cells in where:
        for b, c in np.ndindex(len(x), x.shape[-1]):
            a = [max(float(x[(b, *cell, c)]), 0.0) for _, cell in cells if cell is not None]
            aim = float(noise[(b, *position, c)]) * sum(a)
            running = 0.0
            for value in a:
                running += value
                if running > aim:
                    y[(b, *position, c)] = value
                    break
    return y


def draw(rng, rank, one, distinct):
    """Half of them sampled: by noise whose products with whole sums are exact, or at the middle of a share."""
    (x,), kwargs = draw_finite_pool(rng, rank, one, distinct)
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


OP_CASES = {"stochastic_pool": Case(ops.stochastic_pool, reference, draw, curved=True)}


def drawn(cells, ksize, noise, **kwargs):
    """What each of the noises draws from the first window of a row of elements."""
    x = np.tile(np.array(cells, "float32").reshape(1, -1, 1), (len(noise), 1, 1))
    kwargs = {"strides": len(cells), **kwargs}
    return np.ravel(ops.stochastic_pool(x, ksize, noise=np.array(noise, "float32")[:, None, None], **kwargs)).tolist()


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["stochastic_pool"], rank)


@pytest.mark.parametrize("shift", [0, 0.5, 0.99])
def test_a_grid_of_noise_draws_each_cell_by_its_share(shift):
    """Zeros and negative values never; noise at the end of a share, as at shift 0, draws the next element."""
    noise = (np.arange(8) + shift) / 8
    assert drawn([0, 1, 3, -2, 0, 4, 0], 7, noise) == [1, 3, 3, 3, 4, 4, 4, 4]


def test_the_mean_of_all_draws_is_the_value_without_noise(seeds):
    """Shares of 1 / 64 and noise at their middles: the mean is exact but for rounding."""
    x = seeds.multinomial(64, [1 / 9] * 9, (2, 3)).astype("float32")
    x = x.transpose(0, 2, 1).reshape(2, 3, 3, 3)
    draws = [ops.stochastic_pool(x, 3, noise=np.full((2, 1, 1, 3), (i + 0.5) / 64, "float32")) for i in range(64)]
    close(np.mean(draws, 0), ops.stochastic_pool(x, 3))


def test_copies_are_drawn_as_often_as_they_stand_there():
    noise = (np.arange(5) + 0.5) / 5
    assert drawn([1, 3], 3, noise, padding=("replicate", ((1, 0),))) == [1, 1, 3, 3, 3]
    assert drawn([1, 3], 3, noise, padding=((1, 0),)) == [1, 3, 3, 3, 3]  # one in four, and no empty element


def test_noise_just_below_1_draws_a_positive_cell(seeds):
    """The running sum may be rounded to less than noise times the sum; zeros come last in half of the windows."""
    x = np.abs(normal(seeds, 500, 9, 1)) * 10.0 ** seeds.integers(-4, 5, (500, 9, 1))
    x[::2, 6:] = 0
    for noise in (np.nextafter(np.float32(1), 0), np.float64(1 - 1e-12)):  # which float32 rounds to 1
        y = ops.stochastic_pool(x.astype("float32"), 9, noise=np.full((500, 1, 1), noise))
        assert np.min(y) > 0
    assert drawn([0, 2, 0], 3, [0]) == [2]


def test_a_large_map_is_drawn_from_in_proportion(seeds):
    """Within 5 standard deviations of the shares."""
    x = np.tile(np.array([2.0, 1.0, 5.0], "float32").reshape(1, 3, 1), (1, 20000, 1))
    noise = seeds.random((1, 20000, 1)).astype("float32")
    y = np.ravel(ops.stochastic_pool(x, 3, noise=noise))
    for value, share in ((2, 0.25), (1, 0.125), (5, 0.625)):
        assert abs(np.mean(y == value) - share) < 5 * (share * (1 - share) / 20000) ** 0.5


def gradient(cells, noise):
    x = tf.constant(cells, "float32")[None, :, None]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.stochastic_pool(x, len(cells), noise=noise)
    return np.ravel(tape.gradient(y, x))


def test_gradient():
    """To the drawn element alone; of the mean m, (2 x - m) / sum for elements above 0."""
    assert gradient([1.0, 3.0, -2.0], [[[0.5]]]).tolist() == [0, 1, 0]
    close(gradient([1.0, 3.0, -2.0], None), np.float64([-0.5 / 4, 3.5 / 4, 0]))


@pytest.mark.parametrize("noise", [None, [[[0.0]]], [[[0.99]]]])
def test_a_window_without_activation_has_value_and_gradient_0(noise):
    for cells in ([0.0, -0.0], [-1.0, -2.0], [0.0, -3.0]):
        assert np.ravel(ops.stochastic_pool([[[c] for c in cells]], 2, noise=noise)) == 0
        assert gradient(cells, noise).tolist() == [0, 0]


@pytest.mark.parametrize("noise", [None, [[[0.5]]]])
def test_second_order_gradient(noise):
    """With one element above 0, y = a: loss a^2, gradient 2 a, squared 4 a^2, and its gradient 8 a."""
    (got,) = second_order(lambda x: ops.stochastic_pool(x, 2, noise=noise), [[[-1.0], [3.0]]])
    close(got.ravel(), np.float64([0, 24]), 1e-12)


@pytest.mark.parametrize("whole", [False, True])
def test_noise_of_unknown_size(seeds, whole):
    """Drawn from the output's shape within a graph, as a layer does."""
    x = normal(seeds, 2, 6, 5, 3)
    noise = seeds.random((2, 3, 2, 3)).astype("float32")
    specs = [tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None,) * 4)]
    run = tf.function(lambda x, n: ops.stochastic_pool(x, 2, noise=n), specs, jit_compile=whole, autograph=False)
    close(run(x, noise), OP_CASES["stochastic_pool"].reference(x, 2, noise=noise))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["stochastic_pool"], rank, dtype)


def test_half_precision_sums_in_float32():
    """Squares and sums that float16 cannot hold; and noise keeps its own precision."""
    x = tf.constant([60000, 60000, 60000], "float16")[None, :, None]
    assert float(ops.stochastic_pool(x, 3)[0, 0, 0]) == 60000
    x = tf.constant([2048, *[1] * 16], "float16")[None, :, None]
    assert float(ops.stochastic_pool(x, 17, noise=tf.constant([[[0.9995]]]))[0, 0, 0]) == 1  # in float16 0.9995 is 1
    assert float(ops.stochastic_pool(x, 17, noise=tf.constant([[[0.992]]]))[0, 0, 0]) == 2048


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    for noise in (None, np.zeros((0, *(2,) * rank, 2))):
        assert ops.stochastic_pool(np.zeros((0, *(5,) * rank, 2)), 2, noise=noise).shape == (0, *(2,) * rank, 2)
    for noise in (None, np.full((1, *(1,) * rank, 1), 0.9)):
        assert np.ravel(ops.stochastic_pool(np.full((1, *(1,) * rank, 1), 3.0), 1, noise=noise)) == 3


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize("noise", [None, np.zeros((1, 2, 2, 2), "float32")])
@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words, noise):
    refuses(words, ops.stochastic_pool, X, *args, noise=noise)


@pytest.mark.parametrize("x, words", bad_samples("StochasticPooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.stochastic_pool, x, 2)


@pytest.mark.parametrize(
    "noise, words",
    [
        (0.5, "stochastic_pool expects noise of the output's shape; received noise=(), output=(1, 2, 2, 2)"),
        (np.zeros((1, 2, 2, 1)), "noise=(1, 2, 2, 1), output=(1, 2, 2, 2)"),
        (np.zeros((2, 2, 2, 2)), "noise=(2, 2, 2, 2)"),
        (X, "noise=(1, 4, 5, 2), output=(1, 2, 2, 2)"),
        (np.zeros((1, 2, 2, 2), "int32"), "stochastic_pool expects floating noise; received dtype="),
        (keras.Input((2, 2, 2)), "the layer kzoo.layers.StochasticPooling2D; received a KerasTensor"),
    ],
)
def test_refuses_noise(noise, words):
    refuses(words, ops.stochastic_pool, X, 2, noise=noise)


@pytest.mark.parametrize("noise", [None, [[[0.5]]]])
def test_nan_is_not_swallowed_and_the_largest_numbers_do_not_overflow(noise):
    assert np.isnan(ops.stochastic_pool(np.array([[[1.0], [np.nan]]], "float32"), 2, noise=noise)).all()
    large = np.full((1, 2, 1), 3e38, "float32")
    np.testing.assert_allclose(ops.stochastic_pool(large, 2, noise=noise), large[:, :1], rtol=1e-6)
