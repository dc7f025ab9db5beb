"""Compares ops with TensorFlow kernels that they do not use."""

import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops import xla
from tests.ops.cases import normal
from tests.ops.harness import flat

pytestmark = pytest.mark.peers
PEER = "TensorFlow"

CLOSE = 1e-5  # float32 sums in another order; powers
SETTINGS = 100


def hold(compare, op, ours, theirs, inputs, setting, tolerance=0.0):
    """Compares the outputs, and the gradients of the first output times fixed integers with respect to all inputs."""
    sides = []
    for fn in (ours, theirs):
        tensors = [tf.constant(a) for a in inputs]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            y = flat(fn(*tensors))
        weights = np.random.default_rng(0).integers(-4, 5, y[0].shape).astype("float32")
        sides.append((y, tape.gradient(y[0], tensors, tf.constant(weights))))
    (y, grads), (wanted, slopes) = sides
    compare(op, y, wanted, tolerance, setting=setting)
    compare(op, grads, slopes, tolerance, "gradient", setting)


def draw(rng, most_dilation=3):
    """Returns an image's size, that of a window that fits into it, strides, "valid" or "same", and dilations."""
    size = tuple(int(k) for k in rng.integers(1, 4, 2))
    dilations = tuple(int(d) for d in rng.integers(1, most_dilation + 1, 2))
    strides = tuple(int(s) for s in rng.integers(1, 4, 2))
    spatial = tuple(int((k - 1) * d + n) for k, d, n in zip(size, dilations, rng.integers(1, 6, 2)))
    return spatial, size, strides, str(rng.choice(["valid", "same"])), dilations


@pytest.mark.parametrize("name", ["dilation", "erosion"])
def test_morphology(compare, name):
    """Exactly equal: each sum has two terms, and no two elements of a window tie."""
    rng = np.random.default_rng(0)
    for _ in range(SETTINGS):
        spatial, size, strides, padding, dilations = draw(rng)

        def theirs(x, kernel, strides=strides, padding=padding, dilations=dilations):
            run = {"dilation": tf.nn.dilation2d, "erosion": tf.nn.erosion2d}[name]
            return run(x, kernel, (1, *strides, 1), padding.upper(), "NHWC", (1, *dilations, 1))

        hold(
            compare,
            f"{name} 2D",
            lambda x, kernel, args=(strides, padding, dilations): getattr(ops, name)(x, kernel, *args),
            theirs,
            [tens(rng, 2, *spatial, 3), tens(rng, *size, 3) / 32],
            (spatial, size, strides, padding, dilations),
        )


def tens(rng, *shape):
    """Returns distinct numbers in random order; their sums are exact in float32."""
    return (rng.permutation(math.prod(shape)).reshape(shape) - math.prod(shape) / 2).astype("float32")


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("pseudo_random", [False, True])
def test_fractional_max_pool(compare, overlapping, pseudo_random):
    """At the edges that TensorFlow drew, which it returns."""
    rng = np.random.default_rng(0)
    for seed in range(1, 51):
        shape = 2, *(int(n) for n in rng.integers(3, 14, 2)), 2
        ratio = [1.0, *(float(min(r, n / 2)) for r, n in zip(rng.uniform(1, 3, 2), shape[1:-1])), 1.0]
        x = tens(rng, *shape)
        drawn = tf.raw_ops.FractionalMaxPool(
            value=x,
            pooling_ratio=ratio,
            pseudo_random=pseudo_random,
            overlapping=overlapping,
            deterministic=True,
            seed=seed,
            seed2=seed,
        )
        edges = [np.asarray(e).astype("int32") for e in drawn[1:]]
        widest = int(max(np.diff(e).max() for e in edges))
        got, weights = hold_fractional(x, edges, overlapping, widest)
        compare("fractional_max_pool 2D", got[0], drawn[0], setting=(shape, ratio, seed))
        want = tf.raw_ops.FractionalMaxPoolGrad(
            orig_input=x,
            orig_output=drawn[0],
            out_backprop=weights,
            row_pooling_sequence=drawn[1],
            col_pooling_sequence=drawn[2],
            overlapping=overlapping,
        )
        compare("fractional_max_pool 2D", got[1], want, 0.0, "gradient", (shape, ratio, seed))


def hold_fractional(x, edges, overlapping, widest):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.fractional_max_pool(x, edges, overlapping, widest)
    weights = np.random.default_rng(0).integers(-4, 5, y.shape).astype("float32")
    return (y, tape.gradient(y, x, tf.constant(weights))), weights


def test_max_pool_with_argmax(compare):
    """With ties, where the first wins, and with the gradient of TensorFlow's kernel."""
    rng = np.random.default_rng(0)
    for _ in range(SETTINGS):
        spatial, size, strides, padding, _ = draw(rng, 1)

        def theirs(x, size=size, strides=strides, padding=padding):
            values, indices = tf.nn.max_pool_with_argmax(x, size, strides, padding.upper())
            return values, tf.cast(indices, "int32")

        hold(
            compare,
            "max_pool_with_argmax 2D",
            lambda x, args=(size, strides, padding): ops.max_pool_with_argmax(x, *args),
            theirs,
            [rng.integers(-3, 4, (2, *spatial, 2)).astype("float32")],
            (spatial, size, strides, padding),
        )


