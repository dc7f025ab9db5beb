"""Specs of inputs, and an export for batches of any size."""

import keras
import numpy as np
import onnxruntime
import openvino
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

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


NAMES = [f"head{5 * i % 12}" for i in range(12)]  # neither in the order of the alphabet nor of their numbers


def names_in_saved_model(path):
    signature = tf.saved_model.load(path).signatures["serving_default"]
    return signature.structured_input_signature[1], signature.structured_outputs


def names_in_onnx(path):
    session = onnxruntime.InferenceSession(path)
    return [one.name for one in session.get_inputs()], [one.name for one in session.get_outputs()]


def names_in_litert(path):
    """Those of the signature are those of the tensors."""
    interpreter = Interpreter(str(path))
    (signature,) = interpreter.get_signature_list().values()
    tensors = [
        [one["name"] for one in side()] for side in (interpreter.get_input_details, interpreter.get_output_details)
    ]
    assert [sorted(names) for names in tensors] == [sorted(signature["inputs"]), sorted(signature["outputs"])]
    return tensors


def names_in_openvino(path):
    model = openvino.Core().read_model(path / "model.xml")
    return [one.get_any_name() for one in model.inputs], [one.get_any_name() for one in model.outputs]


READERS = {
    "saved_model": names_in_saved_model,
    "onnx": names_in_onnx,
    "litert": names_in_litert,
    "litert_int8": names_in_litert,
    "openvino": names_in_openvino,
}


@pytest.mark.parametrize("format", FORMATS)
def test_names_and_order_in_every_format(tmp_path, format):
    """The names by the runtime alone; the order also where a signature has none."""
    keras.utils.set_random_seed(0)
    a, b = keras.Input((4,), name="second"), keras.Input((4,), name="first")
    inputs = [a] if format == "litert_int8" else [a, b]
    y = a if format == "litert_int8" else a - 2 * b
    model = keras.Model(inputs, [keras.layers.Dense(2, name=name)(y) for name in NAMES])
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    path, arrays = tmp_path / FORMATS[format].file, [x, x[::-1]][: len(inputs)]
    FORMATS[format].write(model, path, examples=x)
    received, given = READERS[format](path)
    assert sorted(received) == sorted(t.name for t in inputs) and sorted(given) == sorted(NAMES)
    if not isinstance(given, dict):
        assert given == NAMES
    _, run = FORMATS[format].open(path)
    outputs = run(dict(zip(("second", "first"), arrays)), "serving_default")
    for got, want in zip(outputs, model(arrays if len(arrays) > 1 else x), strict=True):
        np.testing.assert_allclose(got, want, atol=0.1 if "int8" in format else 1e-5)


@pytest.mark.parametrize("format", FORMATS)
def test_names_of_a_dict(tmp_path, format):
    x = keras.Input((4,), name="signal")
    model = keras.Model(x, {"b": keras.layers.Dense(2)(x), "aa": keras.layers.Dense(3)(x)})
    path, arrays = tmp_path / FORMATS[format].file, np.ones((5, 4), "float32")
    FORMATS[format].write(model, path, examples=arrays)
    assert list(READERS[format](path)[1]) in (["aa", "b"], ["b", "aa"])
    outputs = FORMATS[format].open(path)[1]({"signal": arrays}, "serving_default")
    assert [y.shape for y in outputs] == [(5, 3), (5, 2)]  # as Keras sorts a dict


def test_two_outputs_of_one_tensor_and_an_input_as_output(tmp_path):
    x = keras.Input((4,), name="signal")
    y = keras.layers.Dense(2, name="dense")(x)
    model, arrays = keras.Model(x, [y, x, y]), np.ones((5, 4), "float32")
    for name in ("saved_model", "onnx", "litert", "openvino"):
        path = tmp_path / FORMATS[name].file
        FORMATS[name].write(model, path)
        outputs = FORMATS[name].open(path)[1]({"signal": arrays}, "serving_default")
        for got, want in zip(outputs, model(arrays), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-5)
