"""Views of a unit against the layer's weights and the analyses, and what they refuse."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.maximization import maximize
from kzoo.analysis.model_cost import OPERATIONS, Cost
from kzoo.analysis.patches import top_patches
from kzoo.analysis.projection import project
from kzoo.checks import Refusal
from kzoo.explore.unit_views import (
    KERNELS,
    deconvnet_view,
    filter_view,
    maximized_view,
    patches_view,
)
from kzoo.layers.conv import Conv2D
from kzoo.layers.tiled_conv import TiledConv1D

CHEAP, DEAR = Cost(1, 1), Cost(OPERATIONS, 2**40)


def small(data_format="channels_last", activation="relu"):
    shape = (9, 8, 2) if data_format == "channels_last" else (2, 9, 8)
    settings = {"data_format": data_format, "activation": activation}
    x = keras.Input(shape, name="input")
    y = Conv2D(4, 3, padding="same", name="a", **settings)(x)
    y = Conv2D(5, 2, strides=2, name="b", **settings)(y)
    return keras.Model(x, layers.Dense(3, name="c")(layers.Flatten()(y)))


def built(layer, shape):
    layer.build((None, *shape))
    return layer


def test_the_filter_of_an_image():
    layer = built(layers.Conv2D(4, (3, 2)), (8, 8, 5))
    found = filter_view(layer, 2)
    assert [picture.title for picture in found.pictures] == [f"input map {k}" for k in range(5)]
    for k, picture in enumerate(found.pictures):
        np.testing.assert_array_equal(picture.values[..., 0], np.asarray(layer.kernel)[..., k, 2])
        assert picture.signed
    assert found.nbytes == 5 * 6 * 4


def test_a_filter_of_three_maps_is_in_colours():
    layer = built(layers.Conv2D(4, 3), (8, 8, 3))
    (picture,) = filter_view(layer, 1).pictures
    np.testing.assert_array_equal(picture.values, np.asarray(layer.kernel)[..., 1])
    assert picture.title == "input maps 0, 1, 2 as red, green and blue"


def test_filters_of_groups_signals_volumes_and_tiles():
    layer = built(layers.Conv2D(4, 3, groups=2), (8, 8, 4))
    found = filter_view(layer, 3).pictures
    assert [picture.title for picture in found] == ["input map 2", "input map 3"]
    np.testing.assert_array_equal(found[1].values[..., 0], np.asarray(layer.kernel)[..., 1, 3])
    layer = built(layers.Conv1D(1, 5), (8, 1))
    np.testing.assert_array_equal(filter_view(layer, 0).pictures[0].values[0], np.asarray(layer.kernel)[..., 0])
    layer = built(layers.Conv3D(1, (3, 4, 5)), (8, 8, 8, 1))
    np.testing.assert_array_equal(filter_view(layer, 0).pictures[0].values, np.asarray(layer.kernel)[1, ..., 0])
    layer = built(TiledConv1D(4, 3, tile=2), (9, 2))
    found = filter_view(layer, 1).pictures
    assert [picture.title for picture in found][1:3] == ["input map 0, 1 of the tile", "input map 1, 0 of the tile"]
    np.testing.assert_array_equal(found[1].values[0, :, 0], np.asarray(layer.kernel)[1, :, 0, 1])


def test_of_many_kernels_the_largest_are_shown(seeds):
    layer = built(layers.Conv2D(1, 2), (8, 8, KERNELS + 4))
    sizes = seeds.permutation(KERNELS + 4)
    layer.set_weights([np.broadcast_to(sizes[:, None], (2, 2, KERNELS + 4, 1)), np.zeros(1)])
    found = filter_view(layer, 0)
    assert [int(picture.values[0, 0, 0]) for picture in found.pictures] == [n for n in sizes if n >= 4]
    assert found.text.startswith("The 16 largest of its 20 kernels")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_top_patches(seeds, data_format):
    net = small(data_format)
    x = seeds.normal(size=(20, *net.input_shape[1:])).astype("float32")
    for path, unit in (("b", 3), ("c", 1)):
        expected = top_patches(net, path, unit, x)
        found = patches_view(net, path, unit, [x], CHEAP)
        np.testing.assert_array_equal([picture.values for picture in found.pictures], expected.patches)
        titles = [f"example {place.example}: {value:.3g}" for place, value in zip(expected.places, expected.values)]
        assert [picture.title for picture in found.pictures] == titles
        assert found.text == "The largest values in 20 examples; a patch is what its value depends on."
        few = patches_view(net, path, unit, [x], DEAR)
        np.testing.assert_array_equal(
            [each.values for each in few.pictures], top_patches(net, path, unit, x[:16]).array
        )


def test_patches_of_volumes_are_their_middle_slice(seeds):
    x = seeds.normal(size=(2, 6, 5, 4, 1)).astype("float32")
    net = keras.Sequential([keras.Input((6, 5, 4, 1)), layers.Conv3D(2, 3, name="a")])
    found = patches_view(net, "a", 1, [x], CHEAP)
    np.testing.assert_array_equal(found.pictures[1].values, top_patches(net, "a", 1, x).array[1, 1])


def test_an_input_that_maximises():
    net = small()
    expected = maximize(net, "b", 2, value_range=(-1, 2), steps=32)
    found = maximized_view(net, "b", 2, (-1, 2), (9, 8), DEAR)
    np.testing.assert_array_equal(found.pictures[0].values, expected.array[0])
    assert not found.pictures[0].signed
    assert (
        found.text.startswith("Found by gradient ascent: 32 steps") and f"{expected.values[-1, 0]:.3g}." in found.text
    )
    anysize = keras.Sequential([keras.Input((None, 1)), layers.Conv1D(2, 3, name="a")])
    assert maximized_view(anysize, "a", 0, (0, 1), (7,), CHEAP).pictures[0].values.shape == (7, 1)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_deconvnet_of_an_input(seeds, data_format):
    net, axis = small(data_format), -1 if data_format == "channels_last" else 1
    x = seeds.normal(size=(1, *net.input_shape[1:])).astype("float32")

    def padded(array):  # (height, width, channels) with a border of 1
        return np.pad(np.moveaxis(array, axis, -1)[0], ((1, 1), (1, 1), (0, 0)))

    expected = project(net, "b", 3, x, "deconvnet")
    row, column = expected.places[0]
    window = (slice(2 * row, 2 * row + 4), slice(2 * column, 2 * column + 4))  # 4 x 4 with a stride of 2
    found = deconvnet_view(net, "b", 3, [x])
    patch, pattern = found.pictures
    np.testing.assert_array_equal(patch.values, padded(x)[window])
    np.testing.assert_allclose(pattern.values[..., 0], padded(expected.array)[window].sum(-1), atol=1e-6)
    assert expected.array.any() and (patch.signed, pattern.signed) == (False, True)
    value = f"{expected.activations[0]:.3g}"
    assert found.text == f"For this input its largest value is {value}, at position {row}, {column}."
    patch, pattern = deconvnet_view(net, "c", 0, [x]).pictures  # a unit without a position
    np.testing.assert_array_equal(patch.values, padded(x)[1:-1, 1:-1])
    whole = padded(project(net, "c", 0, x, "deconvnet").array)[1:-1, 1:-1]
    np.testing.assert_allclose(pattern.values[..., 0], whole.sum(-1), atol=1e-6)


def test_of_a_softmax_they_show_logits(seeds):
    x = seeds.normal(size=(1, 9, 8, 2)).astype("float32")
    net = keras.Sequential([small(), layers.Softmax(name="last")])
    logit = float(net.layers[0](x)[0, 2])
    assert deconvnet_view(net, "last", 2, [x]).text == f"For this input its logit is {logit:.3g}."
    found = patches_view(net, "last", 2, [x], CHEAP)
    assert found.text.startswith("The largest logit in one example;")
    assert found.pictures[0].title == f"example 0: {logit:.3g}"
    assert " change its logit from " in maximized_view(net, "last", 2, (-1, 1), (9, 8), DEAR).text


def test_refusals(seeds):
    x = seeds.normal(size=(1, 9, 8, 2)).astype("float32")
    with pytest.raises(Refusal, match="expects a convolution layer of kzoo or Keras"):
        filter_view(layers.MaxPooling2D(2), 0)
    with pytest.raises(Refusal, match=r"a rectifier \(ReLU\) between the layer and the input"):
        deconvnet_view(small(activation="tanh"), "b", 0, [x])
    shared = layers.Conv1D(1, 3, padding="same", activation="relu", name="shared")
    signal = keras.Input((8, 1))
    net = keras.Model(signal, shared(shared(signal)))
    for view in (
        lambda: patches_view(net, "shared", 0, [np.ones((1, 8, 1))], CHEAP),
        lambda: maximized_view(net, "shared", 0, (0, 1), (8,), CHEAP),
        lambda: deconvnet_view(net, "shared", 0, [np.ones((1, 8, 1))]),
    ):
        with pytest.raises(Refusal, match="shared is called 2 times"):
            view()
