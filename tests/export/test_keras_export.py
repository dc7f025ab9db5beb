"""Specs of inputs, and an export for batches of any size."""

import keras

from kzoo.export.keras_export import input_specs, keras_export
from kzoo.export.registry import FORMATS


def test_input_specs():
    a, b = keras.Input((8, None), name="a"), keras.Input((), dtype="int32", name="b")
    first, second = input_specs(keras.Model([a, b], [keras.ops.sum(a, 1), b]))
    assert first.shape.as_list() == [None, 8, None] and first.name == "a" and second.dtype == "int32"


def test_batches_of_any_size(small_model, tmp_path, capfd):
    keras_export(small_model, tmp_path / "it.onnx", "onnx")
    assert FORMATS["onnx"].open(tmp_path / "it.onnx")[0] == {"input": (None, 8, 8, 1)}
    assert capfd.readouterr().err == ""
