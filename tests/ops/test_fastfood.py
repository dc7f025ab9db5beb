"""Fastfood: the matrices, the lengths of rows, blocks side by side, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses


def reference(x, scale, gaussian, signs, permutation):
    """As matrices, one block after the other."""
    blocks, d = scale.shape
    filled = np.zeros((*x.shape[:-1], d))
    filled[..., : x.shape[-1]] = x
    h = references.hadamard(np.eye(d))
    y = []
    for s, g, b, p in zip(scale, gaussian, signs, permutation):
        matrix = np.diag(s) @ h @ np.diag(g) @ np.eye(d)[p] @ h @ np.diag(b) / math.sqrt(d)
        y.append(filled @ matrix.T)
    return np.concatenate(y, -1)


def draw(rng, rank, one, distinct):
    del distinct
    n = int(rng.integers(1, 20)) if one is None else (1, 2, 3, 5, 8, 13, 16, 17, 4, 6)[one["index"]]
    blocks, d = int(rng.integers(1, 4)), 2 ** math.ceil(math.log2(n))
    diagonals = [normal(rng, blocks, d) for _ in range(3)]
    permutation = np.stack([rng.permutation(d) for _ in range(blocks)]).astype("int32")
    return Setting((normal(rng, *sites(rng, rank, n)), *diagonals, permutation), {})


def fastfood(x, scale, gaussian, signs, permutation):
    return ops.fastfood(x, scale, gaussian, permutation, signs)


OP_CASES = {"fastfood": Case(fastfood, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["fastfood"], rank)


def test_rows_have_the_lengths_of_the_scale(seeds):
    """With signs of 1 or -1 every row of H G P H B / sqrt(d) has the length |G|, so that S / |G| sets the lengths."""
    d, lengths = 64, seeds.uniform(1, 5, (2, 64))
    gaussian, signs = normal(seeds, 2, d), seeds.choice([-1.0, 1.0], (2, d)).astype("float32")
    scale = (lengths / np.linalg.norm(gaussian, axis=1, keepdims=True)).astype("float32")
    permutation = np.stack([seeds.permutation(d) for _ in range(2)])
    rows = np.asarray(ops.fastfood(np.eye(d, dtype="float32"), scale, gaussian, permutation, signs)).T
    close(np.linalg.norm(rows, axis=1), lengths.ravel())


def test_with_ones_it_is_the_identity_up_to_a_root(seeds):
    """H H / sqrt(d) = sqrt(d); a permutation and signs alone would show."""
    x, one = normal(seeds, 3, 16), np.ones((1, 16), "float32")
    close(ops.fastfood(x, one, one, np.arange(16)[None], one), 4 * x)


def test_blocks_stand_side_by_side(seeds):
    (x, *diagonals, permutation), _ = OP_CASES["fastfood"].ten(1)[4]
    both = ops.fastfood(
        x,
        *(np.concatenate([p, 2 * p]) for p in diagonals[:2]),
        np.tile(permutation, (2, 1)),
        np.tile(diagonals[2], (2, 1)),
    )
    one = np.asarray(ops.fastfood(x, *diagonals[:2], permutation, diagonals[2]))
    close(both, np.concatenate([one, 4 * one], -1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["fastfood"], rank, dtype)


ONE, PLACES, X = np.ones((2, 4), "float32"), np.tile(np.arange(4), (2, 1)), np.zeros((3, 4), "float32")


def test_edges():
    assert ops.fastfood(X[:0], ONE, ONE, PLACES, ONE).shape == (0, 8)
    assert ops.fastfood(X[0], ONE, ONE, PLACES, ONE).shape == (8,)


@pytest.mark.parametrize(
    "args, words",
    [
        ((X.astype("int32"), ONE, ONE, PLACES, ONE), "fastfood expects floating x"),
        (
            (np.zeros((3, 5), "float32"), ONE, ONE, PLACES, ONE),
            "d a power of two of at least x's last axis; received x=",
        ),
        ((X[:, :3], ONE[:, :3], ONE[:, :3], PLACES[:, :3], ONE[:, :3]), "scale=(2, 3)"),
        ((X, ONE[0], ONE, PLACES, ONE), "scale=(4,)"),
        ((X, ONE, ONE[:1], PLACES, ONE), "gaussian, permutation and signs of scale's shape (2, 4)"),
        ((X, ONE, ONE, PLACES, ONE[:, :2]), "(2, 2)]"),
        ((X, ONE, ONE.astype("float64"), PLACES, ONE), "x and the diagonals of one dtype"),
        ((X, ONE, ONE, PLACES, ONE.astype("float64")), "x and the diagonals of one dtype"),
        ((X, ONE, ONE, ONE, ONE), "fastfood expects integers in permutation"),
        ((keras.Input((4,)), ONE, ONE, PLACES, ONE), "the layer kzoo.layers.Fastfood; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.fastfood, *args)
