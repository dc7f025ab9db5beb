"""FoveatedGlimpse2D: the contract, a given location and a learned one, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import FoveatedGlimpse2D
from tests.layer_checks import check_layer, check_refusal, same, train
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"FoveatedGlimpse2D": Case({"size": (3, 2), "scales": 2}, noise(*SHAPES[2]))}


def test_contract(tmp_path):
    check_layer(FoveatedGlimpse2D, *LAYER_CASES["FoveatedGlimpse2D"], tmp_path)


def test_contract_with_a_location(tmp_path):
    inputs = [noise(*SHAPES[2]), np.tanh(noise(2, 2, seed=1))]
    check_layer(FoveatedGlimpse2D, {"size": 3}, inputs, True, tmp_path)


def test_passes_its_settings_to_the_op():
    x, location = noise(*SHAPES[2]), np.tanh(noise(2, 2))
    same(FoveatedGlimpse2D((3, 2), 2, 3)([x, location]), ops.foveated_glimpse(x, location, (3, 2), 2, 3))
    same(FoveatedGlimpse2D(3)([x, location]), ops.foveated_glimpse(x, location, (3, 3), 3, 2))
    layer = FoveatedGlimpse2D((3, 2), 2, 3)
    same(layer(x), ops.foveated_glimpse(x, np.zeros((2, 2), "float32"), (3, 2), 2, 3))
    layer.set_weights([location[0]])
    same(layer(x), ops.foveated_glimpse(x, location[[0, 0]], (3, 2), 2, 3))


def test_learns_where_to_look():
    """A bright spot, the same in all images: the gradient of the coarse patches leads there."""
    rows, columns = np.mgrid[:20, :20]
    x = np.exp(-((rows - 14) ** 2 + (columns - 5) ** 2) / 30)[None, ..., None].repeat(8, 0)
    layer = FoveatedGlimpse2D(4)
    model = keras.Sequential([keras.Input((20, 20, 1)), layer])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    train(model, x, np.full((8, 4, 4, 3), 1.0), 80)
    np.testing.assert_allclose((layer.location.numpy() + 1) / 2 * 19, [14, 5], atol=1)


@pytest.mark.parametrize(
    "kwargs, shapes, words",
    [
        ({"size": 0}, SHAPES[2], ["size, an integer of at least 1", "size=0"]),
        ({"scales": 0}, SHAPES[2], ["scales, an integer above 0", "scales=0"]),
        ({"ratio": 1.5}, SHAPES[2], ["ratio, an integer above 0", "ratio=1.5"]),
        ({}, (2, 7, 8), ["rank 4", "7, 8)"]),
        ({}, (2, 7, 8, None), ["a known number of channels"]),
        ({}, (2, 0, 8, 2), ["an input of at least 1 pixel on each axis"]),
    ],
)
def test_refuses(kwargs, shapes, words):
    check_refusal(FoveatedGlimpse2D, {"size": 3, **kwargs}, shapes, *words)


@pytest.mark.parametrize(
    "parts, words",
    [
        ([keras.Input((7, 8, 2)), keras.Input((3,))], "expects a location .batch, 2."),
        ([keras.Input((7, 8, 2)), keras.Input((2,), dtype="int32")], "expects floating inputs"),
        ([keras.Input((7, 8, 2)), keras.Input((2,)), keras.Input((2,))], "expects an image, or .image, location."),
    ],
)
def test_refuses_locations(parts, words):
    with pytest.raises(ValueError, match=f"FoveatedGlimpse2D {words}"):
        FoveatedGlimpse2D(3)(parts)
