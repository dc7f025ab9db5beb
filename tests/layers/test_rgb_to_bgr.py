"""RGBToBGR: the contract, Caffe's input of Keras, dtypes, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import RGBToBGR
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"RGBToBGR": Case({}, noise(2, 7, 8, 3))}


@pytest.mark.parametrize("cls", [RGBToBGR])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_is_caffes_input_with_the_means_next():
    """As the weights of Keras's VGG and ResNet take images, which were converted from Caffe."""
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype("float32")
    means = keras.layers.Rescaling(1.0, [-103.939, -116.779, -123.68])
    same(means(RGBToBGR()(images)), keras.applications.vgg16.preprocess_input(images.copy()))


@pytest.mark.parametrize("dtype", ["uint8", "bool"])
def test_keeps_other_dtypes(dtype):
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 4)).astype(dtype)
    same(RGBToBGR(data_format="channels_first")(x), x[:, ::-1])


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 5, 4), ["an input of 3 channels", "5, 5, 4)"]),
        ({}, (1, 5, 5, None), ["a known number of channels"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 3), ["data_format, one of"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(RGBToBGR, kwargs, shape, *words)
