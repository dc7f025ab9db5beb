"""LocalContrastNormalization: the contract, the op with the layer's settings, invariances, errors."""

import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import LocalContrastNormalization
from tests.layer_checks import check_config, check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"LocalContrastNormalization": Case({"kernel_size": 3, "padding": "valid"}, noise(*SHAPES[2]))}


@pytest.mark.parametrize("cls", [LocalContrastNormalization])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_passes_its_settings_to_the_op(rank, padding):
    """In any number of axes, also channels first."""
    x, size = noise(*SHAPES[rank]), (5, 3, 3)[:rank]
    sigma = (0.7, 2.0, 1.0)[:rank]
    layer = LocalContrastNormalization(size, padding, sigma)
    first = LocalContrastNormalization(size, padding, sigma, data_format="channels_first")
    check_config(layer, {})
    with ops.no_islands():
        wanted = np.asarray(ops.local_contrast_normalization(x, size, padding, sigma))
        same(layer(x), wanted)
        same(first(np.moveaxis(x, -1, 1)), np.moveaxis(wanted, -1, 1))
    assert layer.compute_output_shape(x.shape) == wanted.shape


def test_defaults():
    """A window of 9 pixels at every pixel, with sigma a quarter of it."""
    x = noise(2, 11, 12, 2)
    with ops.no_islands():
        same(LocalContrastNormalization()(x), ops.local_contrast_normalization(x, 9, "same", 2.25))


def test_brightness_and_contrast_of_an_image_do_not_matter():
    x = noise(*SHAPES[2])
    layer = LocalContrastNormalization(3)
    with ops.no_islands():
        same(layer(7 * x + 2), layer(x))


def test_config_is_plain():
    for kernel_size, sigma in (([np.int64(3), 5], [np.float32(1), 2]), (np.int64(3), np.float32(1))):
        layer = LocalContrastNormalization(kernel_size, sigma=sigma)
        check_config(layer, {})
        assert str(layer.kernel_size) in ("(3, 5)", "3") and str(layer.sigma) in ("(1.0, 2)", "1.0")


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1,), ["(batch, *spatial, channels) with 1 to 3 spatial axes"]),
        ({}, (1, 2), ["with 1 to 3 spatial axes", " 2)"]),
        ({}, (1, 4, 4, 4, 4, 2), ["with 1 to 3 spatial axes", " 4, 2)"]),
        ({}, (1, 0, 5, 2), ["at least 1 pixel on spatial axis 0", "size=0"]),
        ({"kernel_size": 4}, (1, 5, 5, 2), ["kernel_size, odd on every axis", "kernel_size=(4,"]),
        ({"kernel_size": (3, 2)}, (1, 5, 5, 2), ["kernel_size, odd on every axis", "kernel_size=(3, 2)"]),
        ({"kernel_size": 0}, (1, 5, 5, 2), ["kernel_size, an integer of at least 1", "kernel_size=0"]),
        ({"kernel_size": 3.0}, (1, 5, 5, 2), ["kernel_size, an integer of at least 1", "kernel_size=3.0"]),
        ({"kernel_size": (3, 3, 3)}, (1, 5, 5, 2), ["kernel_size, an integer", "2 of them", "kernel_size=(3, 3, 3)"]),
        ({"padding": "full"}, (1, 5, 5, 2), ['padding, "same" or "valid"', "padding='full'"]),
        ({"padding": 1}, (1, 5, 5, 2), ['padding, "same" or "valid"', "padding=1"]),
        ({"kernel_size": 7, "padding": "valid"}, (1, 9, 5, 2), ["a window that fits", "kernel_size=7", "input=5"]),
        ({"sigma": 0}, (1, 5, 5, 2), ["sigma, a number above 0 or 2 of them", "sigma=0"]),
        ({"sigma": (1.0, 1.0, 1.0)}, (1, 5, 5, 2), ["sigma, a number above 0 or 2 of them"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(LocalContrastNormalization, {"kernel_size": 3, **kwargs}, shape, *words)
