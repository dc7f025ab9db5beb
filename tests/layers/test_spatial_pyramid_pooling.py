"""SpatialPyramidPooling2D: the contract, the op with the layer's bins, one length from any size, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import SpatialPyramidPooling2D
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"SpatialPyramidPooling2D": Case({"bins": (2, 1)}, noise(*SHAPES[2]))}


@pytest.mark.parametrize("cls", [SpatialPyramidPooling2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("bins", [(6, 3, 2, 1), [3], (1, 4), ([3, 2], 1)])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_passes_its_settings_to_the_op(bins, pooling):
    x = noise(*SHAPES[2])
    with ops.no_islands():
        wanted = ops.spatial_pyramid_pool(x, bins, pooling)
        same(SpatialPyramidPooling2D(bins, pooling=pooling)(x), wanted)
        first = SpatialPyramidPooling2D(bins, "channels_first", pooling)
        same(first(np.moveaxis(x, -1, 1)), wanted)  # the same order in both formats


def test_one_length_from_any_size():
    """In one model; also for images smaller than the finest grid, whose bins then share pixels."""
    inputs = keras.Input((None, None, 2))
    features = SpatialPyramidPooling2D((3, 2, 1))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(4)(features))
    assert features.shape == (None, 2 * 14)
    pool = keras.Model(inputs, features)
    for size in ((7, 8), (1, 1), (3, 12), (2, 5)):
        x = noise(3, *size, 2)
        with ops.no_islands():
            y = np.asarray(pool(x))
            assert model(x).shape == (3, 4)
        assert y.shape == (3, 28)
        np.testing.assert_array_equal(y[:, -2:], x.max((1, 2)))  # the last level is the whole image


def test_defaults_are_the_paper_s():
    assert SpatialPyramidPooling2D().bins == (6, 3, 2, 1)
    assert SpatialPyramidPooling2D()(keras.Input((13, 13, 256))).shape == (None, 50 * 256)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"bins": ()}, (1, 5, 5, 2), ["bins, a sequence of integers above 0", "bins=()"]),
        ({"pooling": "mean"}, (1, 5, 5, 2), ["pooling, one of ('max', 'average')", "pooling='mean'"]),
        ({"bins": 3}, (1, 5, 5, 2), ["bins, a sequence of integers above 0", "bins=3"]),
        ({"bins": (2, 0)}, (1, 5, 5, 2), ["bins, a sequence of integers above 0", "bins=(2, 0)"]),
        ({"bins": (2, 1.5)}, (1, 5, 5, 2), ["bins, a sequence of integers above 0", "bins=(2, 1.5)"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
        ({}, (1, 0, 5, 2), ["at least 1 pixel on each axis", " 0, 5, 2)"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(SpatialPyramidPooling2D, kwargs, shape, *words)
