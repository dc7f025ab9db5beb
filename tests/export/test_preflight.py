"""What is refused before anything is written: packages, memory with the need named, sizes, things that are no graph."""

import importlib.util
import resource
import subprocess
import sys

import keras
import pytest

from kzoo.checks import Refusal
from kzoo.export import preflight
from kzoo.export.formats import FORMATS
from kzoo.export.preflight import available, check, need


def test_a_small_net_is_fine_in_every_format(net):
    for format in FORMATS:
        check(net, format)


def test_missing_packages_are_named(net, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "onnx" in name else real(name))
    with pytest.raises(Refusal) as caught:
        check(net, "onnx")
    assert str(caught.value) == "export to onnx needs tf2onnx, onnx, onnxruntime: pip install 'kzoo[export]'."
    check(net, "litert")


def test_memory_is_named(net, monkeypatch):
    monkeypatch.setattr(preflight, "available", lambda: 2**30)
    monkeypatch.setattr(net, "count_params", lambda: 138_357_544)
    with pytest.raises(Refusal) as caught:
        check(net, "onnx")
    wanted = f"needs about {need(net, 'onnx') / 2**30:.1f} GiB of memory for its 138,357,544 parameters, and 1.0 GiB"
    assert wanted in str(caught.value) and need(net, "onnx") > 12 * 2**30 > need(net, "saved_model")


def test_available():
    found = available()
    assert 0 < found < 2**44
    code = "import resource; from kzoo.export.preflight import available; b = available();"
    code += "resource.setrlimit(resource.RLIMIT_DATA, (2**33, 2**33)); a = available(); print(a < 2**33, a <= b)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True True\n", done.stderr[-500:]
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY or found < 2**44


def test_adaptive_pooling_of_kerass_needs_sizes():
    def pooled(shape):
        x = keras.Input(shape)
        return keras.Model(x, keras.layers.AdaptiveAveragePooling2D(2, name="pool")(x), name="it")

    check(pooled((8, 8, 3)), "saved_model")
    try:
        net = pooled((None, None, 3))
    except ValueError:  # Keras refuses it itself
        return
    with pytest.raises(
        Refusal, match=r"^export of it: Keras's AdaptiveAveragePooling2D \(pool\) needs an input of known"
    ):
        check(net, "saved_model")


def test_other_backends_are_refused(net, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(Refusal, match="^export expects Keras on its TensorFlow backend; received backend='jax'.$"):
        check(net, "saved_model")


def test_what_is_no_graph_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    for thing in (Own(), keras.Sequential([keras.layers.Dense(1)]), "net"):
        with pytest.raises(Refusal, match="^export expects a functional or sequential model"):
            check(thing, "saved_model")
