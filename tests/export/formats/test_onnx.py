"""ONNX files: the model's numbers at every size; operations that ONNX lacks are refused by name."""

import keras
import numpy as np
import pytest
from onnx import load

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.formats.onnx import FORMAT, unknown_operations


def test_numbers_and_names(small_model, images, tmp_path):
    FORMAT.write(small_model, tmp_path / "it.onnx")
    shapes, run = FORMAT.open(tmp_path / "it.onnx")
    assert shapes == {"input": (None, 8, 8, 1)} and unknown_operations(load(tmp_path / "it.onnx").graph) == []
    for n in (1, 7):
        np.testing.assert_allclose(run({"input": images[:n]})[0], small_model(images[:n]), atol=1e-6)


def test_adapted_statistics_are_not_inputs(images, tmp_path):
    x = keras.Input((8, 8, 1), name="input")
    layer = keras.layers.Normalization()
    layer.adapt(images)
    model = keras.Model(x, layer(x))
    FORMAT.write(model, tmp_path / "it.onnx")
    shapes, run = FORMAT.open(tmp_path / "it.onnx")
    assert list(shapes) == ["input"] and layer.mean.shape == (1, 1, 1, 1)
    np.testing.assert_allclose(run({"input": images})[0], model(images), atol=1e-5)


def test_open_sizes_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((None, None, 3), name="picture"), keras.Input((2,), name="more")
    pooled = layers.AdaptiveMaxPooling2D(2)(layers.TiledConv2D(4, 3, tile=2)(a))
    model = keras.Model([a, b], [keras.layers.Concatenate()([keras.layers.Flatten()(pooled), b]), pooled])
    FORMAT.write(model, tmp_path / "it.onnx")
    shapes, run = FORMAT.open(tmp_path / "it.onnx")
    assert list(shapes.values()) == [(None, None, None, 3), (None, 2)]
    for height in (8, 11):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(3, height, 9, 3)).astype("float32"), rng.normal(size=(3, 2)).astype("float32")
        for received, expected in zip(run({"picture": x, "more": y}), model([x, y]), strict=True):
            np.testing.assert_allclose(received, expected, atol=1e-5)


def test_operations_that_onnx_lacks_are_refused(tmp_path):
    x = keras.Input((8,))
    model = keras.Model(x, keras.ops.erfinv(x), name="inverse")
    with pytest.raises(Refusal, match="^export of inverse: ONNX has no operation for TensorFlow's Erfinv.$"):
        FORMAT.write(model, tmp_path / "it.onnx")


def test_outputs_have_the_names_of_their_layers(tmp_path):
    x = keras.Input((4,), name="signal")
    shared = keras.layers.Dense(2, name="shared")
    other = keras.layers.Dense(3, name="other")(x)
    model = keras.Model(x, [shared(x), other, shared(2 * x)])
    FORMAT.write(model, tmp_path / "it.onnx")
    graph = load(tmp_path / "it.onnx").graph
    assert [one.name for one in graph.output] == ["shared", "other", "shared_1"]
    assert [one.name for one in graph.input] == ["signal"]
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for got, want in zip(FORMAT.open(tmp_path / "it.onnx")[1]({"signal": x}), model(x), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)
