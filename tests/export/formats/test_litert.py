"""LiteRT files: the model's numbers for every batch size; operations that need TensorFlow are refused."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.formats import litert
from kzoo.export.formats.litert import FORMAT, conversion_error


def test_numbers_and_names(small_model, images, tmp_path):
    FORMAT.write(small_model, tmp_path / "it.tflite")
    shapes, run = FORMAT.open(tmp_path / "it.tflite")
    assert shapes == {"input": (None, 8, 8, 1)}
    for n in (1, 7):
        np.testing.assert_allclose(run({"input": images[:n]})[0], small_model(images[:n]), atol=1e-6)


def test_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((9, 9, 3), name="picture"), keras.Input((2,), name="more")
    pooled = layers.AdaptiveMaxPooling2D(2)(layers.TiledConv2D(4, 3, tile=2)(a))
    model = keras.Model([a, b], [keras.layers.Concatenate()([keras.layers.Flatten()(pooled), b]), pooled])
    FORMAT.write(model, tmp_path / "it.tflite")
    _, run = FORMAT.open(tmp_path / "it.tflite")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 9, 9, 3)).astype("float32"), rng.normal(size=(3, 2)).astype("float32")
    for received, expected in zip(run({"more": y, "picture": x}), model([x, y]), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-5)


def test_files_with_the_names_of_the_converter(tmp_path, monkeypatch):
    """As earlier versions wrote them: "output_0" and further ones, whose tensors have any order."""
    monkeypatch.setattr(litert, "name_tensors", lambda path, model: None)
    x = keras.Input((4,))
    model = keras.Model(x, [keras.layers.Dense(2, name=f"head{5 * i % 12}")(x) for i in range(12)])
    FORMAT.write(model, tmp_path / "it.tflite")
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for received, expected in zip(FORMAT.open(tmp_path / "it.tflite")[1]({"x": x}), model(x), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-6)


def test_operations_that_litert_lacks_are_refused(tmp_path):
    x = keras.Input((8,))
    model = keras.Model(x, keras.ops.roll(x, 1, axis=1), name="rolled")
    with pytest.raises(Refusal, match="^export of rolled: LiteRT has no operation for TensorFlow's Roll.$"):
        FORMAT.write(model, tmp_path / "it.tflite")
    assert not list(tmp_path.iterdir())


def test_a_refusal_of_unknown_sizes_says_what_to_do(tmp_path):
    """The converter blames AddV2, which LiteRT has."""

    def model(size):
        x = keras.Input((size, size, 1))
        return keras.Model(x, layers.FractionalMaxPooling2D(1.5)(x), name="fractional")

    words = (
        r"^export of fractional: it cannot be converted for inputs of unknown size \(None, None, 1\); build it with a"
    )
    with pytest.raises(Refusal, match=words):
        FORMAT.write(model(None), tmp_path / "it.tflite")
    FORMAT.write(model(8), tmp_path / "it.tflite")


def test_conversion_error():
    assert conversion_error("many\n  words") == "LiteRT cannot represent it: many words"
    assert len(conversion_error("x" * 1000)) < 400
