"""LocalResponseNormalization: the contract, the op with the layer's settings, AlexNet's and Caffe's, errors."""

import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.layers import LocalResponseNormalization
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {
    "LocalResponseNormalization": Case({"bias": 1.0, "alpha": 0.5, "divide_by_size": True}, noise(2, 7, 8, 12))
}
X = 100 * noise(2, 4, 5, 12)  # large, so that the defaults' alpha of 1e-4 matters


@pytest.mark.parametrize("cls", [LocalResponseNormalization])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("settings", [(3, 0.5, 2.0, 1.5, True), (1, 0.5, 2.0, 1.5, False)])
@pytest.mark.parametrize("window", [{}, {"size": 4}, {"size": 3, "within_channel": True}], ids=str)
def test_passes_its_settings_to_the_op(settings, window):
    with ops.no_islands():
        wanted = ops.local_response_normalization(X, *settings, **window)
        same(LocalResponseNormalization(*settings, **window)(X), wanted)
        first = LocalResponseNormalization(*settings, **window, data_format="channels_first")
        same(np.moveaxis(first(np.moveaxis(X, -1, 1)), 1, -1), wanted)


def test_the_field_within_a_channel():
    """Both axes of an image, and the same in both data formats."""
    layer = LocalResponseNormalization(size=4, within_channel=True)
    first = LocalResponseNormalization(size=4, within_channel=True, data_format="channels_first")
    for fields in (layer.receptive_field([(None, 9, None, 3)]), first.receptive_field([(None, 3, 9, None)])):
        assert [(field.size, field.stride, field.padding) for field in fields] == [(4, 1, 2)] * 2


def test_defaults_are_alexnet_s():
    """TensorFlow's `bias` is the paper's k."""
    wanted = tf.nn.local_response_normalization(X, depth_radius=2, bias=2, alpha=1e-4, beta=0.75)
    with ops.no_islands():
        same(LocalResponseNormalization()(X), wanted)


def test_caffe_divides_by_the_size():
    """`local_size: 5, alpha: 1e-4, beta: 0.75, k: 1`."""
    wanted = tf.nn.local_response_normalization(X, depth_radius=2, bias=1, alpha=1e-4 / 5, beta=0.75)
    with ops.no_islands():
        same(LocalResponseNormalization(bias=1, divide_by_size=True)(X), wanted)


@pytest.mark.parametrize("shape", [(3, 8), (3, 5, 8), (2, 3, 4, 2, 8)])
def test_any_number_of_axes(shape):
    x = noise(*shape)
    with ops.no_islands():
        y = LocalResponseNormalization(0, 1, 1, 1)(x)
    same(y, x / (1 + x * x))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1,), ["an input of rank 2 or more"]),
        ({}, (1, 5, None), ["a known number of channels", "(None, 5, None)"]),
        ({"depth_radius": -1}, (1, 5, 6), ["depth_radius, an integer of at least 0", "depth_radius=-1"]),
        ({"depth_radius": 2.5}, (1, 5, 6), ["depth_radius, an integer of at least 0", "depth_radius=2.5"]),
        ({"bias": 0}, (1, 5, 6), ["bias, a number above 0", "bias=0"]),
        ({"bias": math.nan}, (1, 5, 6), ["bias, a number above 0", "bias=nan"]),
        ({"alpha": -1e-4}, (1, 5, 6), ["alpha, a number of at least 0", "alpha=-0.0001"]),
        ({"size": 0}, (1, 5, 6), ["size, an integer above 0 or None", "size=0"]),
        ({"within_channel": True}, (1, 6), ["spatial axes to sum over", "6)"]),
        ({"beta": "1"}, (1, 5, 6), ["beta, a number of at least 0", "beta='1'"]),
        ({"data_format": "NHWC"}, (1, 5, 6), ["data_format, one of", "data_format='NHWC'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(LocalResponseNormalization, kwargs, shape, *words)
