"""Callbacks of a config that would have no effect are refused after one step, and by a dry run."""

import keras
import numpy as np
import pytest
from keras.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, SwapEMAWeights

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.training.callback_checks import CallbackChecks
from kzoo.training.dry_run import dry_run

CASES = [  # callback, whether there is validation data, words of the refusal
    (EarlyStopping(), False, "EarlyStopping monitors 'val_loss', which is not reported; data.validation is 0"),
    (EarlyStopping("val_losss"), True, "EarlyStopping monitors 'val_losss', .*; did you mean 'val_loss'"),
    (ReduceLROnPlateau("nothing"), True, "ReduceLROnPlateau monitors 'nothing', .*; known: loss, val_loss"),
    (ModelCheckpoint("x.keras", save_best_only=True), False, "ModelCheckpoint monitors 'val_loss'"),
    (SwapEMAWeights(), False, "SwapEMAWeights needs an optimizer with use_ema: true"),
]


def fit(callback, validated):
    """Trains for two epochs of three steps, and returns the number of steps."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    checks = CallbackChecks([callback], validated)
    x, y = np.ones((6, 2)), np.ones((6, 1))
    try:
        validation = (x, y) if validated else None
        model.fit(x, y, batch_size=2, epochs=2, callbacks=[checks, callback], validation_data=validation, verbose=0)
    finally:
        steps = int(model.optimizer.iterations)
    return steps


@pytest.mark.parametrize("callback, validated, words", CASES)
def test_refusals(callback, validated, words):
    with pytest.raises(Refusal, match=f"^training.callbacks: {words}"):
        fit(callback, validated)


def test_others_are_accepted(tmp_path):
    assert fit(EarlyStopping(), validated=True) == fit(ReduceLROnPlateau("loss"), validated=False) == 6
    assert fit(ModelCheckpoint(str(tmp_path / "x.keras")), validated=False) == 6  # it saves every epoch


def test_a_dry_run_refuses_them():
    sets = ["data.validation=0.1", "training.callbacks=[{class_name: EarlyStopping, config: {monitor: val_los}}]"]
    with pytest.raises(Refusal, match="^training.callbacks: EarlyStopping monitors 'val_los'.*did you mean 'val_loss'"):
        dry_run(read_config("mnist1d_fc", sets))
    without = "training.callbacks=[{class_name: EarlyStopping}]"
    with pytest.raises(Refusal, match="^training.callbacks: EarlyStopping monitors 'val_loss'.*data.validation is 0"):
        dry_run(read_config("mnist1d_fc", [without, "data.validation=0"]))
