"""Probabilistic max pooling: the reference, sums of one, large inputs, draws, and refusals."""

import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import DTYPE, RANKS, Case, Setting, normal
from tests.ops.harness import CHECKS, bad_samples, close, half_precision, refuses


def reference(x, ksize=2, noise=None):
    """(hidden, pooled): one softmax a block, "none" among the choices; with noise the choice it falls on."""
    size = references.per_axis(ksize, x.ndim - 2)
    hidden = np.zeros(x.shape)
    pooled = np.zeros((len(x), *(n // k for n, k in zip(x.shape[1:-1], size)), x.shape[-1]))
    for b, *block, c in np.ndindex(pooled.shape):
        cells = [tuple(p * k + o for p, k, o in zip(block, size, offset)) for offset in np.ndindex(*size)]
        values = [float(x[(b, *cell, c)]) for cell in cells]
        top = max(0.0, *values)
        total = math.exp(-top) + sum(math.exp(v - top) for v in values)
        shares = [math.exp(v - top) / total for v in values]
        if noise is not None:
            running = np.cumsum(shares) > noise[(b, *block, c)]
            shares = [float(i == np.argmax(running) and running.any()) for i in range(len(shares))]
        for cell, share in zip(cells, shares):
            hidden[(b, *cell, c)] = share
        pooled[(b, *block, c)] = sum(shares)
    return hidden, pooled


def draw(rng, rank, one, distinct):
    """Half of the random ones sampled, by noise at the middle of a unit's share or of that of none."""
    size = tuple(int(n) for n in rng.integers(1, 4, rank))
    shape = (2, *(k * int(rng.integers(1, 4 - rank // 2)) for k in size), 2)
    x = normal(rng, *shape) * np.float32(1 if distinct else rng.choice([1, 5]))
    kwargs = {"ksize": size[0] if len(set(size)) == 1 else size}
    if one is None and rng.random() < 0.5:
        noise = np.zeros((2, *(n // k for n, k in zip(shape[1:], size)), 2))
        hidden, pooled = reference(x, size)
        for b, *block, c in np.ndindex(noise.shape):
            inside = tuple(slice(p * k, p * k + k) for p, k in zip(block, size))
            shares = [*hidden[(b, *inside, c)].ravel(), 1 - pooled[(b, *block, c)]]
            chosen_one = rng.choice(np.flatnonzero(np.array(shares) > 1e-3))
            noise[(b, *block, c)] = sum(shares[:chosen_one]) + shares[chosen_one] / 2
        kwargs["noise"] = noise.astype(DTYPE)
    return Setting((x,), kwargs)


OP_CASES = {"probabilistic_max_pool": Case(ops.probabilistic_max_pool, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["probabilistic_max_pool"], rank)


def test_a_block_and_none_sum_to_one(seeds):
    """ "None" has the probability 1 / (1 + sum of exp)."""
    x = normal(seeds, 2, 6, 4, 3)
    hidden, pooled = ops.probabilistic_max_pool(x, (3, 2))
    blocks = np.asarray(hidden).reshape(2, 2, 3, 2, 2, 3).sum((2, 4))
    none = 1 / (1 + np.exp(x).reshape(2, 2, 3, 2, 2, 3).sum((2, 4)))
    close(pooled, blocks)
    close(none + blocks, np.ones_like(none))


def test_a_block_of_one_is_a_sigmoid(seeds):
    x = normal(seeds, 2, 5, 3)
    for y in ops.probabilistic_max_pool(x, 1):
        close(y, 1 / (1 + np.exp(-x.astype("float64"))))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_large_inputs_do_not_overflow(dtype):
    """The largest of a block wins, equals share, and below 0 it is none; with gradients that are finite."""
    x = tf.constant([[1e4, -1e4], [1e4, 1e4], [-1e4, -1e4]], dtype)[..., None]
    with tf.GradientTape() as tape:
        tape.watch(x)
        hidden, pooled = ops.probabilistic_max_pool(x, 2)
    np.testing.assert_array_equal(hidden[..., 0], [[1, 0], [0.5, 0.5], [0, 0]])
    np.testing.assert_array_equal(np.ravel(pooled), [1, 1, 0])
    assert np.isfinite(tape.gradient(hidden, x)).all()


def test_a_grid_of_noise_draws_each_unit_by_its_share():
    """Shares 2/8, 1/8, 4/8 of the units and 1/8 of none."""
    x = np.tile(np.log(np.float32([2, 1, 4])).reshape(1, 3, 1), (8, 1, 1))
    noise = ((np.arange(8) + 0.5) / 8).astype("float32").reshape(8, 1, 1)
    hidden, pooled = map(np.asarray, ops.probabilistic_max_pool(x, 3, noise))
    np.testing.assert_array_equal(hidden.sum((0, 2)), [2, 1, 4])
    np.testing.assert_array_equal(np.ravel(pooled), [1] * 7 + [0])


def test_a_share_of_nothing_is_never_drawn():
    """Sums of probabilities must exceed the noise, which may be 0, or just as much as they are."""
    hidden, _ = ops.probabilistic_max_pool(np.float32([[[-1e4], [0.0]]]), 2, np.zeros((1, 1, 1), "float32"))
    np.testing.assert_array_equal(np.ravel(hidden), [0, 1])
    assert not np.any(ops.probabilistic_max_pool(np.zeros((1, 1, 1), "float32"), 1, np.full((1, 1, 1), 0.5))[0])


def test_blocks_of_two_unless_told(seeds):
    x = normal(seeds, 2, 6, 6, 3)
    for one, two in zip(ops.probabilistic_max_pool(x), ops.probabilistic_max_pool(x, 2)):
        np.testing.assert_array_equal(one, two)


def test_at_most_one_is_on(seeds):
    x, noise = normal(seeds, 4, 12, 12, 3), seeds.random((4, 4, 6, 3)).astype("float32")
    hidden, pooled = map(np.asarray, ops.probabilistic_max_pool(x, (3, 2), noise))
    on = hidden.reshape(4, 4, 3, 6, 2, 3).sum((2, 4))
    assert set(np.unique(hidden)) == {0, 1} and set(np.unique(on)) == {0, 1}
    np.testing.assert_array_equal(on, pooled)


def test_draws_are_as_frequent_as_their_probabilities(seeds):
    """Within 5 standard deviations."""
    x, noise = normal(seeds, 1, 2, 2, 5), seeds.random((20000, 1, 1, 5)).astype("float32")
    shares = np.asarray(ops.probabilistic_max_pool(x, 2)[0])[0]
    hidden = np.asarray(ops.probabilistic_max_pool(np.tile(x, (20000, 1, 1, 1)), 2, noise)[0])
    assert (np.abs(hidden.mean(0) - shares) < 5 * np.sqrt(shares * (1 - shares) / 20000)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["probabilistic_max_pool"], rank, dtype)


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    for noise in (None, np.zeros((0, *(2,) * rank, 2))):
        hidden, pooled = ops.probabilistic_max_pool(np.zeros((0, *(4,) * rank, 2)), 2, noise)
        assert hidden.shape == (0, *(4,) * rank, 2) and pooled.shape == (0, *(2,) * rank, 2)


X = np.zeros((1, 4, 6, 2), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X, 3), "spatial sizes that ksize divides; received ksize=(3, 3), spatial=(4, 6)"),
        ((X, 0), "ksize=0"),
        ((X[:, :0], 2), "spatial sizes that ksize divides; received ksize=(2, 2), spatial=(0, 6)"),
        ((X, (2, 2, 2)), "ksize=(2, 2, 2)"),
        ((X, 2, np.zeros((1, 2, 3, 1), "float32")), "noise of the pooled shape; received noise=(1, 2, 3, 1)"),
        ((X, 2, 0.5), "noise=(), pooled=(1, 2, 3, 2)"),
        ((X, 2, np.zeros((1, 2, 3, 2), "int32")), "probabilistic_max_pool expects floating noise"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.probabilistic_max_pool, *args)


@pytest.mark.parametrize("x, words", bad_samples("ProbabilisticMaxPooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.probabilistic_max_pool, x, 1)
