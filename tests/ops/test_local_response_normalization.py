"""Local response normalization: the reference, TensorFlow's own, Caffe's form, edges of the channels, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced


def reference(
    x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75, divide_by_size=False, size=None, within_channel=False
):
    y, size = np.zeros(x.shape), 2 * depth_radius + 1 if size is None else size
    axes = range(1, x.ndim - 1) if within_channel else [x.ndim - 1]
    for position in np.ndindex(x.shape):
        squares = 0.0
        for steps in np.ndindex(*[size] * len(axes)):
            other = list(position)
            for axis, step in zip(axes, steps):
                other[axis] += step - size // 2
            if all(0 <= i < n for i, n in zip(other, x.shape)):
                squares += float(x[tuple(other)]) ** 2
        rate = alpha / size ** len(axes) if divide_by_size else alpha
        y[position] = float(x[position]) / (bias + rate * squares) ** beta
    return y


def draw(rng, rank, one, distinct):
    """Coefficients at which the neighbours weigh as much as the bias."""
    del distinct
    kwargs = {"depth_radius": int(rng.integers(0, 4)), "divide_by_size": bool(rng.random() < 0.5)}
    kwargs |= {name: float(rng.uniform(0.25, 2)) for name in ("bias", "alpha", "beta")}
    if one is not None and one["index"] % 2:
        kwargs |= {"size": 1 + one["index"] % 4, "within_channel": one["index"] % 3 == 0}
    return Setting((normal(rng, *sites(rng, rank, int(rng.integers(1, 7)))),), kwargs)


OP_CASES = {"local_response_normalization": Case(ops.local_response_normalization, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["local_response_normalization"], rank)


@pytest.mark.parametrize("radius", [0, 1, 2, 5, 20])
def test_equals_tensorflow(seeds, radius):
    """Its radius 20 is more than the channels."""
    x = 10 * normal(seeds, 2, 4, 3, 7)
    want = tf.nn.local_response_normalization(x, radius, bias=1.5, alpha=0.3, beta=0.6)
    close(ops.local_response_normalization(x, radius, 1.5, 0.3, 0.6), want)


def test_the_defaults_are_the_papers(seeds):
    """k = 2, n = 5, alpha = 1e-4, beta = 0.75, of values so large that they matter."""
    x = 100 * normal(seeds, 2, 4, 3, 7)
    want = tf.nn.local_response_normalization(x, depth_radius=2, bias=2, alpha=1e-4, beta=0.75)
    close(ops.local_response_normalization(x), want)


def test_caffes_form_divides_alpha_by_the_size(seeds):
    """AlexNet's in Caffe, local_size 5, alpha 1e-4, k 1, is TensorFlow's with bias 1 and alpha 2e-5."""
    x = 100 * normal(seeds, 2, 4, 3, 7)
    got = ops.local_response_normalization(x, 2, bias=1.0, alpha=1e-4, divide_by_size=True)
    close(got, tf.nn.local_response_normalization(x, 2, bias=1, alpha=2e-5, beta=0.75))
    assert np.abs(got - ops.local_response_normalization(x, 2, bias=1.0, alpha=1e-4)).max() > 1


def test_caffes_within_channel(seeds):
    """The mean of the squares in a window of 3 x 3 with zeros around the image, and a k of 1."""
    x = normal(seeds, 2, 4, 3, 5)
    padded = np.pad(x.astype("float64"), [(0, 0), (1, 1), (1, 1), (0, 0)]) ** 2
    mean = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2)).mean((-2, -1))
    settings = {"bias": 1.0, "alpha": 2.0, "beta": 0.75, "divide_by_size": True}
    got = ops.local_response_normalization(x, size=3, within_channel=True, **settings)
    close(got, x / (1 + 2 * mean) ** 0.75)
    refuses("spatial axes to sum over", ops.local_response_normalization, x[:, 0, 0], within_channel=True)


def test_pytorchs_even_sizes(seeds):
    """Of 4 channels two lie before the channel and one after it."""
    x = normal(seeds, 2, 3, 6)
    padded = np.pad(x.astype("float64"), [(0, 0), (0, 0), (2, 1)]) ** 2
    mean = np.lib.stride_tricks.sliding_window_view(padded, 4, -1).mean(-1)
    got = ops.local_response_normalization(x, size=4, bias=1.0, alpha=0.5, divide_by_size=True)
    close(got, x / (1 + 0.5 * mean) ** 0.75)


def test_of_dense_layers(seeds):
    """Two axes, no space; and more axes than images have."""
    for shape in ((3, 6), (2, 1, 2, 1, 2, 6)):
        x = normal(seeds, *shape)
        kwargs = {"depth_radius": 1, "alpha": 1.0, "beta": 1.0, "bias": 0.5}
        close(ops.local_response_normalization(x, **kwargs), reference(x, **kwargs))


def test_without_a_rate_or_power_it_is_a_division(seeds):
    x = normal(seeds, 2, 4, 5)
    close(ops.local_response_normalization(x, alpha=0, bias=4.0, beta=0.5), x / 2)
    close(ops.local_response_normalization(x, beta=0, alpha=1), x)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["local_response_normalization"], rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_squares_in_float32(dtype):
    """4,000 squared is no float16."""
    got = ops.local_response_normalization(tf.constant([[4096.0]], dtype), 2, 1.0, 1.0, 0.5)
    assert got.dtype == dtype and float(got[0, 0]) == 1


def test_second_order_gradient():
    """With beta = 0 the loss is x^2, and its squared gradient 4 x^2."""
    (got,) = second_order(lambda x: ops.local_response_normalization(x, beta=0), [[3.0, -4.0]])
    close(got, np.array([[24.0, -32.0]]), 1e-12)


def test_sizes_that_are_not_known():
    graph = traced(lambda x: ops.local_response_normalization(x, alpha=1.0), (None, None, None, 6))
    x = np.arange(48, dtype="float32").reshape(1, 4, 2, 6)
    close(graph(tf.constant(x)), reference(x, alpha=1.0))


def test_edges():
    assert ops.local_response_normalization(np.zeros((0, 5, 4))).shape == (0, 5, 4)
    assert float(ops.local_response_normalization([[2.0]], 2, 1.0, 1.0, 1.0)[0, 0]) == pytest.approx(0.4)
    assert not np.any(ops.local_response_normalization(np.zeros((1, 4, 4, 3))))


X = np.zeros((1, 4, 5, 6), "float32")


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"depth_radius": -1}, "expects depth_radius, an integer of at least 0; received depth_radius=-1"),
        ({"depth_radius": 2.5}, "depth_radius=2.5"),
        ({"depth_radius": True}, "depth_radius=True"),
        ({"bias": 0}, "local_response_normalization expects bias, a number above 0; received bias=0"),
        ({"bias": -1.0}, "bias=-1.0"),
        ({"bias": math.nan}, "bias=nan"),
        ({"bias": math.inf}, "bias=inf"),
        ({"bias": None}, "bias=None"),
        ({"alpha": -1e-4}, "expects alpha, a number of at least 0; received alpha=-0.0001"),
        ({"alpha": "1"}, "alpha='1'"),
        ({"size": 0}, "expects size, an integer above 0 or None; received size=0"),
        ({"size": 2.5}, "size=2.5"),
        ({"beta": -1}, "expects beta, a number of at least 0; received beta=-1"),
    ],
)
def test_refuses_settings(kwargs, words):
    refuses(words, ops.local_response_normalization, X, **kwargs)


@pytest.mark.parametrize(
    "x, words",
    [
        (X[0, 0, 0], "local_response_normalization expects x (batch, ..., channels); received shape=(6,)"),
        (X.astype("int32"), "local_response_normalization expects floating x; received dtype="),
        (X.astype("complex64"), "floating x"),
        (keras.Input((4, 6)), "the layer kzoo.layers.LocalResponseNormalization; received a KerasTensor=(None, 4, 6)"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.local_response_normalization, x)


def test_refuses_unknown_channels():
    words = "local_response_normalization expects a known number of channels"
    refuses(words, traced, ops.local_response_normalization, (1, 4, None))
