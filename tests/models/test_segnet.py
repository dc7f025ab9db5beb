"""SegNet, SegNet-Basic and DeconvNet: their stages, odd sizes, and places that come back from the pools."""

import keras
import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import shapes

SMALL = {"width": 0.05, "classes": 3}


def test_shapes():
    net = sketch("segnet")
    got = [shape[:2] for shape in _values(net, [f"stage{i}" for i in range(1, 6)])]
    assert got == [(180, 240), (90, 120), (45, 60), (23, 30), (12, 15)]
    got = shapes(net, [f"decode{i}_unpool" for i in range(5, 0, -1)])
    assert [shape[:2] for shape in got.values()] == [(23, 30), (45, 60), (90, 120), (180, 240), (360, 480)]
    assert net.output_shape == (None, 360, 480, 11)


def _values(net, names):
    return [tuple(keras.tree.flatten(net.get_layer(name).output)[0].shape[1:]) for name in names]


def test_decoders_give_as_many_maps_as_the_stage_before_takes():
    net = sketch("segnet", width=1 / 64)
    last = [
        [layer for layer in net.layers if layer.name.startswith(f"decode{i}_conv") and hasattr(layer, "filters")][-1]
        for i in range(5, 0, -1)
    ]
    assert [layer.filters for layer in last] == [8, 4, 2, 1, 1]


@pytest.mark.parametrize("name, size", [("segnet", (45, 61)), ("segnet_basic", (33, 20)), ("deconvnet", (193, 225))])
def test_odd_sizes(name, size):
    net = model(name, input_shape=(None, None, 3), **SMALL)
    y = net(np.random.default_rng(0).normal(size=(1, *size, 3)).astype("float32")).numpy()
    assert y.shape == (1, *size, 3)
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)


def test_the_decoder_puts_values_where_they_were():
    net = model("segnet_basic", input_shape=(8, 8, 3), **SMALL)
    pool, unpool = net.get_layer("stage4"), net.get_layer("decode4_unpool")
    values, places, before, after = keras.Model(net.inputs, [*pool.output, pool.input, unpool.output])(
        np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    )
    assert np.count_nonzero(after) <= np.size(values) and after.shape == before.shape
    np.testing.assert_array_equal(np.ravel(after)[np.ravel(places)], np.ravel(values))


def test_basic_and_deconvnet_differ_as_their_cards_say():
    basic = sketch("segnet_basic", **SMALL)
    relus = [layer.name for layer in basic.layers if isinstance(layer, keras.layers.ReLU)]
    assert basic.layers[1].name == "norm" and not any(name.startswith("decode") for name in relus)
    net = sketch("deconvnet", **SMALL)
    assert shapes(net, ["fc6", "fc7", "unfc6"]) == {"fc6": (1, 1, 205), "fc7": (1, 1, 205), "unfc6": (7, 7, 26)}
    assert isinstance(net.get_layer("decode3_conv1"), keras.layers.Conv2DTranspose)


def test_without_top():
    assert sketch("segnet", include_top=False, **SMALL).output_shape == (None, 12, 15, 26)
    assert sketch("segnet", include_top=False, pooling="max", **SMALL).output_shape == (None, 26)


@pytest.mark.parametrize(
    "settings, told",
    [({"decoder": ((64,),)}, "as many stages"), ({"classes": 0}, "classes"), ({"pooling": "sum"}, "pooling")],
    ids=str,
)
def test_refused(settings, told):
    with pytest.raises(Refusal, match=told):
        model("segnet", **{**SMALL, **settings})
    with pytest.raises(Refusal, match="sides of at least 193"):
        model("deconvnet", input_shape=(192, 224, 3), **SMALL)
