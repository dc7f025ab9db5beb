"""A short training that writes no run: what `kzoo train --overfit` and `--find-lr` have in common."""

import contextlib
from collections.abc import Callable
from typing import Any

import keras

from kzoo.config.config import Config
from kzoo.config.stages import stages_of
from kzoo.config.training_config import StageConfig
from kzoo.data.loader import Data
from kzoo.training.epoch_timer import EpochTimer
from kzoo.training.fit_errors import FitErrors
from kzoo.training.label_checks import label_errors
from kzoo.training.progress import ProgressBar
from kzoo.training.seed_run import build_for_seed, fit_batches, numeric_settings

History = list[dict[str, float]]  # the results of each epoch by name


class StopWhen(keras.callbacks.Callback):
    """Callback: ends the training after the epoch at whose end `is_over(history)` is true.

    Attributes: history, the results of each epoch.

    >>> stop = StopWhen(lambda history: history[-1]["loss"] < 1)
    >>> stop.set_model(keras.Sequential())
    >>> for epoch, loss in enumerate([2, 0.5]):
    ...     stop.on_epoch_end(epoch, {"loss": loss})
    >>> stop.model.stop_training, stop.history
    (True, [{'loss': 2.0}, {'loss': 0.5}])
    """

    def __init__(self, is_over: Callable[[History], bool]):
        super().__init__()
        self.is_over = is_over
        self.history: History = []

    def on_epoch_end(self, epoch, logs=None):
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        if self.is_over(self.history):
            self.model.stop_training = True


def first_stage(config: Config) -> Config:
    """Returns a config whose training is the first stage of that of `config`, with the stage's settings as its own.

    Only the layers that learn are still those of a stage, the only one.
    """
    if not config.training.stages:
        return config
    stage = stages_of(config)[0]
    learning = StageConfig.model_validate({"train": stage.settings.train, "freeze": stage.settings.freeze})
    return stage.config.model_copy(update={"training": stage.config.training.model_copy(update={"stages": [learning]})})


def train_briefly(
    config: Config,
    data: Data,
    label: str,
    epochs: int,
    steps: int,
    is_over: Callable[[History], bool],
    one_batch: bool = False,
) -> History:
    """Trains a new model for at most `epochs` of `steps` steps; returns the results of each epoch. Writes nothing.

    The config has at most one stage (`first_stage`). Its callbacks, and its settings of epochs, of exports and of what
    is kept, have no effect. With `one_batch` all steps take the first batch, on which the model is evaluated before the
    training and after each epoch too: the results have names that begin with "val_", and those before the training are
    the first ones that are returned.
    """
    training = config.training.model_copy(update={"steps_per_call": 1, "steps_per_epoch": None})
    export = config.export.model_copy(update={"formats": []})
    config = config.model_copy(update={"training": training, "export": export, "evaluation": None})
    stop, seed, evaluated = StopWhen(is_over), training.seeds[0], None
    errors, timer = FitErrors(label), EpochTimer(steps)
    bar = ProgressBar(label, epochs, config.data.batch_size, timer)
    with numeric_settings(training), data.errors(), label_errors(), errors, contextlib.closing(bar):
        model, trainers = build_for_seed(config, seed, data)
        stage = trainers.stages[0]
        trainer, batches = trainers.start(stage), fit_batches(stage.config, seed, data, model)
        if one_batch:
            evaluated = batches.take(1).cache()
            batches = evaluated.repeat()
            before: Any = trainer.evaluate(evaluated, return_dict=True, verbose=0)
            stop.history.append({f"val_{name}": float(value) for name, value in before.items()})
        trainer.fit(
            batches,
            epochs=epochs,
            steps_per_epoch=steps,
            validation_data=evaluated,
            callbacks=[errors, timer, bar, stop],
            shuffle=False,
            verbose=0,
        )
    return stop.history
