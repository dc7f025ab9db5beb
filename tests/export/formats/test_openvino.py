"""OpenVINO's folder: the model's numbers in float32, and its errors."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.formats.openvino import FORMAT


def test_numbers_and_names(small_model, images, tmp_path):
    FORMAT.write(small_model, tmp_path / "openvino")
    assert sorted(file.name for file in (tmp_path / "openvino").iterdir()) == ["model.bin", "model.xml"]
    for path in (tmp_path / "openvino", tmp_path / "openvino" / "model.xml"):
        shapes, run = FORMAT.open(path)
        assert shapes == {"input": (None, 8, 8, 1)}
        for n in (1, 7):
            np.testing.assert_allclose(run({"input": images[:n]})[0], small_model(images[:n]), atol=1e-5)


def test_a_full_disk_is_an_os_error(small_model, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(small_model, "export", fails)
    with pytest.raises(OSError, match="its files could not be written"):
        FORMAT.write(small_model, tmp_path / "openvino")


def test_errors_are_one_line(tmp_path, monkeypatch):
    x = keras.Input((8,))
    model = keras.Model(x, keras.layers.Dense(1)(x), name="it")

    def fails(*_, **__):
        raise RuntimeError("no\n\n  operation")

    monkeypatch.setattr(model, "export", fails)
    with pytest.raises(Refusal, match="^export of it: OpenVINO cannot represent it: no operation$"):
        FORMAT.write(model, tmp_path / "openvino")


def test_outputs_have_the_names_of_their_layers(tmp_path):
    import openvino

    x = keras.Input((4,), name="signal")
    dense = keras.layers.Dense(2, name="dense")(x)
    model = keras.Model(x, [dense, keras.layers.Softmax(name="shares")(dense)])
    FORMAT.write(model, tmp_path / "openvino")
    read = openvino.Core().read_model(tmp_path / "openvino" / "model.xml")
    assert [one.get_names() for one in read.outputs] == [{"dense"}, {"shares"}]
    assert [one.get_names() for one in read.inputs] == [{"signal"}]
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for got, want in zip(FORMAT.open(tmp_path / "openvino")[1]({"signal": x}), model(x), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
