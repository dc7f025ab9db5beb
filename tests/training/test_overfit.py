"""Whether a model fits a few examples: what counts as fitted, and the sentence that says so."""

import math

import pytest

from kzoo.checks import Refusal
from kzoo.training import overfit as module
from kzoo.training.overfit import is_fitted, is_over, overfit, verdict
from tests.training.conftest import signals_config

NOISE = "data.augment=[{class_name: GaussianNoise, config: {stddev: 1000.0}}]"
START = {"val_loss": 2.0, "val_accuracy": 0.25}


def sgd(rate):
    return f"training.optimizer={{class_name: SGD, config: {{learning_rate: {rate}, momentum: 0.9}}}}"


@pytest.mark.parametrize(
    "last, fitted",
    [
        ({"loss": 0.5, "accuracy": 1.0, "val_loss": 0.5, "val_accuracy": 0.5}, True),
        ({"loss": 0.5, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 1.0}, True),  # dropout
        ({"loss": 0.02, "accuracy": 0.0, "val_loss": 9.0, "val_accuracy": 0.0}, True),
        ({"loss": 0.03, "accuracy": 0.98, "val_loss": 0.03, "val_accuracy": 0.98}, False),
        ({"loss": 0.01, "val_loss": 0.01}, True),  # without an accuracy
        ({"loss": math.nan, "accuracy": 1.0, "val_loss": 1.0, "val_accuracy": 1.0}, False),
    ],
)
def test_what_counts_as_fitted(last, fitted):
    assert is_fitted([START, last]) is fitted
    assert is_over([START, last]) is (fitted or math.isnan(last["loss"]))


def test_a_model_that_fits(arrays, tmp_path):
    """Without the augmentation, which would hide the examples; only the picture is written."""
    path = tmp_path / "it.png"
    stage = f"training.stages=[{{epochs: 1, {NOISE.removeprefix('data.').replace('=', ': ', 1)}}}, {{}}]"
    got = overfit(signals_config(arrays, NOISE, stage, sgd(0.1), "model.units=[20]"), 8, "it", path)
    assert got.startswith("it fits 8 training examples after ") and got.endswith(f". Curves: {path}"), got
    assert path.read_bytes().startswith(b"\x89PNG") and list(tmp_path.iterdir()) == [path]


@pytest.mark.large
def test_models_that_do_not(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "STEPS", 40)
    got = overfit(signals_config(arrays, sgd(0.0)), 45, "it", tmp_path / "it.png")
    assert got.startswith("it does not fit 45 training examples within 40 steps: accuracy ") and "--find-lr" in got
    got = overfit(signals_config(arrays, sgd(3e38)), 8, "it", tmp_path / "it.png")
    assert got.startswith("it diverges on 8 training examples: the loss is nan after 20 steps."), got
    with pytest.raises(Refusal, match="--overfit expects a number of examples from 1 to 45, .*; received overfit=46"):
        overfit(signals_config(arrays), 46, "it", tmp_path / "it.png")


def test_verdict_of_one_example_without_accuracy():
    got = verdict([{"val_loss": 2.0}, {"loss": 0.01, "val_loss": 0.0125}], 1, "it")
    assert got == "it fits 1 training example after 20 steps: loss 0.01 (evaluated: 0.0125); the loss was 2 before."
