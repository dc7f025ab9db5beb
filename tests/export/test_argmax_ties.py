"""Differences that argmax ties explain, and differences that they do not."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export import exporter
from kzoo.export.argmax_ties import count_argmax_ties
from kzoo.export.exporter import export
from kzoo.export.verification_inputs import Batch, make_batch


@pytest.fixture(scope="module")
def switching():
    """A model that returns values to the argmax indices of a pool."""
    x = keras.Input((4, 4, 1), name="input")
    pooled, indices = layers.MaxPoolingWithArgmax2D(2)(x)
    return keras.Model(x, layers.MaxUnpooling2D(2)([pooled, indices, x]), name="switching")


def images():
    """Three images of different values, except for a tie in the first window of the second image."""
    x = np.random.default_rng(0).permutation(48).reshape(3, 4, 4, 1).astype("float32")
    x[1, 0, :2] = 50
    return x


def moved(batch, example):
    """The batch's outputs, with the value of the first window of one example moved by a pixel."""
    y = batch.expected[0].copy()
    y[example, :2, :2] = y[example, :2, 1::-1]
    return [y]


def test_ties_are_counted(switching):
    batch = make_batch(switching, [images()])
    assert count_argmax_ties(switching, batch, moved(batch, 1), 1e-4) == 1
    assert count_argmax_ties(switching, batch, [y.copy() for y in batch.expected], 1e-4) == 0


def test_other_differences_are_not_accepted(switching):
    batch = make_batch(switching, [images()])
    assert count_argmax_ties(switching, batch, moved(batch, 0), 1e-4) is None
    both = moved(batch, 1)
    both[0][2] *= 1.001
    assert count_argmax_ties(switching, batch, both, 1e-4) is None
    far = moved(batch, 1)
    far[0][1] *= 10  # more than flipping the tie would
    assert count_argmax_ties(switching, batch, far, 1e-4) is None
    assert count_argmax_ties(switching, batch, [np.full_like(y, np.nan) for y in batch.expected], 1e-4) is None
    assert count_argmax_ties(switching, batch, [y[:, :2] for y in batch.expected], 1e-4) is None
    other = Batch("features", batch.inputs, batch.expected)
    assert count_argmax_ties(switching, other, moved(batch, 1), 1e-4) is None


def test_reports_count_ties(switching, tmp_path, monkeypatch):
    def fake(example):
        def run_isolated(path, batches, format):
            return [moved(batch, example) if len(batch.expected[0]) == 3 else batch.expected for batch in batches]

        return run_isolated

    monkeypatch.setattr(exporter, "run_isolated", fake(1))
    report = export(switching, tmp_path / "it.onnx", "onnx", examples=images())
    assert report["undecided"] == 1 and report["max_difference"] == 1
    monkeypatch.setattr(exporter, "run_isolated", fake(0))
    with pytest.raises(Refusal, match="the outputs of the ONNX of switching differ from the model's by "):
        export(switching, tmp_path / "it.onnx", "onnx", examples=images())
