"""Receptive fields: published ones, branches, nested models, and gradients with respect to the input."""

from fractions import Fraction

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.catalogue import sketch
from kzoo.analysis.receptive_field import layer_fields, receptive_fields
from kzoo.checks import Refusal
from kzoo.layers import Conv2D, FoveatedGlimpse2D, MaxPoolingWithArgmax2D, MaxUnpooling2D, Padding2D
from kzoo.layers.field import Field
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
def test_position_of_the_strides(where, size):
    assert receptive_fields(sketch("resnet50", stride_on=where, **THIN))["stage5"][0].size == size


def test_signals():
    fields = receptive_fields(model("mnist1d_cnn"))
    assert [fields[f"stage{i}"][0][:2] for i in (1, 2, 3)] == [(3, 2), (7, 4), (15, 8)]
    assert fields["predictions"][0].size is None


def odd_model():
    """Windows of unequal sides, strides with dilations, explicit padding, branches that meet, and unpooling."""
    x = inputs = keras.Input((40, 44, 1))
    x = Conv2D(2, (3, 5), strides=(2, 1), padding=((1, 2), (0, 3)), dilation_rate=(3, 2), name="odd")(x)
    a = layers.Conv2D(2, 3, padding="same", name="narrow")(x)
    b = Conv2D(2, (1, 7), padding="same", name="wide")(x)
    x = layers.Add(name="met")([a, b])
    y, indices = MaxPoolingWithArgmax2D(2, padding="same", name="pool")(x)
    y = Conv2D(2, 3, padding="same", name="inner")(y)
    y = MaxUnpooling2D(2, padding="same", name="unpool")([y, indices, x])
    return keras.Model(inputs, Padding2D(1, name="pad")(y))


@pytest.mark.parametrize("name", ["odd", "narrow", "wide", "met"])
def test_is_what_the_input_changes(name):
    """With positive weights the gradient of a position is positive within its field and 0 outside."""
    import tensorflow as tf

    whole = odd_model()
    for weight in whole.weights:
        weight.assign(np.ones(weight.shape))
    part = keras.Model(whole.inputs, whole.get_layer(name).output)
    x = tf.ones((1, 40, 44, 1))
    position = (8, 14)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = part(x)[0, position[0], position[1], 0]
    rows, columns = np.nonzero(tape.gradient(y, x)[0, :, :, 0].numpy())
    for axis, seen in enumerate((rows, columns)):
        field = receptive_fields(whole)[name][axis]
        begin = position[axis] * field.stride - field.padding
        assert (seen.min(), seen.max() + 1) == (begin, begin + field.size)


def test_unpooling_gives_strides_back():
    fields = receptive_fields(odd_model())
    assert [field.stride for field in fields["inner"]] == [4, 2]
    assert [field.stride for field in fields["unpool"]] == [field.stride for field in fields["met"]]
    assert fields["pad"][0].padding >= fields["unpool"][0].padding + fields["unpool"][0].stride


def test_other_sizes_than_the_models_own():
    built = keras.Sequential([keras.Input((None, 1)), layers.Conv1D(1, 3, 2, "same", name="conv")])
    assert receptive_fields(built)["conv"][0].status == "upper bound"
    assert receptive_fields(built, [(None, 8, 1)])["conv"] == (Field(3, 2, 0),)
    assert receptive_fields(built, [(None, 9, 1)])["conv"] == (Field(3, 2, 1),)


def test_refused():
    with pytest.raises(Refusal, match="1 to 3 spatial axes"):
        receptive_fields(keras.Sequential([keras.Input((5,)), layers.Dense(2)]))
    with pytest.raises(Refusal, match="a functional or built Sequential model"):
        receptive_fields(keras.Sequential([layers.Dense(2)]))
    x = keras.Input((8, 8, 1))
    pooled = layers.UpSampling2D(2)(layers.Conv2D(1, 1, strides=2)(x))
    fine = layers.Add(name="fine")([pooled, x])
    assert receptive_fields(keras.Model(x, fine))["fine"][0].stride == 1
    unequal = layers.Concatenate(1, name="unequal")([layers.MaxPooling2D(2)(x), layers.Conv2D(1, 5)(x)])
    other = keras.Model(x, layers.Concatenate(name="never")([unequal, unequal]))
    with pytest.raises(Refusal, match="one stride at layer unequal"):
        receptive_fields(other)


def test_unknown_layers_are_reported():
    x = keras.Input((8, 8, 1))
    y = layers.Lambda(lambda x: x, name="unknown")(layers.Conv2D(1, 3, name="known")(x))
    fields = receptive_fields(keras.Model(x, layers.Conv2D(1, 3, name="behind")(y)))
    assert fields["known"][0].status == "exact"
    assert all(field.status == "unknown" for name in ("unknown", "behind") for field in fields[name])
    sliced = layers.ReLU(name="sliced")(x[:, ::2])
    assert receptive_fields(keras.Model(x, sliced))["sliced"][0].status == "unknown"


def test_operations_on_tensors():
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(2, 3, padding="same", name="conv")(x)
    y = keras.ops.relu(y * 2 + x)
    gate = keras.ops.sigmoid(keras.ops.mean(y, (1, 2), keepdims=True))
    padded = layers.Identity(name="padded")(keras.ops.pad(y, ((0, 0), (1, 0), (0, 2), (0, 0))))
    gated = layers.Identity(name="gated")(y * gate)
    fields = receptive_fields(keras.Model(x, [padded, gated]))
    assert [field[:3] for field in fields["padded"]] == [(3, 1, 2), (3, 1, 1)]
    assert fields["gated"] == (Field(None), Field(None))


