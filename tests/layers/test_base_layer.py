"""The base of all layers: integers are kept or refused, arguments that are True or False or of other libraries, weights
that cannot fit.
"""

import inspect
import json

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.ops import no_islands
from tests.collect import collect
from tests.layer_checks import dtype, symbols

EQUIVALENTS = [
    ({"batch_input_shape": (2, 8, 8, 1)}, r"keras.Input\(batch_shape=...\)"),
    ({"weights": []}, "set_weights"),
    ({"stride": 2}, "strides"),
    ({"padding_mode": "circular"}, r"padding=\(mode, pixels\)"),
]
CASES = collect("LAYER_CASES")
# Layers that select or move values take integers and return them; the latter take any numbers.
SELECTING = (
    "AdaptiveMaxPooling",
    "FractionalMaxPooling",
    "KMaxPooling",
    "MaxPooling",
    "Maxout",
    "SpatialPyr",
)
MOVING = ("MaxUnpooling", "Padding", "PixelShuffle", "PixelUnshuffle", "RGBToBGR")


@pytest.mark.parametrize("kind", ["uint8", "int32", "bool", "complex64"])
@pytest.mark.parametrize("name", CASES)
def test_integers_are_kept_or_refused(name, kind):
    """As arrays and as symbolic inputs, in one line that names the layer and before its weights are made."""
    case, cls = CASES[name], getattr(layers, name)
    first, *rest = [x if x.dtype.kind == "i" else abs(4 * x).astype("uint8") for x in case.arrays]

    def call(x, make=lambda x: x):
        layer, parts = cls(**case.kwargs), [make(part) for part in (x, *rest)]
        with no_islands():
            return keras.tree.flatten(layer(parts if rest else parts[0])), layer

    x = first.astype(kind)
    ways = [lambda x: x, lambda x: keras.Input(x.shape[1:], dtype=x.dtype.name)]
    if name.startswith(MOVING) or (name.startswith(SELECTING) and kind in ("uint8", "int32")):
        got, symbolic = (call(x, make)[0] for make in ways)
        assert [dtype(y) for y in got] == [dtype(y) for y in symbolic] and dtype(got[0]) == kind
        for y, wanted in zip(got, call(np.real(x).astype("float32"))[0]):
            np.testing.assert_array_equal(y, np.asarray(wanted).astype(dtype(y)))
        return
    for make in ways:
        with pytest.raises(Refusal, match=rf"^{name} expects floating .*; received dtype='{kind}'") as refusal:
            call(x, make)
        assert "\n" not in str(refusal.value)


def switches(cls):
    """Returns the names of a layer's arguments that are True or False."""
    constructors = [
        vars(base)["__init__"]
        for base in cls.__mro__
        if base.__module__.startswith("kzoo.") and "__init__" in vars(base)
    ]
    parameters = [p for made in constructors for p in inspect.signature(made).parameters.values()]
    return sorted({p.name for p in parameters if isinstance(p.default, bool)})


@pytest.mark.parametrize(
    "name, switch", [(name, switch) for name in CASES for switch in switches(getattr(layers, name))]
)
def test_switches(name, switch):
    """A text or a tuple is refused, not taken as True; NumPy's bools and 1 are kept as Python's."""
    cls, kwargs = getattr(layers, name), CASES[name].kwargs
    for value in ("no", (0, 1), [], None, 2):
        with pytest.raises(Refusal, match=f"^{name} expects {switch}, True or False; received {switch}="):
            cls(**{**kwargs, switch: value})
    for value in (np.False_, 0):
        kept = json.loads(json.dumps(cls(**{**kwargs, switch: value}).get_config()))[switch]
        assert kept is False


def test_integers_are_those_of_keras():
    """Its pooling and padding keep integers, and it averages none."""
    x = np.arange(256, dtype="uint8").reshape(1, 8, 8, 4)
    for ours, theirs in (
        (layers.MaxPoolingWithArgmax2D(3, 2, "same"), keras.layers.MaxPooling2D(3, 2, "same")),
        (layers.AdaptiveMaxPooling2D(1), keras.layers.GlobalMaxPooling2D(keepdims=True)),
        (layers.Padding2D(((1, 0), (2, 1))), keras.layers.ZeroPadding2D(((1, 0), (2, 1)))),
    ):
        y, wanted = keras.tree.flatten(ours(x))[0], theirs(x)
        assert dtype(y) == dtype(wanted) == "uint8"
        np.testing.assert_array_equal(y, wanted)


def test_value_dtype():
    assert layers.LPPooling2D(dtype="mixed_bfloat16").value_dtype(np.zeros(1, "float32")) == "bfloat16"
    assert layers.MaxPoolingWithArgmax2D().value_dtype(np.zeros(1, "int8")) == "int8"


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith((*SELECTING, *MOVING))])
def test_symbolic_dtypes_under_a_policy(name):
    case = CASES[name]
    made = keras.tree.flatten(getattr(layers, name)(**case.kwargs, dtype="mixed_float16")(symbols(case.inputs)))
    assert {dtype(y) for y in made} == {"float16"}


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
