"""Integers inside, float32 outside, close to the model's own outputs; and what cannot be quantized."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from kzoo.checks import Refusal
from kzoo.export.formats import litert_int8
from kzoo.export.formats.litert import dequantize, quantize
from kzoo.export.formats.litert_int8 import FORMAT, accuracy, agreement, quantization
from kzoo.export.verification_inputs import Batch


def test_numbers(small_model, images, tmp_path):
    FORMAT.write(small_model, tmp_path / "it.tflite", representative=images)
    shapes, run = FORMAT.open(tmp_path / "it.tflite")
    assert shapes == {"input": (None, 8, 8, 1)}
    for n in (1, 7):
        (outputs,) = run({"input": images[:n]})
        assert outputs.dtype == np.float32
        np.testing.assert_allclose(outputs, small_model(images[:n]), atol=0.05)
    assert np.abs(run({"input": images})[0] - small_model(images)).max() > 1e-6  # it does round


def test_integer_inputs_and_outputs(small_model, images, tmp_path):
    """By the runtime alone, with integers computed from the two numbers of the report; and by `open`, with floats."""
    FORMAT.write(small_model, tmp_path / "it.tflite", representative=images, integer=True)
    call = Interpreter(str(tmp_path / "it.tflite")).get_signature_runner()
    found = quantization(tmp_path / "it.tflite")["quantization"]
    ((name, inside),), ((other, outside),) = found["inputs"].items(), found["outputs"].items()
    assert (name, other) == ("input", *call.get_output_details())
    assert inside == {"scale": pytest.approx(1, rel=0.01), "zero_point": -128}  # the images are 0 to 255
    integers = np.array(
        [[[[round(float(v) / inside["scale"]) - 128] for v in row] for row in x[..., 0]] for x in images]
    )
    outputs = call(input=integers.clip(-128, 127).astype("int8"))[other]
    assert outputs.dtype == np.int8
    meant = outside["scale"] * (outputs.astype(float) - outside["zero_point"])
    np.testing.assert_allclose(meant, small_model(images), atol=0.05)
    (received,) = FORMAT.open(tmp_path / "it.tflite")[1]({"input": images})
    np.testing.assert_allclose(received, meant, atol=1e-6)
    assert received.dtype == np.float32


def test_quantize():
    detail = {"dtype": np.int8, "quantization": (0.5, -3)}
    integers = quantize(np.array([-1000, -0.6, 0, 2.5, 1000]), detail)
    assert integers.dtype == np.int8 and integers.tolist() == [-128, -4, -3, 2, 127]
    assert dequantize(integers, detail).tolist() == [-62.5, -0.5, 0.0, 2.5, 65.0]
    with pytest.raises(ValueError, match="NaN is none"):
        quantize(np.array([np.nan]), detail)
    for unquantized in ({"dtype": np.float32, "quantization": (0.0, 0)}, {"dtype": np.int32, "quantization": (0.0, 0)}):
        x = np.arange(3)
        assert quantize(x, unquantized) is x is dequantize(x, unquantized)


def test_refusals(small_model, images):
    for examples in (None, images[:0]):
        with pytest.raises(Refusal, match="litert_int8 expects representative examples"):
            FORMAT.check_data(small_model, examples=examples)
    a, b = keras.Input((2,)), keras.Input((2,))
    with pytest.raises(Refusal, match="litert_int8 expects a model of one input; received inputs=2"):
        FORMAT.check_data(keras.Model([a, b], keras.layers.Add()([a, b])), examples=images)


def test_accuracy():
    assert accuracy(np.eye(4), [0, 1, 2, 0]) == 0.75


def test_report_has_the_accuracy_on_real_examples(monkeypatch):
    monkeypatch.setattr(litert_int8, "quantization", lambda path: {})
    real = [Batch("serving_default", {}, [np.eye(2)], real=True), Batch("serving_default", {}, [np.eye(2)], real=True)]
    batches = [Batch("serving_default", {}, [np.zeros((1, 2))]), *real]
    outputs = [[np.zeros((1, 2))], [np.eye(2)], [1 - np.eye(2)]]

    def extra(count=3, **data):
        return FORMAT.report_extra("it", batches[:count], outputs[:count], **{"examples": np.zeros(300), **data})

    found = extra(targets=[0, 1, 0, 1], representative=np.zeros(7))
    assert found == {
        "calibration": {"examples": 7, "verified_on": False},
        "agreement": {"share": 0.5, "count": 4, "real": True},
        "accuracy": {"before": 1.0, "after": 0.5},
    }
    assert "accuracy" not in extra() and "accuracy" not in extra(count=1, targets=[0])
    assert "accuracy" not in extra(targets=np.zeros((4, 2, 2)))
    assert extra(count=1) == {
        "calibration": {"examples": 200, "verified_on": True},
        "agreement": {"share": 1.0, "count": 1, "real": False},
    }


def test_agreement_of_label_maps_and_of_models_without_classes():
    before, after = np.zeros((1, 2, 2, 3)), np.zeros((1, 2, 2, 3))
    after[0, 0, 0, 1] = 1
    batch = Batch("serving_default", {}, [before])
    assert agreement([batch], [[after]]) == {"agreement": {"share": 0.75, "count": 4, "real": False}}
    for shape in ((4, 1), (4,)):
        assert agreement([Batch("serving_default", {}, [np.zeros(shape)])], [[np.zeros(shape)]]) == {}


def test_card_code():
    """Of a model that takes integers itself, only the outputs are quantized."""
    quantized = {"inputs": {}, "outputs": {"y": {"scale": 0.5, "zero_point": 3}}}
    code = FORMAT.card_code({"quantization": quantized})
    assert (
        code == f'{FORMAT.code}\noutputs = 0.5 * (outputs.astype("float32") - 3)'
        and FORMAT.card_code({}) == FORMAT.code
    )


def test_card_notes():
    notes = FORMAT.card_notes({"accuracy": {"before": 0.9, "after": 0.875}})
    assert notes == ["Accuracy on the test examples: 87.50 %; in float32 90.00 %."] and FORMAT.card_notes({}) == []
    report = {"calibration": {"examples": 200, "verified_on": False}}
    (note,) = FORMAT.card_notes(report)
    assert note.endswith("The ranges of feature maps come from 200 training or other representative examples.")
    report = {
        "calibration": {"examples": 20, "verified_on": True},
        "agreement": {"share": 0.998, "count": 1000, "real": True},
    }
    (note,) = FORMAT.card_notes(report)
    assert "come from 20 of the inputs that it is verified on. The class with the largest output" in note
    assert note.endswith("is the same as before for 99.8 % of 1,000 examples.")
