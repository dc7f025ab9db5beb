"""Errors of layers when the sliders move the input: closed forms, the analysis itself, and all kinds of models."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.equivariance_error import equivariance
from kzoo.checks import Refusal
from kzoo.explore.moved import layer_errors
from kzoo.explore.session import Session
from kzoo.layers.conv import Conv2D
from kzoo.layers.tiled_conv import TiledConv2D
from kzoo.models.registry import model


def errors(*parts, amount, shape=(12, 12, 1)):
    """Returns {layer: its error} of a chain of layers for an example of random numbers."""
    keras.utils.set_random_seed(0)
    session = Session(keras.Sequential([keras.Input(shape), *parts]))
    found = layer_errors(session.model, session.steps, [session.example(0)[None]], amount)
    return {session.steps[one.step].path: one for one in found}


@pytest.mark.parametrize("shift", [(0, 1), (3, -2)])
def test_a_circular_convolution_without_borders_moves_exactly(shift):
    found = errors(Conv2D(3, 3, padding="circular", name="conv"), amount=(1, 0, *shift))["conv"]
    assert found.step == 1 and found.inner < 1e-6 and found.whole


def test_max_pooling_moves_by_whole_strides_only():
    for shift in range(1, 5):
        found = errors(layers.MaxPooling2D(2, name="pool"), amount=(1, 0, 0, shift))["pool"]
        assert (found.error < 1e-6) == (found.inner < 1e-6) == found.whole == (shift % 2 == 0)


def test_tiled_convolutions_move_by_whole_tiles_only():
    for shift in range(1, 5):
        found = errors(TiledConv2D(3, 3, tile=2, name="tiled"), amount=(1, 0, 0, shift))["tiled"]
        assert (found.inner < 1e-6) == (shift % 2 == 0) and found.whole


def test_padding_has_an_error_at_the_border_only():
    found = errors(layers.Conv2D(2, 3, padding="same", name="conv"), amount=(1, 0, 0, 2))["conv"]
    assert found.error > 0.01 and found.inner < 1e-6


def test_errors_are_those_of_the_analysis():
    """All layers with positions in their order, units left out."""
    net, amount = model("lenet5"), (1.2, 30, 2, -3)
    session = Session(net)
    x = session.example(0)
    found = session.equivariance(x, amount)
    names = [session.steps[one["step"]].path for one in found]
    spatial = [layer.name for layer in net.layers[1:] if len(layer.output.shape) == 4]
    assert names == spatial and len(names) > 3
    for name, one in zip(names, found):
        expected = equivariance(net, name, "similarity", x[None], [amount], "crop")
        measured = [np.nan if error is None else error for error in (one["error"], one["inner"])]
        np.testing.assert_allclose(measured, [expected.error[0], expected.inner_error[0]], rtol=1e-5)
    assert found[0]["inner"] > 0.01 and found[-1]["inner"] is None


def test_channels_first(seeds):
    x = seeds.normal(size=(1, 2, 8, 9)).astype("float32")
    net = keras.Sequential([keras.Input((2, 8, 9)), Conv2D(3, 3, data_format="channels_first", name="conv")])
    session = Session(net, examples=x)
    (found,) = session.equivariance(session.example(0), (1, 0, 1, 2))
    assert found["error"] == equivariance(net, "conv", "similarity", x, [(1, 0, 1, 2)], "crop").error[0]


def test_of_several_inputs_the_first_is_moved(seeds):
    x, y = keras.Input((8, 8, 1), name="frame"), keras.Input((8, 8, 1), name="flow")
    other = layers.Conv2D(2, 3, name="other")(y)
    both = layers.Add(name="both")([layers.Conv2D(2, 3, name="conv")(x), other])
    session = Session(keras.Model([x, y], both), examples=list(seeds.normal(size=(2, 3, 8, 8, 1))))
    found = session.equivariance(session.example(1), (1, 0, 0, 2), 1)
    assert [session.steps[one["step"]].path for one in found] == ["conv", "both"]
    assert found[0]["inner"] < 1e-6 and found[1]["inner"] > 0.1
    inputs = [session.examples[1:2], session.others[0][1:2]]
    expected = equivariance(session.model, "both", "similarity", inputs, [(1, 0, 0, 2)], "crop")
    assert found[1]["error"] == pytest.approx(expected.error[0])
    assert session.equivariance(session.example(1), (1, 0, 0, 2), 2)[1] != found[1]


def test_maps_without_data_have_no_error():
    found = errors(Conv2D(1, 11, name="conv"), amount=(1, 0, 0, 9))["conv"]  # beyond the two positions of the map
    assert found.error is None and found.inner is None


def test_shifts_beyond_the_image_are_refused():
    with pytest.raises(Refusal, match="expects amounts, a sequence of tuples"):
        errors(Conv2D(1, 3), amount=(1, 0, 0, 12))
