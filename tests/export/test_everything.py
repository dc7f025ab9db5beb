"""Every public layer in two sizes, and a small model of every family, in every format that can represent it.

One SavedModel has all layers but those in 1D and 3D next to each other, written by Keras's own `export`, and one has
all families, written by kzoo. Each runs in one isolated process. Single layers in several formats, those in 1D and 3D
too, are run by hand (-m large).
"""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.comparison import max_difference
from kzoo.export.exporter import export
from kzoo.export.graph_check import foreign_operations
from kzoo.export.inference_model import inference_model
from kzoo.export.isolated_process import run_isolated
from kzoo.export.registry import FORMATS
from kzoo.export.verification_inputs import make_batch, random_input
from kzoo.models.registry import model
from tests.collect import collect
from tests.export.formats.test_saved_model import graph_of
from tests.layer_checks import randomize, symbols
from tests.models.test_fits import SMALL

CASES = collect("LAYER_CASES")
# layers that a format lacks an operation for
LACKING = {("TiledConv3D", "litert"): "for TensorFlow's Transpose"}  # of more than six axes
TIED = "MaxUnpooling", "ProbabilisticMaxPooling"  # their input sizes depend on each other


def branch(name, known):
    """Inputs of a layer, named after it, and its outputs."""
    case = CASES[name]
    flat = [
        keras.Input(s.shape[1:], dtype=s.dtype, name=f"{name}_{index}")
        for index, s in enumerate(keras.tree.flatten(symbols(case.inputs, known)))
    ]
    layer = getattr(layers, name)(**case.kwargs, name=name)
    outputs = keras.tree.flatten(layer(flat if isinstance(case.inputs, list) else flat[0]))
    randomize(layer)
    return flat, outputs


def stretched(name, arrays):
    """Other arrays of a layer's, a little larger, where its sizes are free."""
    case = CASES[name]
    if not case.free or len(case.arrays) > 1 or name == "ProbabilisticMaxPooling2D":
        return arrays
    return [np.concatenate([x, x[:, :2]], 1) for x in arrays]


@pytest.mark.large
def test_every_layer_in_one_saved_model(tmp_path):
    cases = {name: case for name, case in CASES.items() if not name.endswith(("1D", "3D"))}
    parts = {name: branch(name, known=not case.free) for name, case in cases.items()}
    inputs = [t for flat, _ in parts.values() for t in flat]
    outputs = {f"{name}_{i}": y for name, (_, found) in parts.items() for i, y in enumerate(found)}
    model = keras.Model(inputs, outputs, name="layers")
    model.export(tmp_path / "it", verbose=False)
    assert foreign_operations(graph_of(tmp_path / "it")) == []
    first = [np.asarray(x) for name in parts for x in CASES[name].arrays]
    second = [np.asarray(x) for name in parts for x in stretched(name, CASES[name].arrays)]
    batches = [make_batch(model, first), make_batch(model, second)]
    names = sorted(outputs, key=lambda name: (len(name), name))  # the order of `open` for what Keras exports
    for batch, arrays in zip(batches, run_isolated(tmp_path / "it", batches, FORMATS["saved_model"]), strict=True):
        expected = dict(zip(sorted(outputs), batch.expected, strict=True))
        for name, received in zip(names, arrays, strict=True):
            assert max_difference(expected[name], received) <= 1e-5, name


@pytest.mark.large
def test_every_family_in_one_saved_model(tmp_path):
    models = {name: inference_model(model(name, **settings, classes=4)) for name, settings in SMALL.items()}
    inputs = [
        keras.Input([n or 24 for n in t.shape[1:]], dtype=t.dtype, name=f"{name}_{t.name}")
        for name, one in models.items()
        for t in one.inputs
    ]
    left, outputs = iter(inputs), {}
    for name, one in models.items():
        fed = [next(left) for _ in one.inputs]
        outputs[name] = one(fed if len(fed) > 1 else fed[0])
    whole = keras.Model(inputs, outputs, name="families")
    FORMATS["saved_model"].write(whole, tmp_path / "it", images=False)
    assert foreign_operations(graph_of(tmp_path / "it")) == []
    rng = np.random.default_rng(0)
    batches = [make_batch(whole, [random_input(rng, t, n, t.shape[1:]) for t in inputs]) for n in (1, 3)]
    for batch, arrays in zip(batches, run_isolated(tmp_path / "it", batches, FORMATS["saved_model"]), strict=True):
        for name, expected, received in zip(sorted(outputs), batch.expected, arrays, strict=True):
            assert max_difference(expected, received) <= 1e-5, name


@pytest.mark.large
@pytest.mark.parametrize("format", ["saved_model", "onnx", "litert"])
@pytest.mark.parametrize("name", CASES)
def test_each_layer(name, format, tmp_path):
    flat, outputs = branch(name, known=not CASES[name].free or format == "litert" or name.startswith(TIED))
    model = keras.Model(flat if len(flat) > 1 else flat[0], outputs if len(outputs) > 1 else outputs[0])
    if (name, format) in LACKING:
        with pytest.raises(Refusal, match=LACKING[name, format]):
            export(model, tmp_path / FORMATS[format].file, format)
        return
    assert export(model, tmp_path / FORMATS[format].file, format)["max_difference"] <= 1e-4
