"""Checks a config without its data: builds everything and takes one training step on random examples."""

from typing import Any

import numpy as np

from kzoo.checks import Refusal
from kzoo.config.config import Config
from kzoo.training.callback_checks import check_callbacks
from kzoo.training.class_checks import check_classes
from kzoo.training.evaluation_views import average_views
from kzoo.training.fit_errors import FitErrors
from kzoo.training.model_batches import add_class_weights, map_inputs_and_targets, training_batches
from kzoo.training.model_building import build_model, count_parameters
from kzoo.training.run_data import load_mock_data
from kzoo.training.seed_run import check_exports, numeric_settings
from kzoo.training.stage_trainers import StageTrainers
from kzoo.training.step_memory import check_step_memory
from kzoo.training.tasks import check_tasks
from kzoo.training.trainer_building import build_callbacks

BUILT_WITH = 256  # examples that a model is built with, before it is known whether a batch fits into memory
MOCK_COPIES = 5  # of a batch, for its three splits and one in float64


def dry_run(config: Config) -> dict[str, Any]:
    """Returns input shape, classes, parameters and the loss of one training step on mock data; writes nothing.

    Weights that the config names are neither read nor downloaded. Each stage takes a step; the loss is the first's.
    Raises Refusal if the config cannot be trained or a loss is not finite.
    """
    batch = config.data.batch_size
    data = load_mock_data(config, min(batch, BUILT_WITH))
    with numeric_settings(config.training), FitErrors(config.model.name):
        # the run that weights come from need not exist yet
        model = build_model(config, data.input_shape, data.classes, data.train, read_weights=False)
        check_classes(config, model, data)
        check_exports(config, model, data.tasks)
        average_views(config, model)
        trainers = StageTrainers(config, model)
        check_tasks(config, model, data.tasks)
        callbacks = build_callbacks(config)
        for stage in trainers.stages:
            check_step_memory(stage.config, trainers.start(stage), data.train, copies=MOCK_COPIES)
        data = load_mock_data(config, batch)
        losses = [_train_one_step(stage.config, trainers.start(stage), data, callbacks) for stage in trainers.stages]
    loss = losses[0]
    return {"input": data.input_shape, "classes": data.classes, "parameters": count_parameters(model), "loss": loss}


def _train_one_step(config, trainer, data, callbacks):
    """Trains one step of each training size and returns the loss; checks the callbacks."""
    steps = len(config.data.training_sizes or [None])
    dataset = training_batches(config, trainer, data.train, seed=0, steps=1)
    dataset = add_class_weights(config, trainer, data.train, dataset, data.class_names)
    dataset = map_inputs_and_targets(config, trainer, dataset)
    dataset = dataset.batch(1) if config.training.steps_per_call > 1 else dataset
    reported = trainer.fit(dataset, steps_per_epoch=steps, shuffle=False, verbose=0).history
    check_callbacks(callbacks, trainer, reported, validated=bool(config.data.validation))
    loss = reported["loss"][0]
    if not np.isfinite(loss):
        raise Refusal(f"{config.model.name}: one training step on random examples gives a loss of {loss}.")
    return loss