def test_convert_argmax_indices(compare):
    """Indices that count the batch, int32 or int64, are converted to those that do not."""
    rng = np.random.default_rng(0)
    for _ in range(SETTINGS):
        spatial, size, strides, padding, _ = draw(rng, 1)
        x, kind = normal(rng, 3, *spatial, 2), rng.choice(["int32", "int64"])

        def indices(batch, x=x, kind=kind, windows=(size, strides), padding=padding):
            return tf.nn.max_pool_with_argmax(x, *windows, padding.upper(), "NHWC", kind, batch)[1]

        got = ops.convert_argmax_indices(indices(True), "tensorflow", spatial)
        want = tf.cast(indices(False), "int32")
        compare("convert_argmax_indices 2D", got, want, setting=(spatial, size, strides, padding))


def weights_like(y):
    """Returns small integers in the shape of a tensor of unknown batch."""
    return tf.cast(tf.reshape(tf.range(tf.size(y)) * 7 % 9 - 4, tf.shape(y)), y.dtype)


@pytest.mark.parametrize("compiled", [False, True])
def test_sessions_of_tensorflow_1(compare, monkeypatch, compiled):
    """Pooling and unpooling by islands or without, in one graph with TensorFlow's kernel and a scatter; exactly equal.

    The gradients are those of `tf.gradients`, of the values and of what they are unpooled to.
    """
    if compiled:
        monkeypatch.setattr(xla, "_disabled", 0)
    rng, fetched, fed, settings = np.random.default_rng(0), [], {}, []
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for _ in range(8 if compiled else SETTINGS):
            spatial, *geometry, _ = draw(rng, 1)
            array = tens(rng, 2, *spatial, 2)
            x = tf.compat.v1.placeholder("float32", (None, *spatial, 2))
            values, indices = ops.max_pool_with_argmax(x, *geometry)
            sides = [(values, ops.max_unpool(values, indices, spatial, *geometry))]
            *windows, padding = geometry
            values, indices = tf.nn.max_pool_with_argmax(x, *windows, padding.upper(), include_batch_in_index=True)
            flat_size = tf.constant([array.size], "int64")
            y = tf.scatter_nd(tf.reshape(indices, (-1, 1)), tf.reshape(values, (-1,)), flat_size)
            sides.append((values, tf.reshape(y, tf.shape(x))))
            fetched.append([(pair, [tf.gradients(y, x, weights_like(y))[0] for y in pair]) for pair in sides])
            fed[x] = array
            settings.append((spatial, *geometry))
        found = session.run(fetched, fed)
    for ((y, grads), (wanted, slopes)), setting in zip(found, settings):
        op = "max_pool_with_argmax, max_unpool 2D, session" + (", compiled" if compiled else "")
        compare(op, y, wanted, setting=setting)
        compare(op, grads, slopes, 0.0, "gradient", setting)


def test_average(compare):
    """With equal weights; neither counts padded elements."""
    rng = np.random.default_rng(0)
    for _ in range(SETTINGS):
        spatial, size, strides, padding, _ = draw(rng, 1)
        hold(
            compare,
            "weighted_pool 2D, equal weights",
            lambda x, size=size, s=strides, p=padding: ops.weighted_pool(x, [np.ones(k) for k in size], s, p),
            lambda x, size=size, s=strides, p=padding: tf.nn.avg_pool2d(x, size, s, p.upper()),
            [normal(rng, 2, *spatial, 2)],
            (spatial, size, strides, padding),
            CLOSE,
        )


def test_pixel_shuffle(compare):
    """tf.nn.depth_to_space and space_to_depth, exactly equal."""
    rng = np.random.default_rng(0)
    for _ in range(SETTINGS):
        factor, channels = (int(n) for n in rng.integers((2, 1), 5))
        spatial = tuple(int(n) for n in rng.integers(1, 5, 2))
        x = normal(rng, 2, *spatial, channels * factor**2)
        y = normal(rng, 2, *(n * factor for n in spatial), channels)
        for name, theirs, a in (("pixel_shuffle", "depth_to_space", x), ("pixel_unshuffle", "space_to_depth", y)):
            hold(
                compare,
                f"{name} 2D",
                lambda x, name=name, factor=factor: getattr(ops, name)(x, factor, "DCR"),
                lambda x, name=theirs, factor=factor: getattr(tf.nn, name)(x, factor),
                [a],
                (a.shape, factor),
            )


def test_local_response_normalization(compare):
    rng = np.random.default_rng(0)
    for _ in range(SETTINGS):
        args = int(rng.integers(0, 5)), *(float(n) for n in rng.uniform(0.2, 2, 3))
        shape = 2, *(int(n) for n in rng.integers(1, 5, 2)), int(rng.integers(1, 9))
        hold(
            compare,
            "local_response_normalization 2D",
            lambda x, args=args: ops.local_response_normalization(x, *args),
            lambda x, args=args: tf.nn.local_response_normalization(x, *args),
            [normal(rng, *shape)],
            (shape, args),
            CLOSE,
        )


def test_sobel(compare):
    rng = np.random.default_rng(0)
    for _ in range(SETTINGS):
        channels, spatial = int(rng.integers(1, 4)), tuple(int(n) for n in rng.integers(2, 9, 2))
        hold(
            compare,
            "filters.sobel",
            lambda x, c=channels: ops.conv(x, ops.filters.sobel(c), padding="reflect"),
            lambda x: tf.reshape(tf.image.sobel_edges(x), (*x.shape[:3], -1)),
            [normal(rng, 2, *spatial, channels)],
            (spatial, channels),
            CLOSE,
        )
