"""Logits from distances to prototypes: the reference, nearest neighbours, precisions, refusals."""

import keras
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order


def reference(x, prototypes, temperature=1.0):
    y = np.zeros((*x.shape[:-1], prototypes.shape[1]))
    for *site, k in np.ndindex(y.shape):
        apart = [
            sum((float(a) - float(b)) ** 2 for a, b in zip(x[tuple(site)], prototypes[:, k, j])) / temperature
            for j in range(prototypes.shape[2])
        ]
        nearest = min(apart)
        y[(*site, k)] = np.log(sum(np.exp(nearest - d) for d in apart)) - nearest
    return y


def draw(rng, rank, one, distinct):
    del one, distinct
    channels, classes, several = (int(n) for n in rng.integers(1, 4, 3))
    x, prototypes = normal(rng, *sites(rng, rank, channels)), normal(rng, channels, classes, several)
    return Setting((x, prototypes), {"temperature": float(rng.choice([0.5, 1.0, 2.0]))})


CASE = Case(ops.prototype_logits, reference, draw, curved=True)
OP_CASES = {"prototype_logits": CASE}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(CASE, rank)


def test_one_prototype_is_a_radial_basis_function(seeds):
    x, kernel = normal(seeds, 3, 5), normal(seeds, 5, 4)
    close(ops.prototype_logits(x, kernel[:, :, None], 2.0), np.asarray(ops.rbf(x, kernel)) / 2)


def test_nearest_neighbours(seeds):
    """With all examples as prototypes and a small temperature the largest logit is that of the nearest one's class."""
    x, other = seeds.normal(size=(60, 3)), seeds.normal(size=(40, 3))
    labels = np.arange(60) % 4
    stored = np.stack([x[labels == k] for k in range(4)], 1).transpose(2, 1, 0)
    got = np.argmax(ops.prototype_logits(other, stored, 1e-4), -1)
    np.testing.assert_array_equal(got, KNeighborsClassifier(1).fit(x, labels).predict(other))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_precisions(dtype):
    half_precision(CASE, 2, dtype)


def test_far_inputs_do_not_overflow():
    """The exponentials are all 0 in float32; the logits are distances."""
    far = np.float32([[1000, 0]])
    got = np.asarray(ops.prototype_logits(far, np.float32([[[0, 1000]], [[0, 500]]])))
    close(got, np.array([[-250_000.0]]))


def test_second_order_gradient():
    """One prototype, as `rbf`: gradients 4 d^3 and -4 d^3, squared 32 d^6, whose slope is 192 d^5."""
    x, w = second_order(ops.prototype_logits, [[3.0]], [[[1.0]]])
    assert (x.item(), w.item()) == (192 * 2**5, -192 * 2**5)


X, W = np.zeros((2, 3), "float32"), np.zeros((3, 4, 2), "float32")


@pytest.mark.parametrize(
    "x, prototypes, temperature, words",
    [
        (X, W[..., 0], 1.0, "prototypes (C, classes, prototypes of each class); received prototypes=(3, 4)"),
        (X, W[..., :0], 1.0, "received prototypes=(3, 4, 0)"),
        (X, W[:2], 1.0, "received x=(2, 3), kernel=(2, 8)"),
        (X, W, 0.0, "prototype_logits expects temperature, a number above 0; received temperature=0.0"),
        (X, W.astype("float64"), 1.0, "x and kernel of one dtype"),
        (keras.Input((3,)), W, 1.0, "the layer kzoo.layers.Prototypes; received a KerasTensor=(None, 3)"),
    ],
)
def test_refuses(x, prototypes, temperature, words):
    refuses(words, ops.prototype_logits, x, prototypes, temperature)