def test_nested_models_and_shared_layers():
    """A nested model has the field of its output; a layer that is called twice that of its second call."""
    inner = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(2, 3), layers.MaxPooling2D(2)], name="inner")
    x = keras.Input((32, 32, 2))
    shared = layers.Conv2D(2, 3, padding="same", name="shared")
    y = shared(shared(inner(inner(x))))
    fields = receptive_fields(keras.Model(x, y))
    assert fields["inner"][0] == (4 + 2 * 3, 4, 0, "exact")
    assert set(fields) == {"inner", "shared", *(f"inner/{layer.name}" for layer in inner.layers)}
    conv, pool = (fields[f"inner/{layer.name}"] for layer in inner.layers)
    assert conv[0] == (4 + 2 * 2, 2, 0, "exact") and pool == fields["inner"]
    assert fields["shared"][0] == (10 + 4 * 4, 4, 8, "exact")


def test_fields_in_one_of_several_inputs():
    vector, fine, coarse = keras.Input((1,)), keras.Input((8, 1)), keras.Input((4, 1))
    parts = [layers.Conv1D(1, 2, strides=2, name="a")(fine), layers.Conv1D(1, 3, padding="same", name="b")(coarse)]
    built = keras.Model([vector, fine, coarse], layers.Add(name="both")([layers.Dense(1)(vector)[:, None], *parts]))
    for index, size, stride in ((1, 2, 2), (2, 3, 1)):
        fields = layer_fields(built, index=index)
        assert fields.keys() & {"a", "b", "both"} == {"ab"[index - 1], "both"}
        assert fields["both"][0].size == size and fields["both"][0].stride == stride
    with pytest.raises(Refusal, match="^receptive_fields expects a model with 1 to 3 spatial axes"):
        layer_fields(built)


def test_inputs_without_spatial_axes_are_not_seen():
    x, location = keras.Input((28, 28, 1)), keras.Input((2,))
    moved = layers.Dense(2, name="moved")(location)
    glimpse = FoveatedGlimpse2D(8, name="glimpse")([x, moved])
    fields = receptive_fields(keras.Model([x, location], glimpse))
    assert fields == {"glimpse": (Field(None, status="depends on the data"),) * 2}


def test_decoders():
    """Unpooling spreads what a window saw; DeconvNet's transposed convolutions widen it."""
    from kzoo.analysis.catalogue import stages_table

    fields = receptive_fields(sketch("segnet", **THIN))
    assert fields["stage5"][0] == (212, 32, 90, "exact")
    assert fields["decode5_unpool"][0][1:] == (16, 106, "depends on the data")
    deconv = receptive_fields(sketch("deconvnet", **THIN))
    assert deconv["fc7"][0][:3] == (404, 32, 90) and deconv["unfc6"][0][:3] == (404 + 6 * 32, 32, 90 + 6 * 32)
    assert deconv["decode5_conv1"][0].size > deconv["decode5_unpool"][0].size
    rows = list(zip(*(column.cells for column in stages_table(sketch("segnet", **THIN)).columns)))
    assert len(rows) == 5 and rows[0][1].startswith("180 x 240 x ") and rows[4][2:] == ("32", "212", "90")


def test_local_contrast():
    """Its mean deviation is the sample's: what a position sees of it depends on the data."""
    fields = receptive_fields(sketch("jarrett"))
    assert fields["stage1"][0] == Field(None, status="depends on the data")


@pytest.mark.parametrize("name, size, padding", [("MobileNet", 315, 126), ("ResNet50", 483, 241)])
def test_nested_backbones(name, size, padding):
    """Sizes and strides of Araujo, Norris & Sim 2019; each layer of the backbone has an entry by path."""
    with keras.StatelessScope(initialize_variables=False):
        backbone = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(224, 224, 3))
        whole = keras.Sequential([keras.Input((224, 224, 3)), backbone, layers.GlobalAveragePooling2D()])
    keras.backend.clear_session(free_memory=False)
    inner, outer = receptive_fields(backbone), receptive_fields(whole)
    assert outer[backbone.name] == (Field(size, Fraction(32), padding),) * 2
    assert inner == {path.partition("/")[2]: fields for path, fields in outer.items() if "/" in path}


def test_fields_by_path_keep_the_stride_of_maps_that_see_everything():
    """A gate that sees the whole image, as of squeeze and excitation; the map that it scales keeps its stride."""
    x = keras.Input((16, 16, 2))
    y = layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(x)
    gate = layers.UpSampling2D(8, name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    y = layers.Multiply(name="scaled")([gate, y])
    z = layers.Conv2D(4, 1, strides=2, name="after")(layers.Multiply(name="twice")([gate, y]))
    outer = keras.Sequential([keras.Input((16, 16, 2)), keras.Model(x, z, name="inner")])
    fields = layer_fields(outer)
    assert [fields[f"inner/{name}"][0].stride for name in ("conv", "scaled", "twice", "after")] == [2, 2, 2, 4]
    assert fields["inner/scaled"][0].size is None and fields["inner"] == fields["inner/after"]
    assert receptive_fields(outer)["inner"] == (Field(None),) * 2
