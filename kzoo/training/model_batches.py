"""Batches as a model takes them in training and evaluation: augmented, encoded, weighted, one part for each input."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.data.examples import Examples
from kzoo.data.sizes_by_epoch import resize_by_epoch
from kzoo.training.class_weights import class_weights, weigh_classes
from kzoo.training.keras_objects import build_object
from kzoo.training.losses_and_metrics import build_losses, label_checks, mixing_labels, targets_of, unpack


def training_batches(
    config: Config, model: keras.Model, train: Examples, seed: int, steps: int, start: int = 0
) -> tf.data.Dataset:
    """Returns the augmented batches of the training split from number `start` on, with `steps` in an epoch."""
    encode = None
    if mixing_labels(config, model):
        classes = model.outputs[targets_of(config, model).index("y")].shape[-1]
        encode = label_checks(config, model).probabilities(classes, train, "train")
    dataset = train.batches(config.data.batch_size, seed, start, build_augmentation(config), encode)
    sizes = config.data.training_sizes
    return resize_by_epoch(dataset, sizes, steps, start) if sizes else dataset


def map_inputs_and_targets(config: Config, model: keras.Model, dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Maps a dataset of (x, y) to (inputs, targets) of the model, as data.inputs and data.targets say.

    Of several targets, a dict y, each output has the one of its name. A third element, the weights of the examples,
    stays, or is that of each output. Raises Refusal if there are weights and a target is x.
    """
    inputs, targets = config.data.inputs, targets_of(config, model)
    if isinstance(dataset.element_spec[1], dict):

        def in_order(parts):
            return tuple(parts[name] for name in model.output_names) if isinstance(parts, dict) else parts

        return dataset.map(lambda x, *parts: (x, *map(in_order, parts)), tf.data.AUTOTUNE, deterministic=True)
    if (inputs, targets) == (["x"], ["y"]):
        return dataset
    unweighted = len(dataset.element_spec) == 2
    require(unweighted or "x" not in targets, "data.targets", "y only, for weighted examples", targets=targets)
    last = f"preprocess{len(config.data.preprocess)}"
    has_preprocessing = last in [layer.name for layer in model.layers]
    preprocess = keras.Model(model.inputs[0], model.get_layer(last).output) if has_preprocessing else lambda x: x

    def select(x, y, *weight):
        for_inputs, for_targets = {"x": x, "y": y}, {"x": preprocess(x), "y": y}
        return unpack([for_inputs[name] for name in inputs]), unpack([for_targets[name] for name in targets]), *weight

    return dataset.map(select, tf.data.AUTOTUNE, deterministic=True)


def add_class_weights(
    config: Config,
    model: keras.Model,
    train: Examples,
    dataset: tf.data.Dataset,
    names: Sequence[str] | None = None,
) -> tf.data.Dataset:
    """Returns batches of the training split with the weights that training.class_weight gives them.

    names: of the classes. Of several targets each one of classes has its own weights, and only one may have them by
    class. Raises Refusal if there is no target of classes.
    """
    setting = config.training.class_weight
    if setting is None:
        return dataset
    targets, kinds = targets_of(config, model), [task.kind for task in train.tasks]
    require("x" not in targets, "training.class_weight", "data.targets of y only", targets=targets)
    of_classes = [task for task in train.tasks if task.of_classes]
    require(of_classes, "training.class_weight", "targets that are classes", targets=kinds)
    several = isinstance(setting, Mapping) and len(of_classes) > 1
    require(not several, "training.class_weight", "balanced, where several targets are classes", targets=kinds)
    losses, tables = build_losses(config, model, train.tasks), {}
    for task in of_classes:
        index = model.output_names.index(task.name) if task.name else 0
        classes = max(2, model.outputs[index].shape[-1])  # one output: of two classes
        ignored = getattr(losses[index], "ignore_class", None)
        tables[task.name] = class_weights(setting, train, classes, ignored, task.names or names, task.name)
    return weigh_classes(dataset, tables.get("", tables))


def build_augmentation(config: Config) -> list[Any]:
    """Returns new augmentation layers of a config."""
    return [build_object("layer", spec, f"data.augment.{i}") for i, spec in enumerate(config.data.augment)]
