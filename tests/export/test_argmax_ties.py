"""Differences that rounding explains, as pools choose between equal values, and differences that nothing explains."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.argmax_ties import undecided
from kzoo.export.exporter import export
from kzoo.export.verification_inputs import Case, case_of

module = __import__("sys").modules["kzoo.export.exporter"]  # the package's name is the function's


@pytest.fixture(scope="module")
def switching():
    """Values go back to the places that a pool found."""
    x = keras.Input((4, 4, 1), name="input")
    pooled, places = layers.MaxPoolingWithArgmax2D(2)(x)
    return keras.Model(x, layers.MaxUnpooling2D(2)([pooled, places, x]), name="switching")


def images():
    """Three, all values of each different; in the second but two, which share a window."""
    x = np.random.default_rng(0).permutation(48).reshape(3, 4, 4, 1).astype("float32")
    x[1, 0, :2] = 50
    return x


def moved(case, example):
    """The case's answers, the first window's value of one example in the cell to the right or left of its own."""
    y = case.wanted[0].copy()
    y[example, :2, :2] = y[example, :2, 1::-1]
    return [y]


def test_equal_values_are_undecided(switching):
    case = case_of(switching, [images()])
    assert undecided(switching, case, moved(case, 1), 1e-4) == 1
    assert undecided(switching, case, [y.copy() for y in case.wanted], 1e-4) == 0


def test_all_else_is_wrong(switching):
    case = case_of(switching, [images()])
    assert undecided(switching, case, moved(case, 0), 1e-4) is None
    both = moved(case, 1)
    both[0][2] *= 1.001
    assert undecided(switching, case, both, 1e-4) is None
    far = moved(case, 1)
    far[0][1] *= 10  # more than another choice would
    assert undecided(switching, case, far, 1e-4) is None
    assert undecided(switching, case, [np.full_like(y, np.nan) for y in case.wanted], 1e-4) is None
    assert undecided(switching, case, [y[:, :2] for y in case.wanted], 1e-4) is None
    other = Case("features", case.inputs, case.wanted)
    assert undecided(switching, other, moved(case, 1), 1e-4) is None


def test_exports_tell(switching, tmp_path, monkeypatch):
    def answers(example):
        def run_isolated(path, cases, format):
            return [moved(case, example) if len(case.wanted[0]) == 3 else case.wanted for case in cases]

        return run_isolated

    monkeypatch.setattr(module, "run_isolated", answers(1))
    report = export(switching, tmp_path / "it.onnx", "onnx", examples=images())
    assert report["undecided"] == 1 and report["max_difference"] == 1
    monkeypatch.setattr(module, "run_isolated", answers(0))
    with pytest.raises(Refusal, match="the ONNX of switching differs from the net by "):
        export(switching, tmp_path / "it.onnx", "onnx", examples=images())
