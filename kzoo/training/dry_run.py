"""Checks a config without its data: builds everything and takes one training step on random examples."""

from typing import Any

import numpy as np

from kzoo.checks import Refusal
from kzoo.training.callback_checks import check_callbacks
from kzoo.training.config import Config
from kzoo.training.evaluation_views import average_views
from kzoo.training.fit_errors import FitErrors
from kzoo.training.model_building import (
    add_class_weights,
    build_callbacks,
    build_model,
    build_trainer,
    count_parameters,
    map_inputs_and_targets,
    training_batches,
)
from kzoo.training.run_data import load_mock_data
from kzoo.training.seed_run import check_class_names, check_exports, numeric_settings
from kzoo.training.step_memory import check_step_memory

BUILT_WITH = 256  # examples that a model is built with, before it is known whether a batch fits into memory
MOCK_COPIES = 5  # of a batch, for its three splits and one in float64


def dry_run(config: Config) -> dict[str, Any]:
    """Returns input shape, classes, parameters and the loss of one training step on mock data; writes nothing.

    Raises Refusal if the config cannot be trained or the loss is not finite.
    """
    batch = config.data.batch_size
    if config.transfer:  # the run that weights come from need not exist yet
        config = config.model_copy(update={"transfer": config.transfer.model_copy(update={"weights": None})})
    data = load_mock_data(config, min(batch, BUILT_WITH))
    with numeric_settings(config.training), FitErrors(config.model.name):
        model = build_model(config, data.input_shape, data.classes, data.train)
        check_class_names(config, model)
        check_exports(config, model)
        average_views(config, model)
        trainer = build_trainer(config, model)
        callbacks = build_callbacks(config)
        check_step_memory(config, trainer, data.train, copies=MOCK_COPIES)
        data = load_mock_data(config, batch)
        steps = len(config.data.training_sizes or [None])  # one of each size
        dataset = training_batches(config, model, data.train, seed=0, steps=1)
        dataset = add_class_weights(config, model, data.train, dataset)
        dataset = map_inputs_and_targets(config, model, dataset)
        dataset = dataset.batch(1) if config.training.steps_per_call > 1 else dataset
        reported = trainer.fit(dataset, steps_per_epoch=steps, shuffle=False, verbose=0).history
        check_callbacks(callbacks, trainer, reported, validated=bool(config.data.validation))
    loss = reported["loss"][0]
    if not np.isfinite(loss):
        raise Refusal(f"{config.model.name}: one training step on random examples gives a loss of {loss}.")
    return {"input": data.input_shape, "classes": data.classes, "parameters": count_parameters(model), "loss": loss}
