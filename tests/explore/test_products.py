"""The terms of a cell against the layer itself, for all kinds of convolution, and the channels that are summed."""

from functools import partial

import numpy as np
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.explore.products import SHOWN, cell_products, has_products
from kzoo.layers.conv import Conv2D
from kzoo.layers.locally_connected import LocallyConnected1D
from kzoo.layers.tiled_conv import TiledConv1D


@pytest.mark.parametrize(
    "layer, shape, position, tile",
    [
        (partial(layers.Conv2D, 4, 3, padding="same", strides=2), (7, 8, 3), (0, 1), ()),
        (partial(layers.Conv2D, 4, (3, 2), dilation_rate=2, groups=2), (9, 8, 6), (2, 3), ()),
        (partial(layers.Conv1D, 4, 5, padding="causal"), (9, 2), (1,), ()),
        (partial(layers.Conv3D, 4, 2), (3, 4, 5, 2), (1, 2, 3), ()),
        (partial(layers.Conv2DTranspose, 4, 3, strides=2), (4, 4, 5), (3, 4), ()),
        (partial(layers.DepthwiseConv2D, 3, depth_multiplier=2), (6, 6, 2), (1, 2), ()),
        (partial(Conv2D, 4, 3, padding="circular"), (6, 6, 2), (0, 5), ()),
        (partial(TiledConv1D, 4, 3, tile=2), (9, 2), (3,), (1,)),
        (partial(LocallyConnected1D, 4, 3), (9, 2), (3,), (3,)),
    ],
    ids="strides groups causal 3d transposed depthwise circular tiled local".split(),  # noqa: SIM905
)
def test_the_terms_of_a_cell_add_up_to_it(seeds, layer, shape, position, tile):
    x, layer = seeds.normal(size=shape).astype("float32"), layer(bias_initializer="normal")
    expected = np.asarray(layer(x[None]))[0]
    assert has_products(layer)
    for filter in range(4):
        found = cell_products(layer, x, position, filter)
        assert found.total == pytest.approx(expected[(*position, filter)], abs=1e-5)
        assert found.tile == tile and found.bias != 0


def test_the_largest_sums_are_shown(seeds):
    layer, x = layers.Conv1D(1, 2), seeds.normal(size=(4, 9)).astype("float32")
    expected = np.asarray(layer(x[None]))[0, 1, 0]
    found = cell_products(layer, x, [1], 0)
    sums = (x[1:3] * np.asarray(layer.kernel)[..., 0]).sum(0)
    assert found.channels == sorted(np.argsort(-np.abs(sums))[:SHOWN]) and found.rest != 0
    np.testing.assert_array_equal(found.patches, x[1:3].T[found.channels])
    assert found.total == pytest.approx(expected, abs=1e-5)


def test_padding_is_zero(seeds):
    layer = layers.Conv1D(1, 3, padding="same")
    layer.build((None, 4, 1))
    assert cell_products(layer, np.ones((4, 1)), [0], 0).patches.tolist() == [[0, 1, 1]]


def test_refusals():
    pool, layer = layers.MaxPooling1D(2), layers.Conv1D(2, 3)
    layer.build((None, 5, 1))
    assert not has_products(pool) and has_products(layer) and not has_products(layers.Conv2D(1, 33))
    with pytest.raises(Refusal, match="expects a convolution layer of kzoo or Keras"):
        cell_products(pool, np.ones((4, 1)), [0], 0)
    for position, channel in (([3], 0), ([-1], 0), ([0, 0], 0), ([0], 2), ([0], -1)):
        with pytest.raises(Refusal, match="explore expects (a position inside|channel below)"):
            cell_products(layer, np.ones((5, 1)), position, channel)
