"""OpenVINO's folder: the net's numbers in float32."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.openvino import write_openvino
from kzoo.export.runtimes import openvino


def test_numbers_and_names(net, images, tmp_path):
    write_openvino(net, tmp_path / "openvino")
    assert sorted(file.name for file in (tmp_path / "openvino").iterdir()) == ["model.bin", "model.xml"]
    for path in (tmp_path / "openvino", tmp_path / "openvino" / "model.xml"):
        shapes, run = openvino(path)
        assert shapes == {"input": (None, 8, 8, 1)}
        for n in (1, 7):
            np.testing.assert_allclose(run({"input": images[:n]})[0], net(images[:n]), atol=1e-5)


def test_a_full_disk_is_told(net, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(net, "export", fails)
    with pytest.raises(OSError, match="its files could not be written"):
        write_openvino(net, tmp_path / "openvino")


def test_its_words_in_one_line(tmp_path, monkeypatch):
    x = keras.Input((8,))
    net = keras.Model(x, keras.layers.Dense(1)(x), name="it")

    def fails(*_, **__):
        raise RuntimeError("no\n\n  operation")

    monkeypatch.setattr(net, "export", fails)
    with pytest.raises(Refusal, match="^export of it: OpenVINO cannot have it: no operation$"):
        write_openvino(net, tmp_path / "openvino")
