"""Foveated glimpses: the reference, averaged crops, locations beyond the image, slopes, and refusals."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import DTYPE, Case, Setting, normal
from tests.ops.harness import CHECKS, close, half_precision, refuses


def reference(x, location, size, scales=3, ratio=2):
    """Each pixel of each patch averages samples one pixel apart, each interpolated from its four neighbours."""
    size, (batch, height, width, channels) = references.per_axis(size, 2), x.shape
    y = np.zeros((batch, *size, scales * channels))
    for b, i, j, s in np.ndindex(batch, *size, scales):
        step = ratio**s
        total = np.zeros(channels)
        for u, v in np.ndindex(step, step):
            row = (float(location[b, 0]) + 1) / 2 * (height - 1) + i * step + u - (size[0] * step - 1) / 2
            column = (float(location[b, 1]) + 1) / 2 * (width - 1) + j * step + v - (size[1] * step - 1) / 2
            for r, c in itertools.product(
                (math.floor(row), math.floor(row) + 1), (math.floor(column), math.floor(column) + 1)
            ):
                if 0 <= r < height and 0 <= c < width:
                    total += (1 - abs(row - r)) * (1 - abs(column - c)) * x[b, r, c]
        y[b, i, j, s * channels : (s + 1) * channels] = total / step**2
    return y


def draw(rng, rank, one, distinct):
    """Locations inside and outside the image; distinct: a quarter of a pixel from whole ones, where slopes jump."""
    del rank
    index = one["index"] if one else int(rng.integers(60))
    height, width = spatial = tuple(int(n) for n in rng.integers(1, 8, 2)) if one is None else one["spatial"]
    size = (index % 3 + 1, index % 4 + 1)
    location = rng.uniform(-1.5, 1.5, (2, 2))
    if distinct:
        # a quarter or three of an element from a sample's position, whichever way the patches stand
        cells = rng.integers(0, min(spatial), (2, 2)) + rng.choice([0.25, 0.75], (2, 2))
        location = cells / (np.array([height, width]) - 1) * 2 - 1
    kwargs = {"size": size, "scales": index % 3 + 1, "ratio": (2, 3)[index % 2]}
    return Setting((normal(rng, 2, *spatial, 2), location.astype(DTYPE)), kwargs)


OP_CASES = {"foveated_glimpse": Case(ops.foveated_glimpse, reference, draw, curved=True, ranks=(2,))}


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(OP_CASES["foveated_glimpse"], 2)


def test_at_the_centre_it_is_averaged_crops(seeds):
    """Of 16 x 16 pixels the middle 4 x 4, the middle 8 x 8 in means of 2 x 2, and all in means of 4 x 4."""
    x = normal(seeds, 2, 16, 16, 3)
    y = np.asarray(ops.foveated_glimpse(x, np.zeros((2, 2), "float32"), 4))
    for scale, (crop, width) in enumerate(((slice(6, 10), 1), (slice(4, 12), 2), (slice(None), 4))):
        want = x[:, crop, crop].reshape(2, 4, width, 4, width, 3).mean((2, 4))
        close(y[..., 3 * scale : 3 * scale + 3], want)


def test_whole_shifts_and_corners(seeds):
    """Row and column from -1, the first pixel's centre, to 1, the last one's; zeros beyond."""
    x = normal(seeds, 3, 9, 5, 2)
    corners = np.float32([[-1, -1], [1, -1], [0.25, 0.5]])  # the last: row 5 and column 3
    y = np.asarray(ops.foveated_glimpse(x, corners, 3, 1))
    filled = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for n, (row, column) in enumerate([(0, 0), (8, 0), (5, 3)]):
        close(y[n], filled[n, row : row + 3, column : column + 3])


def test_far_away_there_is_nothing(seeds):
    assert not np.any(ops.foveated_glimpse(normal(seeds, 2, 6, 6, 1), np.full((2, 2), -9.0, "float32"), 4))


def test_the_slope_along_the_place(seeds):
    """Of a smooth image against a difference quotient, in float64."""
    rows, columns = np.mgrid[:12, :10]
    x = np.sin(rows / 3 + columns / 4)[None, ..., None]
    place = tf.constant([[0.13, -0.21]], "float64")
    with tf.GradientTape() as tape:
        tape.watch(place)
        loss = tf.reduce_sum(ops.foveated_glimpse(x, place, 3) ** 2)
    slope = tape.gradient(loss, place).numpy()[0]
    for axis in range(2):
        ends = [np.sum(ops.foveated_glimpse(x, place + s * 1e-6 * np.eye(2)[axis], 3) ** 2) for s in (1, -1)]
        np.testing.assert_allclose(slope[axis], (ends[0] - ends[1]) / 2e-6, rtol=1e-6)
    assert np.abs(slope).min() > 0.01


def test_the_slope_at_whole_cells_is_that_ahead():
    """Four pixels around the middle of an even image: all samples stand on pixels, and a step meets the next."""
    x, place = np.float32([1, 4, 9, 16]).reshape(1, 1, 4, 1), tf.zeros((1, 2))
    with tf.GradientTape() as tape:
        tape.watch(place)
        y = ops.foveated_glimpse(x, place, (1, 2), 1)
    slopes = tape.jacobian(y, place)[0, 0, :, 0, 0, 1]  # a step of 1 is 1.5 pixels
    np.testing.assert_allclose(slopes, [5 * 1.5, 7 * 1.5])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["foveated_glimpse"], 2, dtype)


X, PLACE = np.zeros((1, 4, 5, 2), "float32"), np.zeros((1, 2), "float32")


def test_edges():
    assert ops.foveated_glimpse(X[:0], PLACE[:0], 3).shape == (0, 3, 3, 6)


def test_half_precision_of_the_image_leaves_the_place_alone():
    """Every other of 2,001 columns is 1; a position rounded to float16 is a fifth of a column off."""
    x, place = (np.arange(2001) % 2).astype("float16").reshape(1, 1, 2001, 1), np.float32([[0, 0.7702]])
    (got,), (want,) = (np.ravel(ops.foveated_glimpse(image, place, 1, 1)) for image in (x, x.astype("float32")))
    assert abs(got - want) < 1e-3 and abs(float(np.float16(0.7702)) - 0.7702) * 1000 > 0.1


def test_three_scales_each_twice_the_last_unless_told(seeds):
    x, place = normal(seeds, 2, 9, 9, 1), normal(seeds, 2, 2) / 2
    np.testing.assert_array_equal(ops.foveated_glimpse(x, place, 3), ops.foveated_glimpse(x, place, 3, 3, 2))


@pytest.mark.parametrize(
    "args, words",
    [
        ((X[0], PLACE, 3), "foveated_glimpse expects x (batch, height, width, channels); received shape=(4, 5, 2)"),
        ((X.astype("int32"), PLACE, 3), "foveated_glimpse expects floating x"),
        ((X, PLACE[0], 3), "location (batch, 2), floating; received location=(2,)"),
        ((X, np.zeros((1, 3), "float32"), 3), "location=(1, 3)"),
        ((X, np.zeros((1, 2), "int32"), 3), "location (batch, 2), floating"),
        ((X, np.zeros((3, 2), "float32"), 3), "location (batch, 2)"),
        ((X, PLACE, 0), "size=0"),
        ((X, PLACE, (3, 3, 3)), "size=(3, 3, 3)"),
        ((X, PLACE, 3, 0), "scales, an integer above 0; received scales=0"),
        ((X, PLACE, 3, 2, 1.5), "ratio, an integer above 0; received ratio=1.5"),
        ((keras.Input((4, 5, 2)), PLACE, 3), "the layer kzoo.layers.FoveatedGlimpse2D; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.foveated_glimpse, *args)
