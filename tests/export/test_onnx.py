"""ONNX files: the net's numbers at every size, and operations that ONNX has not, refused by their names."""

import keras
import numpy as np
import pytest
from onnx import load

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.onnx import unknown, write_onnx
from kzoo.export.runtimes import onnx


def test_numbers_and_names(net, images, tmp_path):
    write_onnx(net, tmp_path / "it.onnx")
    shapes, run = onnx(tmp_path / "it.onnx")
    assert shapes == {"input": (None, 8, 8, 1)} and unknown(load(tmp_path / "it.onnx").graph) == []
    for n in (1, 7):
        np.testing.assert_allclose(run({"input": images[:n]})[0], net(images[:n]), atol=1e-6)


def test_learned_statistics_are_no_inputs(images, tmp_path):
    x = keras.Input((8, 8, 1), name="input")
    layer = keras.layers.Normalization()
    layer.adapt(images)
    net = keras.Model(x, layer(x))
    write_onnx(net, tmp_path / "it.onnx")
    shapes, run = onnx(tmp_path / "it.onnx")
    assert list(shapes) == ["input"] and layer.mean.shape == (1, 1, 1, 1)
    np.testing.assert_allclose(run({"input": images})[0], net(images), atol=1e-5)


def test_open_sizes_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((None, None, 3), name="picture"), keras.Input((2,), name="more")
    pooled = layers.AdaptiveMaxPooling2D(2)(layers.TiledConv2D(4, 3, tile=2)(a))
    net = keras.Model([a, b], [keras.layers.Concatenate()([keras.layers.Flatten()(pooled), b]), pooled])
    write_onnx(net, tmp_path / "it.onnx")
    shapes, run = onnx(tmp_path / "it.onnx")
    assert list(shapes.values()) == [(None, None, None, 3), (None, 2)]
    for height in (8, 11):
        draw = np.random.default_rng(0)
        x, y = draw.normal(size=(3, height, 9, 3)).astype("float32"), draw.normal(size=(3, 2)).astype("float32")
        for got, wanted in zip(run({"picture": x, "more": y}), net([x, y]), strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_what_onnx_has_not_is_refused(tmp_path):
    x = keras.Input((8,))
    net = keras.Model(x, keras.ops.erfinv(x), name="inverse")
    with pytest.raises(Refusal, match="^export of inverse: ONNX has no operation for TensorFlow's Erfinv.$"):
        write_onnx(net, tmp_path / "it.onnx")
