"""Integers within, float32 in and out, near the net's own answers; and what cannot be quantised."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.int8 import accuracy, write_int8
from kzoo.export.runtimes import litert


def test_numbers(net, images, tmp_path):
    write_int8(net, tmp_path / "it.tflite", images)
    shapes, run = litert(tmp_path / "it.tflite")
    assert shapes == {"input": (None, 8, 8, 1)}
    for n in (1, 7):
        (answers,) = run({"input": images[:n]})
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers, net(images[:n]), atol=0.05)
    assert np.abs(run({"input": images})[0] - net(images)).max() > 1e-6  # it does round


def test_refusals(net, images, tmp_path):
    for examples in (None, images[:0]):
        with pytest.raises(Refusal, match="litert_int8 expects representative examples"):
            write_int8(net, tmp_path / "it.tflite", examples)
    a, b = keras.Input((2,)), keras.Input((2,))
    with pytest.raises(Refusal, match="litert_int8 expects a net of one input; received inputs=2"):
        write_int8(keras.Model([a, b], keras.layers.Add()([a, b])), tmp_path / "it.tflite", images)


def test_accuracy():
    assert accuracy(np.eye(4), [0, 1, 2, 0]) == 0.75
