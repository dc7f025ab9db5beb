"""Tiled CNNs: sizes, weights of each tile, pools over positions and over maps, and refusals."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from kzoo.models.tiled_cnn import torus
from tests.models.cards import CIFAR, Fit, shapes, trained

CARDS = {  # trained parameters, input, classes
    "tiled_cnn": (4 * 64 * (192 + 1024) + 10_250, CIFAR, 10),
    "tied_cnn": (64 * (192 + 1024) + 10_250, CIFAR, 10),
    "tica_cnn": (4 * 64 * (192 + 1024) + 10_250, CIFAR, 10),
}
FITS = {
    "tica_cnn": Fit({"filters": (16,), "kernel_sizes": (3,), "input_shape": (8, 8, 1)}, slow=True),
}


@pytest.mark.parametrize("name", ["tiled_cnn", "tied_cnn", "tica_cnn"])
def test_sizes(name):
    got = shapes(model(name), ["stage1_conv", "stage1", "stage2_conv", "stage2"])
    assert list(got.values()) == [(25, 25, 64), (12, 12, 64), (9, 9, 64), (4, 4, 64)]


@pytest.mark.parametrize("tile, weights", [(1, 64), (2, 256), (3, 576)])
def test_weights_of_a_map(tile, weights):
    """k k r r C weights of each map, for kernels of r = 8 and one channel."""
    built = model("tiled_cnn", filters=(1,), kernel_sizes=(8,), tile=tile, input_shape=(32, 32, 1), include_top=False)
    assert trained(built) == weights


@pytest.mark.parametrize("neighbourhood", [1, 2, 3])
def test_pools(neighbourhood):
    """sqrt(epsilon + sum of squares) over positions, and over neighbours on a torus of maps, one unit at a time."""
    settings = {"filters": (12,), "kernel_sizes": (3,), "epsilon": 0.1, "neighbourhood": neighbourhood}
    built = model("tica_cnn", **settings, input_shape=(9, 9, 2), include_top=False)
    x = np.random.default_rng(0).normal(size=(1, 9, 9, 2)).astype("float32")
    h, p = (y.numpy()[0] for y in keras.Model(built.inputs, [built.get_layer("stage1_conv").output, built.output])(x))
    assert torus("tica_cnn", 12) == (3, 4) and p.shape == (3, 3, 12)
    before = (neighbourhood - 1) // 2
    for row, column, unit in np.ndindex(p.shape):
        total = 0.1
        for down, right in np.ndindex(neighbourhood, neighbourhood):
            one = (unit // 4 + down - before) % 3 * 4 + (unit % 4 + right - before) % 4
            total += (h[2 * row : 2 * row + 3, 2 * column : 2 * column + 3, one] ** 2).sum()
        np.testing.assert_allclose(p[row, column, unit], total**0.5, rtol=1e-5)


def test_the_smallest_input():
    for tile, smallest in ((2, 20), (4, 22)):
        assert model("tiled_cnn", tile=tile, input_shape=(smallest, smallest, 1)).output_shape == (None, 10)
        with pytest.raises(Refusal, match=f"sides of at least {smallest}"):
            model("tiled_cnn", tile=tile, input_shape=(32, smallest - 1, 1))


def test_any_size_without_top():
    built = model("tica_cnn", input_shape=(None, None, 3), include_top=False, pooling="avg")
    assert tuple(built(np.zeros((1, 33, 20, 3))).shape) == (1, 64)


def test_width():
    assert model("tiled_cnn", width=0.25, include_top=False).output_shape == (None, 4, 4, 16)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"filters": (8,)}, "as many kernel_sizes"),
        ({"filters": (8, 0)}, "filters"),
        ({"kernel_sizes": ()}, "as many kernel_sizes"),
        ({"tile": 0}, "tile"),
        ({"pool_size": 1.5}, "pool_size"),
        ({"neighbourhood": None}, "neighbourhood"),
        ({"epsilon": -1}, "epsilon"),
        ({"filters": (64, 10), "neighbourhood": 3}, "a grid of at least 3 rows; received filters=10"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("tiled_cnn", **settings)
