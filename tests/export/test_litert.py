"""LiteRT files: the net's numbers for every batch, and operations that need TensorFlow beside it, refused."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.litert import reason, write_litert
from kzoo.export.runtimes import litert


def test_numbers_and_names(net, images, tmp_path):
    write_litert(net, tmp_path / "it.tflite")
    shapes, run = litert(tmp_path / "it.tflite")
    assert shapes == {"input": (None, 8, 8, 1)}
    for n in (1, 7):
        np.testing.assert_allclose(run({"input": images[:n]})[0], net(images[:n]), atol=1e-6)


def test_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((9, 9, 3), name="picture"), keras.Input((2,), name="more")
    pooled = layers.AdaptiveMaxPooling2D(2)(layers.TiledConv2D(4, 3, tile=2)(a))
    net = keras.Model([a, b], [keras.layers.Concatenate()([keras.layers.Flatten()(pooled), b]), pooled])
    write_litert(net, tmp_path / "it.tflite")
    _, run = litert(tmp_path / "it.tflite")
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(3, 9, 9, 3)).astype("float32"), draw.normal(size=(3, 2)).astype("float32")
    for got, wanted in zip(run({"more": y, "picture": x}), net([x, y]), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_what_litert_has_not_is_refused(tmp_path):
    x = keras.Input((8,))
    net = keras.Model(x, keras.ops.roll(x, 1, axis=1), name="rolled")
    with pytest.raises(Refusal, match="^export of rolled: LiteRT has no operation for TensorFlow's Roll.$"):
        write_litert(net, tmp_path / "it.tflite")
    assert not list(tmp_path.iterdir())


def test_reason():
    assert reason("many\n  words") == "LiteRT cannot have it: many words"
    assert len(reason("x" * 1000)) < 400
