"""Integers inside, float32 outside, close to the model's own outputs; and what cannot be quantized."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.formats.litert_int8 import FORMAT, accuracy
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


def test_refusals(small_model, images, tmp_path):
    for examples in (None, images[:0]):
        with pytest.raises(Refusal, match="litert_int8 expects representative examples"):
            FORMAT.write(small_model, tmp_path / "it.tflite", examples=examples)
    a, b = keras.Input((2,)), keras.Input((2,))
    with pytest.raises(Refusal, match="litert_int8 expects a model of one input; received inputs=2"):
        FORMAT.write(keras.Model([a, b], keras.layers.Add()([a, b])), tmp_path / "it.tflite", examples=images)


def test_accuracy():
    assert accuracy(np.eye(4), [0, 1, 2, 0]) == 0.75


def test_report_has_the_accuracy_on_real_examples():
    real = [Batch("serving_default", {}, [np.eye(2)], real=True), Batch("serving_default", {}, [np.eye(2)], real=True)]
    batches = [Batch("serving_default", {}, [np.zeros((1, 2))]), *real]
    outputs = [[np.zeros((1, 2))], [np.eye(2)], [1 - np.eye(2)]]
    assert FORMAT.report_extra(batches, outputs, [0, 1, 0, 1]) == {"accuracy": {"before": 1.0, "after": 0.5}}
    assert FORMAT.report_extra(batches, outputs) == {} == FORMAT.report_extra(batches[:1], outputs[:1], [0])
    assert FORMAT.report_extra(batches, outputs, np.zeros((4, 2, 2))) == {}


def test_card_notes():
    notes = FORMAT.card_notes({"accuracy": {"before": 0.9, "after": 0.875}})
    assert notes == ["Accuracy on the test examples: 87.50 %; in float32 90.00 %."] and FORMAT.card_notes({}) == []
