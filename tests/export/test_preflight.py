"""Refusals before anything is written: missing packages, too little memory, unknown sizes, models without a graph."""

import importlib.util

import keras
import pytest

from kzoo.checks import Refusal
from kzoo.export import preflight
from kzoo.export.preflight import check_exportable, required_memory
from kzoo.export.registry import FORMATS


def test_a_small_model_is_fine_in_every_format(small_model):
    for format in FORMATS.values():
        check_exportable(small_model, format)


def test_missing_packages_are_named(small_model, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "onnx" in name else real(name))
    with pytest.raises(Refusal) as caught:
        check_exportable(small_model, FORMATS["onnx"])
    assert str(caught.value) == "export to onnx needs tf2onnx, onnx, onnxruntime: pip install 'kzoo[export]'."
    check_exportable(small_model, FORMATS["litert"])


@pytest.mark.parametrize(
    "name, least", [("onnx", "3.8"), ("openvino", "3.11"), ("litert", "3.13"), ("litert_int8", "3.13")]
)
def test_versions_of_keras_that_cannot_write_a_format(small_model, monkeypatch, name, least):
    monkeypatch.setattr(keras, "__version__", "3.7.0")
    with pytest.raises(Refusal, match=f"^export to {name} needs Keras {least} or newer; this is 3.7.0.$"):
        check_exportable(small_model, FORMATS[name])
    check_exportable(small_model, FORMATS["saved_model"])


def test_texts_are_refused():
    x = keras.Input((), dtype="string", name="words")
    model = keras.Model(x, keras.layers.StringLookup(vocabulary=["a", "b"])(x))
    with pytest.raises(
        Refusal, match=r"^export expects a model whose inputs are numbers; received texts=\['words'\]\.$"
    ):
        check_exportable(model, FORMATS["onnx"])


def test_too_little_memory(small_model, monkeypatch):
    monkeypatch.setattr(preflight, "available_memory", lambda: 2**30)
    monkeypatch.setattr(small_model, "count_params", lambda: 138_357_544)
    with pytest.raises(Refusal) as caught:
        check_exportable(small_model, FORMATS["onnx"])
    needed, less = (required_memory(small_model, FORMATS[name]) for name in ("onnx", "saved_model"))
    expected = f"needs about {needed / 2**30:.1f} GiB of memory for its 138,357,544 parameters, and 1.0 GiB"
    assert expected in str(caught.value) and needed > 12 * 2**30 > less


def test_adaptive_pooling_of_kerass_needs_sizes():
    def pooled(shape):
        x = keras.Input(shape)
        return keras.Model(x, keras.layers.AdaptiveAveragePooling2D(2, name="pool")(x), name="it")

    check_exportable(pooled((8, 8, 3)), FORMATS["saved_model"])
    try:
        model = pooled((None, None, 3))
    except ValueError:  # Keras refuses it itself
        return
    with pytest.raises(
        Refusal, match=r"^export of it: Keras's AdaptiveAveragePooling2D \(pool\) needs an input of known"
    ):
        check_exportable(model, FORMATS["saved_model"])


def test_other_backends_are_refused(small_model, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(Refusal, match="^export expects Keras on its TensorFlow backend; received backend='jax'.$"):
        check_exportable(small_model, FORMATS["saved_model"])


def test_models_without_a_graph_are_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    for thing in (Own(), keras.Sequential([keras.layers.Dense(1)]), "model"):
        with pytest.raises(Refusal, match="^export expects a functional or sequential model"):
            check_exportable(thing, FORMATS["saved_model"])
