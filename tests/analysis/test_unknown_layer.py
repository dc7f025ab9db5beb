"""Layers without a declared operation count or receptive field are named, also in nested models."""

import keras
import pytest
from keras import layers

from kzoo.analysis import catalogue
from kzoo.analysis.flop_count import flops
from kzoo.analysis.receptive_field import receptive_fields
from kzoo.analysis.unknown_layer import UnknownLayer, unknown_layers
from kzoo.checks import Refusal
from kzoo.models.registry import model
from kzoo.terminal import console

BOTH = ("operation count", "receptive field")


class Doubled(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


class Counted(Doubled):
    def flops(self, input_shapes, output_shapes):
        return 5


def nested():
    inner = [keras.Input((8, 8, 1)), layers.Conv2D(1, 3), Doubled(name="double"), Counted(name="counted")]
    inner = keras.Sequential(inner, name="backbone")
    x = keras.Input((8, 8, 1))
    return keras.Model(x, layers.Flatten()(inner(x)))


def test_named_by_path():
    built = nested()
    assert unknown_layers(built) == [
        UnknownLayer("backbone/double", "Doubled", BOTH),
        UnknownLayer("backbone/counted", "Counted", BOTH[1:]),
    ]
    assert flops(built) is None and receptive_fields(built)["backbone/double"][0].status == "unknown"


def test_layers_that_are_called_twice_and_operations():
    x, double = keras.Input((8, 1)), Doubled(name="double")
    found = unknown_layers(keras.Model(x, keras.ops.flip(double(double(x)))))
    assert [(layer.type, layer.missing) for layer in found] == [("Doubled", BOTH), ("Flip", BOTH)]


@pytest.mark.parametrize("name", ["context_basic", "segnet_basic", "capsnet", "two_stream"])
def test_models_of_the_zoo_have_none(name):
    """Nor one of unknown sizes, whose operations cannot be counted."""
    assert unknown_layers(catalogue.sketch(name)) == []


def test_convnext():
    """Its LayerScale is in no public module of Keras; 4.5 G products (Liu et al. 2022)."""
    with keras.StatelessScope(initialize_variables=False):
        built = keras.applications.ConvNeXtTiny(weights=None, input_shape=(224, 224, 3))
    keras.backend.clear_session(free_memory=False)
    assert unknown_layers(built) == []
    assert flops(built) / 2 == pytest.approx(4.5e9, rel=0.02)


def test_shown(monkeypatch):
    monkeypatch.setattr(catalogue, "sketch", lambda name: nested())
    text = catalogue.model_text("nielsen_3", console(width=160))
    assert "\nUnknown: operation count, receptive field of backbone/double (Doubled)\n" in text
    monkeypatch.setattr(catalogue, "sketch", model)
    assert "Unknown" not in catalogue.model_text("nielsen_3", console(width=160))


def test_refusals():
    with pytest.raises(Refusal, match="a functional or Sequential model"):
        unknown_layers(keras.Sequential())
