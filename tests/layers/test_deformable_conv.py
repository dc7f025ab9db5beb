"""DeformableConv2D: the contract, the op with the layer's weights, its initial state, learning offsets, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Conv2D, DeformableConv2D
from tests import references
from tests.layer_checks import check_layer, check_refusal, randomize, same, train
from tests.layers.cases import SHAPES, Case, noise

# small offsets: large ones multiply the rounding of 16 bits
LAYER_CASES = {
    "DeformableConv2D": Case(
        {"filters": 3, "kernel_size": (3, 2), "strides": (2, 1), "padding": "same"}, noise(*SHAPES[2]) / 2
    )
}


def undeformed(x, kernel, *offsets, **geometry):
    """Returns the reference for offsets of 0; other offsets have their own tests."""
    del offsets
    return references.conv(x, kernel, **geometry)


CONVOLUTIONS = {"DeformableConv": (undeformed, {"modulated": False})}


def test_contract(tmp_path):
    check_layer(DeformableConv2D, *LAYER_CASES["DeformableConv2D"], tmp_path)


@pytest.mark.parametrize("modulated", [False, True])
def test_passes_its_weights_to_the_op(modulated):
    x, geometry = noise(*SHAPES[2]), ((2, 1), "reflect", 2)
    layer = DeformableConv2D(4, (3, 2), *geometry[:2], None, geometry[2], modulated=modulated)
    layer.build(x.shape)
    weights = dict(zip([w.name for w in layer.weights], randomize(layer)))
    assert set(weights) == {"kernel", "offset_kernel", "offset_bias", "bias"}
    with ops.no_islands():
        field = ops.conv(x, weights["offset_kernel"], *geometry) + weights["offset_bias"]
        mask = 1 / (1 + np.exp(-np.asarray(field[..., 12:]))) if modulated else None
        want = ops.deformable_conv(x, weights["kernel"], field[..., :12], mask, *geometry) + weights["bias"]
        same(layer(x), want)


@pytest.mark.parametrize("modulated, share", [(False, 1), (True, 0.5)])
def test_starts_as_a_convolution(modulated, share):
    x = noise(*SHAPES[2])
    layer, conv = DeformableConv2D(4, 3, 2, "same", modulated=modulated), Conv2D(4, 3, 2, "same")
    with ops.no_islands():
        y, _ = layer(x), conv(x)
        conv.set_weights([layer.kernel, layer.bias])
        same(y, conv(x) * share)


def test_is_modulated_by_default():
    assert DeformableConv2D(4, 3).modulated


def test_learns_offsets():
    """The target lies two pixels to the right, outside of a 1 x 1 kernel's window: the offset's bias is learned."""
    x = np.cumsum(noise(16, 8, 12, 1), 2) / 3  # smooth, so that slopes lead there
    keras.utils.set_random_seed(0)
    layer = DeformableConv2D(1, 1, use_bias=False, modulated=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((8, 12, 1)), layer, keras.layers.Cropping2D(((0, 0), (0, 2)))])
    layer.kernel.trainable = layer.offset_kernel.trainable = False
    model.compile(keras.optimizers.Adam(0.1), "mse")
    train(model, x, x[:, :, 2:], 80)
    np.testing.assert_allclose(layer.offset_bias.numpy(), [0, 2], atol=0.1)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=0"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "kernel_size=6", "input=5"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(DeformableConv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)


def test_has_no_groups():
    with pytest.raises(ValueError, match="groups"):
        DeformableConv2D(4, 3, groups=2)
