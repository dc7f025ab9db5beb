"""Every public layer, at two sizes, and a small net of every family, in every format that carries it.

SavedModels of all layers side by side, as Keras's own `export` writes them, and of all families, as kzoo's does, in one
bare process each; one by one, and in the other formats, by hand.
"""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.exporter import export
from kzoo.export.formats import FORMATS
from kzoo.export.graph_check import strange
from kzoo.export.inference_model import inference_model
from kzoo.export.isolated_process import max_difference, run_isolated
from kzoo.export.saved_model import write_saved_model
from kzoo.export.verification_inputs import case_of, noise
from kzoo.models.registry import model
from tests.export.test_saved_model import graph_of
from tests.layer_checks import randomize, symbols
from tests.layers.cases import CASES, CLASSES
from tests.models.test_fits import SMALL

# what a format has no operation for, found by trying
LACKING = {("TiledConv3D", "litert"): "for TensorFlow's Transpose"}  # of more than six axes
TIED = "MaxUnpooling", "ProbabilisticMaxPooling"  # their sizes are no free choice


def branch(name, known):
    """Inputs of a layer, named after it, and its outputs."""
    case = CASES[name]
    flat = [
        keras.Input(s.shape[1:], dtype=s.dtype, name=f"{name}_{place}")
        for place, s in enumerate(keras.tree.flatten(symbols(case.inputs, known)))
    ]
    layer = CLASSES[name](**case.kwargs, name=name)
    outputs = keras.tree.flatten(layer(flat if isinstance(case.inputs, list) else flat[0]))
    randomize(layer)
    return flat, outputs


def stretched(name, arrays):
    """Other arrays of a layer's, a little larger, where its sizes are free."""
    case = CASES[name]
    if not case.free or len(case.arrays) > 1 or name == "ProbabilisticMaxPooling2D":
        return arrays
    return [np.concatenate([x, x[:, :2]], 1) for x in arrays]


def test_every_layer_in_one_saved_model(tmp_path):
    parts = {name: branch(name, known=not case.free) for name, case in CASES.items()}
    inputs = [t for flat, _ in parts.values() for t in flat]
    outputs = {f"{name}_{i}": y for name, (_, found) in parts.items() for i, y in enumerate(found)}
    net = keras.Model(inputs, outputs, name="layers")
    net.export(tmp_path / "it", verbose=False)
    assert strange(graph_of(tmp_path / "it")) == []
    first = [np.asarray(x) for name in parts for x in CASES[name].arrays]
    second = [np.asarray(x) for name in parts for x in stretched(name, CASES[name].arrays)]
    tried = [case_of(net, first), case_of(net, second)]
    names = sorted(outputs, key=lambda name: (len(name), name))
    for case, answers in zip(tried, run_isolated(tmp_path / "it", tried), strict=True):
        for name, wanted, got in zip(names, case.wanted, answers, strict=True):
            assert max_difference(wanted, got) <= 1e-5, name


def test_every_family_in_one_saved_model(tmp_path):
    nets = {name: inference_model(model(name, **settings, classes=4)) for name, settings in SMALL.items()}
    inputs = [
        keras.Input([n or 24 for n in t.shape[1:]], dtype=t.dtype, name=f"{name}_{t.name}")
        for name, net in nets.items()
        for t in net.inputs
    ]
    left, outputs = iter(inputs), {}
    for name, net in nets.items():
        fed = [next(left) for _ in net.inputs]
        outputs[name] = net(fed if len(fed) > 1 else fed[0])
    whole = keras.Model(inputs, outputs, name="families")
    write_saved_model(whole, tmp_path / "it", images=False)
    assert strange(graph_of(tmp_path / "it")) == []
    draw = np.random.default_rng(0)
    tried = [case_of(whole, [noise(draw, t, n, t.shape[1:]) for t in inputs]) for n in (1, 3)]
    names = sorted(outputs, key=lambda name: (len(name), name))
    for case, answers in zip(tried, run_isolated(tmp_path / "it", tried), strict=True):
        for name, wanted, got in zip(names, case.wanted, answers, strict=True):
            assert max_difference(wanted, got) <= 1e-5, name


@pytest.mark.large
@pytest.mark.parametrize("format", ["saved_model", "onnx", "litert"])
@pytest.mark.parametrize("name", CASES)
def test_each_layer_alone(name, format, tmp_path):
    flat, outputs = branch(name, known=not CASES[name].free or format == "litert" or name.startswith(TIED))
    net = keras.Model(flat if len(flat) > 1 else flat[0], outputs if len(outputs) > 1 else outputs[0])
    if (name, format) in LACKING:
        with pytest.raises(Refusal, match=LACKING[name, format]):
            export(net, tmp_path / FORMATS[format].file, format)
        return
    assert export(net, tmp_path / FORMATS[format].file, format)["max_difference"] <= 1e-4
