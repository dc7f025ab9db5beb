"""Layers that compute with floating-point inputs refuse integers before anything runs, and name themselves."""

import keras
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.layers.base_layer import BaseLayer
from tests.collect import collect
from tests.layer_checks import dtype, symbols

EQUIVALENTS = [
    ({"batch_input_shape": (2, 8, 8, 1)}, r"keras.Input\(batch_shape=...\)"),
    ({"weights": []}, "set_weights"),
    ({"stride": 2}, "strides"),
    ({"padding_mode": "circular"}, r"padding=\(mode, pixels\)"),
]
CASES = collect("LAYER_CASES")
# Layers that also take integers compute their output's dtype themselves.
FLOATING = [name for name in CASES if getattr(layers, name).compute_output_spec is BaseLayer.compute_output_spec]


@pytest.mark.parametrize("name", FLOATING)
def test_symbolic_integers(name):
    case, cls = CASES[name], getattr(layers, name)
    with pytest.raises(ValueError, match=rf"{name} expects floating inputs .*; received dtype='int32'"):
        cls(**case.kwargs)(keras.tree.map_structure(lambda x: keras.Input(x.shape[1:], dtype="int32"), case.inputs))
    assert dtype(cls(**case.kwargs, dtype="mixed_float16")(symbols(case.inputs))) == "float16"


@pytest.mark.parametrize("arguments, equivalent", EQUIVALENTS, ids=lambda case: next(iter(case), None))
def test_arguments_of_other_libraries(arguments, equivalent):
    name = next(iter(arguments))
    for layer, words in ((layers.Conv2D, {"filters": 2, "kernel_size": 3}), (layers.LPPooling2D, {"pool_size": 2})):
        with pytest.raises(Refusal, match=f"^{layer.__name__} has no argument {name!r}; the equi.*{equivalent}"):
            layer(**words, **arguments)


@pytest.mark.parametrize(
    "name, sizes",
    [
        ("Conv2D", (10**9, 3)),
        ("GaborConv2D", (10**9, 3)),
        ("LocallyConnected2D", (10**9, 3)),
        ("FFTConv2D", (10**9, 3)),
        ("PrimaryCapsules2D", (10**9, 8, 3)),
        ("Fastfood", (10**9,)),
        ("RBF", (10**10,)),
    ],
)
def test_weights_that_cannot_fit_are_refused_before_they_take_memory(name, sizes, monkeypatch):
    monkeypatch.setattr("kzoo.memory.available_memory", lambda: 2**31)
    words = rf"^{name} with a weight of shape \(.*\) needs at least .* GiB of memory; 2.0 GiB are available"
    with pytest.raises(Refusal, match=words):
        getattr(layers, name)(*sizes).build((None, 8, 8, 1))
