"""ConvCapsules2D: the contract, the op with the layer's weights, maps of PrimaryCapsules2D, fields, counts, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.analysis import receptive_fields
from kzoo.layers import ConvCapsules2D, PrimaryCapsules2D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import Case, noise

LAYER_CASES = {
    "ConvCapsules2D": Case(
        {"capsules": 3, "dimension": 4, "kernel_size": (3, 2), "strides": 2, "padding": "same", "leaky": True},
        noise(2, 7, 6, 2, 5) / 5,  # so that in 16 bits the same votes agree
        free=False,
    )
}


def test_contract(tmp_path):
    check_layer(ConvCapsules2D, *LAYER_CASES["ConvCapsules2D"], tmp_path)


@pytest.mark.parametrize("use_bias, leaky", [(True, False), (False, True)])
def test_passes_its_weights_to_the_op(use_bias, leaky):
    window = {"strides": (2, 1), "padding": "circular", "dilation_rate": (1, 2)}
    x = noise(2, 7, 6, 2, 5)
    layer = ConvCapsules2D(3, 4, 2, **window, iterations=2, use_bias=use_bias, leaky=leaky)
    layer.build(x.shape)
    kernel, *bias = randomize(layer)
    assert [w.name for w in layer.weights] == ["kernel", "bias"][: 1 + use_bias]
    same(layer(x), ops.conv_capsules(x, kernel, (2, 1), "circular", (1, 2), 2, *bias, leaky=leaky))


def test_takes_the_capsules_of_primary_capsules():
    """Their order is that of a map with its positions in one axis."""
    image = noise(2, 8, 7, 3)
    primary, layer = PrimaryCapsules2D(2, 5, 3), ConvCapsules2D(3, 4, 3)
    y = np.asarray(primary(image))
    grouped = keras.layers.Reshape((6, 5, 2, 5))(y)
    maps = np.asarray(primary.conv(image)).reshape(2, 6, 5, 2, 5)
    same(layer(grouped), layer(np.asarray(ops.squash(maps))))


def test_unknown_sizes():
    x = keras.Input((None, None, None, 5))
    model = keras.Model(x, ConvCapsules2D(3, 4, 3, 2, "same")(x))
    assert model.output_shape == (None, None, None, 3, 4)
    for shape in ((2, 7, 6, 2, 5), (1, 4, 4, 1, 5)):
        x = noise(*shape)
        same(model.predict(x, verbose=0), model.layers[-1](x))


def test_settings_and_initializers():
    layer = ConvCapsules2D(3, 4, 3)
    assert (layer.iterations, layer.use_bias, layer.leaky) == (3, True, False)
    assert (layer.strides, layer.padding, layer.dilation_rate) == ((1, 1), "valid", (1, 1))
    layer.build((None, 5, 5, 2, 6))
    assert layer.count_params() == 3 * 3 * 6 * 3 * 4 + 3 * 4 and not np.any(layer.bias)
    assert abs(np.asarray(layer.kernel).std() - 0.088) < 0.01


def test_fields_in_a_model_of_images():
    image = keras.Input((9, 8, 6))
    y = ConvCapsules2D(2, 3, (3, 2), name="capsules")(keras.layers.Reshape((9, 8, 2, 3))(image))
    assert [field.size for field in receptive_fields(keras.Model(image, y))["capsules"]] == [3, 2]


def test_operation_count():
    """Votes of 3 x 3 x 6 products; then sums and, between iterations, agreements."""
    layer = ConvCapsules2D(3, 4, 3, iterations=2)
    votes = 2 * 5 * 4 * 3 * 4
    assert layer.flops([(None, 7, 6, 2, 6)], [(None, 5, 4, 3, 4)]) == 2 * votes * (3 * 3 * 6 + 2 + 1)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"kernel_size": 6}, (1, 9, 5, 2, 3), ["a window that fits", "kernel_size=6", "input=5"]),
        ({}, (1, 5, 5, 2), ["an input of rank 5: batch, 2 spatial axes, capsules and their dimension", "5, 5, 2)"]),
        ({"data_format": "channels_first"}, (1, 2, 5, 5), ["an input of rank 5", "2, 5, 5)"]),
        ({}, (1, 5, 5, 0, 2), ["an input of at least 1 capsule", "5, 5, 0, 2)"]),
        ({"data_format": "channels_first"}, (1, 2, 0, 5, 5), ["an input of at least 1 capsule of dimension 1"]),
        ({}, (1, 5, 5, 2, None), ["input capsules of known dimension", "2, None)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(ConvCapsules2D, {"capsules": 3, "dimension": 4, "kernel_size": 3, **kwargs}, shape, *words)
