"""Receptive fields: published ones, branches, and what an input's cell really changes."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.catalogue import sketch
from kzoo.analysis.receptive_field import receptive_fields
from kzoo.checks import Refusal
from kzoo.layers import Conv2D, MaxPoolingWithArgmax2D, MaxUnpooling2D, Padding2D
from kzoo.models.registry import model

THIN = {"width": 0.02, "classes": 2}
PUBLISHED = {  # size, stride, padding; Araujo, Norris & Sim 2019 and models.md, card 24
    "alexnet": {
        "stage1_conv": (11, 4, 0),
        "stage1": (19, 8, 0),
        "stage2_conv": (51, 8, 16),
        "stage3": (99, 16, 32),
        "stage4": (131, 16, 48),
        "stage5_conv": (163, 16, 64),
        "stage5": (195, 32, 64),
    },
    "vgg11": {"stage5": (150, 32, 59)},
    "vgg16": {
        "stage1": (6, 2, 2),
        "stage2": (16, 4, 6),
        "stage3": (44, 8, 18),
        "stage4": (100, 16, 42),
        "stage5": (212, 32, 90),
    },
    "resnet18": {"stage5": (435, 32)},
    "resnet34": {"stage5": (899, 32)},
    "resnet50": {"stage5": (483, 32, 241)},  # 239 with Slim's padding of the first pool
    "resnet101": {"stage5": (1027, 32, 513)},
    "resnet152": {"stage5": (1507, 32, 753)},
    "resnet20_cifar": {"stage3": (81, 4)},
    "googlenet": {"stage1": (11, 4), "stage3": (91, 8), "stage4": (427, 16), "stage5": (715, 32, 327)},
    "nin_cifar": {"stage1": (7, 2), "stage2_conv3": (15, 2), "stage2": (19, 4), "stage3_conv2": (27, 4)},
    "all_cnn_c": {"stage3_conv1": (27, 4)},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published(name):
    fields = receptive_fields(sketch(name, **THIN))
    for layer, want in PUBLISHED[name].items():
        assert fields[layer][0] == fields[layer][1] and tuple(fields[layer][0][: len(want)]) == want, layer


@pytest.mark.parametrize("where, size", [("1x1", 483), ("3x3", 427)])
def test_place_of_the_strides(where, size):
    assert receptive_fields(sketch("resnet50", stride_on=where, **THIN))["stage5"][0].size == size


def test_signals():
    fields = receptive_fields(model("mnist1d_cnn"))
    assert [fields[f"stage{i}"][0][:2] for i in (1, 2, 3)] == [(3, 2), (7, 4), (15, 8)]
    assert fields["predictions"][0].size is None


def odd_net():
    """Windows of unequal sides, strides with dilations, explicit padding, branches that meet, and unpooling."""
    x = inputs = keras.Input((40, 44, 1))
    x = Conv2D(2, (3, 5), strides=(2, 1), padding=((1, 2), (0, 3)), dilation_rate=(3, 2), name="odd")(x)
    a = layers.Conv2D(2, 3, padding="same", name="narrow")(x)
    b = Conv2D(2, (1, 7), padding="same", name="wide")(x)
    x = layers.Add(name="met")([a, b])
    y, places = MaxPoolingWithArgmax2D(2, padding="same", name="pool")(x)
    y = Conv2D(2, 3, padding="same", name="inner")(y)
    y = MaxUnpooling2D(2, padding="same", name="unpool")([y, places, x])
    return keras.Model(inputs, Padding2D(1, name="pad")(y))


@pytest.mark.parametrize("name", ["odd", "narrow", "wide", "met"])
def test_is_what_the_input_changes(name):
    """The gradient of a cell for the input, all weights above 0, is above 0 within its field and nowhere else."""
    import tensorflow as tf

    net = odd_net()
    for weight in net.weights:
        weight.assign(np.ones(weight.shape))
    part = keras.Model(net.inputs, net.get_layer(name).output)
    x = tf.ones((1, 40, 44, 1))
    cell = (8, 14)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = part(x)[0, cell[0], cell[1], 0]
    rows, columns = np.nonzero(tape.gradient(y, x)[0, :, :, 0].numpy())
    for axis, met in enumerate((rows, columns)):
        field = receptive_fields(net)[name][axis]
        begin = cell[axis] * field.stride - field.padding
        assert (met.min(), met.max() + 1) == (begin, begin + field.size)


def test_unpooling_gives_strides_back():
    fields = receptive_fields(odd_net())
    assert [field.stride for field in fields["inner"]] == [4, 2]
    assert [field.stride for field in fields["unpool"]] == [field.stride for field in fields["met"]]
    assert fields["pad"][0].padding == fields["unpool"][0].padding + fields["unpool"][0].stride


def test_refused():
    with pytest.raises(Refusal, match="1 to 3 spatial axes"):
        receptive_fields(keras.Sequential([keras.Input((5,)), layers.Dense(2)]))
    x = keras.Input((8, 8, 1))
    pooled = layers.UpSampling2D(2)(layers.Conv2D(1, 1, strides=2)(x))
    fine = layers.Add(name="fine")([pooled, x])
    assert receptive_fields(keras.Model(x, fine))["fine"][0].stride == 1
    other = keras.Model(x, layers.Concatenate(1, name="unequal")([layers.MaxPooling2D(2)(x), x[:, :4, :4]]))
    with pytest.raises(Refusal, match="one stride at layer unequal"):
        receptive_fields(other)
