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
