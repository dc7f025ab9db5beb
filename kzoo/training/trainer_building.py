"""Builds the compiled trainer around a model, and the callbacks of its training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.task import Task, choose
from kzoo.training.batch_statistics import trained_norms
from kzoo.training.callback_paths import place_callbacks
from kzoo.training.keras_objects import build_object, has_setting
from kzoo.training.looped_model import LoopedModel
from kzoo.training.losses_and_metrics import build_losses, build_metrics, unpack
from kzoo.training.output_activations import check_activations
from kzoo.training.step_compilation import compiles_step
from kzoo.training.trainer import Trainer
from kzoo.training.weight_rates import scale_rates


def build_trainer(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> keras.Model:
    """Returns the compiled model that `fit` trains. It shares the layers of `model`.

    tasks: of the targets of the data, by default one of classes.
    Raises Refusal if losses, loss weights, data.inputs or data.targets do not match the model's inputs and outputs.
    """
    training = config.training
    _check_counts(config, model)
    check_activations(model, build_losses(config, model, tasks))
    check_norms(config, model)
    if training.batch_norm_momentum is not None:
        for norm in trained_norms(model):
            norm.momentum = training.batch_norm_momentum
    if training.l2:
        add_weight_decay(model, training.l2)
    optimizer = build_object("optimizer", training.optimizer, "training.optimizer")
    if training.rates:
        scale_rates(optimizer, model, training.rates)
    looped = training.steps_per_call > 1
    trainer = (LoopedModel if looped else Trainer)(model.input, model.output, name=model.name)
    trainer.compile(
        optimizer=optimizer,
        loss=unpack(build_losses(config, model, tasks)),
        loss_weights=_loss_weights(config, model),
        metrics=unpack(build_metrics(config, model, tasks)),
        jit_compile=compiles_step(config, model),
    )
    return trainer


def _loss_weights(config, model):
    """Returns the weight of each output's loss, None if all are 1."""
    weights = config.training.loss_weights
    if not isinstance(weights, Mapping):
        return weights
    return [1.0 if each is None else each for each in choose(weights, model.output_names, "training.loss_weights")]


def check_norms(config: Config, model: keras.Model) -> None:
    """Raises Refusal if a config has settings of batch norms, and the model has none that is trained."""
    training = config.training
    settings = {
        "recompute_statistics": training.recompute_statistics,
        "batch_norm_momentum": training.batch_norm_momentum is not None,
    }
    for setting in [setting for setting, given in settings.items() if given]:
        expected = "a model with batch normalization that is trained"
        require(trained_norms(model), f"training.{setting}", expected, model=model.name)


def _check_counts(config, model):
    data, training = config.data, config.training
    inputs = [tensor.name for tensor in model.inputs]
    loss, weights = (each if isinstance(each, list) else None for each in (training.loss, training.loss_weights))
    for setting, values, names in (
        ("data.inputs", data.inputs, inputs),
        ("data.targets", data.targets, model.output_names),
        ("training.loss", loss, model.output_names),
        ("training.loss_weights", weights, model.output_names),
    ):
        matches = values is None or len(values) == len(names)
        require(matches, setting, f"one entry for each of {', '.join(names)}", entries=values and len(values))


def add_weight_decay(model: keras.Model, factor: float) -> None:
    """Adds `factor` times each trainable kernel to the kernel's gradient, by a regularizer that is not saved.

    A kernel with a regularizer keeps its own.
    """
    for weight in model.trainable_weights:
        if weight.name.endswith("kernel") and weight.regularizer is None:
            weight.regularizer = keras.regularizers.L2(factor / 2)  # the gradient of L2 is twice its factor


def build_callbacks(config: Config, folder: Path = Path()) -> list[Any]:
    """Returns new callbacks of a config, which write into `folder`."""
    built = []
    for index, spec in enumerate(place_callbacks(config, folder)):
        where = f"training.callbacks.{index}"
        # of a callback of the user's: by default the run's folder
        own = {"folder": str(folder)} if has_setting("callback", spec, "folder", where) else {}
        built.append(build_object("callback", {"class_name": spec.class_name, "config": {**own, **spec.config}}, where))
    return built
