"""Operations of a forward pass, against counts by hand."""

import math

import keras
import pytest
from keras import layers

from kzoo.analysis.flop_count import flops
from kzoo.analysis.receptive_field import receptive_fields
from kzoo.checks import Refusal
from kzoo.layers import (
    RBF,
    Capsules,
    Conv2D,
    Fastfood,
    GaborConv2D,
    KMeansFeatures2D,
    LocallyConnected2D,
    PrimaryCapsules2D,
    SpatiallySeparableConv2D,
    TableConv2D,
    TiledConv2D,
)
from kzoo.models.registry import model


def of(layer, shape=(10, 12, 4)):
    x = keras.Input(shape)
    return flops(keras.Model(x, layer(x)))


@pytest.mark.parametrize(
    "layer, count",
    [
        (Conv2D(8, 3), 2 * 8 * 10 * (3 * 3 * 4 * 8)),
        (Conv2D(8, 3, strides=2, padding="same"), 2 * 5 * 6 * (3 * 3 * 4 * 8)),
        (Conv2D(8, 3, groups=2), 2 * 8 * 10 * (3 * 3 * 2 * 8)),
        (Conv2D(8, 3, data_format="channels_first"), 2 * 10 * 2 * (3 * 3 * 10 * 8)),
        (TiledConv2D(8, 3, tile=2), 2 * 8 * 10 * (3 * 3 * 4 * 8)),
        (TableConv2D(8, 3, connections=2), 2 * 8 * 10 * (3 * 3 * 2 * 8)),
        (LocallyConnected2D(8, 3), 2 * 8 * 10 * (3 * 3 * 4 * 8)),
        (GaborConv2D(8, 3), 2 * 8 * 10 * (3 * 3 * 8)),
        (GaborConv2D(8, 3, energy=True), 2 * 8 * 10 * (3 * 3 * 16)),
        (KMeansFeatures2D(8, 3), 2 * 8 * 10 * (36 * 36 + 36 * 8)),
        (layers.DepthwiseConv2D(3), 2 * 8 * 10 * (3 * 3 * 4)),
        (layers.Conv2DTranspose(8, 3, 2), 2 * 10 * 12 * (3 * 3 * 4 * 8)),
        (layers.MaxPooling2D(2), 5 * 6 * 4 * 4),
        (layers.GlobalAveragePooling2D(), 10 * 12 * 4),
        (layers.BatchNormalization(), 4 * 10 * 12 * 4),
        (layers.Dense(5), 2 * 10 * 12 * 4 * 5),
        (RBF(5), 2 * 10 * 12 * (4 * 5)),
        (layers.ReLU(), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else None,
)
def test_layers(layer, count):
    assert of(layer) == count


def test_fastfood():
    assert of(Fastfood(1024), (1024,)) == 2 * 1024 * 10 + 3 * 1024


def test_capsules():
    assert of(PrimaryCapsules2D(2, 4, 3, 2, "same")) == of(Conv2D(8, 3, 2, "same"))
    for rounds, products in ((1, 5 + 1), (3, 5 + 3 + 2)):  # by 5 weights, then sums and agreements
        assert of(Capsules(3, 4, rounds), (7, 5)) == 2 * 7 * 3 * 4 * products


def test_models():
    # kernels of 45, 675 and 675 weights at 19, 9 and 4 positions, and a dense layer
    assert flops(model("mnist1d_cnn")) == 2 * (19 * 45 + 9 * 675 + 4 * 675 + 600)
    assert flops(model("mnist1d_cnn")) == flops(model("mnist1d_local")) == flops(model("mnist1d_tiled"))
    # 15.3 G products of the convolutions, 2 x 2 taps of the pools, 25,088 + 1 + 1 weights of the dense layers
    assert flops(model("vgg16", fc_units=(1, 1), classes=1)) == 2 * 15_346_630_656 + 4 * 1_530_368 + 2 * 25_090


def test_unknown_sizes():
    assert flops(model("context_basic")) is None
    vgg = keras.applications.VGG16(include_top=False, weights=None, input_shape=(None, None, 3))
    assert flops(vgg) is None and flops(vgg, [(None, 32, 32, 3)]) == 626_518_016
    for wrong in ([(None, 32, 32, 1)], [(None, 32, 3)], [(None, 32, 32, 3)] * 2, (None, 32, 32, 3), 32):
        with pytest.raises(
            Refusal, match=r"^flops expects input_shapes, one for each of \[\(None, None, None, 3\)\]; rec"
        ):
            flops(vgg, wrong)
        with pytest.raises(Refusal, match="^receptive_fields expects input_shapes"):
            receptive_fields(vgg, wrong)


def test_shared_layers():
    """Applied twice, a layer counts twice; the sum of both counts one a value."""
    x, dense = keras.Input((10,)), layers.Dense(10)
    assert flops(keras.Model(x, layers.Add()([dense(x), dense(dense(x))]))) == 3 * 200 + 10
    y = dense(x)
    assert flops(keras.Model(x, layers.Add()([y, dense(y)]))) == 410
    assert flops(keras.Model(x, y + dense(y))) == 410


def test_nested_models():
    """At the size they are called with, which need not be the one they were built with."""
    for size in (32, None):
        vgg = keras.applications.VGG16(include_top=False, weights=None, input_shape=(size, size, 3))
        x = keras.Input((32, 32, 3))
        assert flops(keras.Model(x, vgg(x))) == 626_518_016
    inner = keras.Sequential([layers.Dense(10), layers.Dense(10)])
    x = keras.Input((10,))
    assert flops(keras.Model(x, inner(inner(x)))) == 800


@pytest.mark.parametrize("name, millions", [("MobileNet", 569), ("ResNet50", 3_800)])
def test_nested_backbones(name, millions):
    """Products with the classifier as published: Howard et al. 2017, 569 M; He et al. 2016, 3.8 G."""
    with keras.StatelessScope(initialize_variables=False):
        backbone = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(224, 224, 3))
        whole = keras.Sequential([keras.Input((224, 224, 3)), backbone, layers.GlobalAveragePooling2D()])
    keras.backend.clear_session(free_memory=False)
    products = others = 0
    for layer in backbone.layers:
        values = math.prod(layer.output.shape[1:])
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            products += math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
        others += values * {"BatchNormalization": 4, "Add": 1, "MaxPooling2D": 9}.get(type(layer).__name__, 0)
    channels = backbone.output.shape[-1]
    assert products + channels * 1000 == pytest.approx(millions * 1e6, rel=0.02)
    assert flops(backbone) == 2 * products + others
    assert flops(whole) == flops(backbone) + 7 * 7 * channels


def test_unknown_layers():
    x = keras.Input((10,))
    assert flops(keras.Model(x, layers.Lambda(lambda x: x)(layers.Dense(10)(x)))) is None


def test_separable_in_space():
    """3 taps of 4 channels at 8 x 12 positions, then 3 taps of each of 8 filters at 8 x 10."""
    assert of(SpatiallySeparableConv2D(8, 3)) == 2 * (8 * 12 * 3 * 4 * 8 + 8 * 10 * 3 * 8)
