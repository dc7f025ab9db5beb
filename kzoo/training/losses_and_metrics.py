"""Builds the losses and metrics of a config for a model's outputs, and the checks of labels that they need."""

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.metrics.masked_accuracy import MaskedAccuracy
from kzoo.task import Task
from kzoo.training.keras_objects import build_object, has_setting
from kzoo.training.label_checks import LabelChecks
from kzoo.training.label_targets import give_one_hot, label_range, needs_one_hot
from kzoo.training.mixed_labels import (
    accuracy,
    check_outputs,
    compare_with_most_probable,
    mixing_layer,
    take_probabilities,
)
from kzoo.training.task_metrics import default_metrics
from kzoo.training.tasks import losses_of, output_tasks


def build_losses(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> list[Any]:
    """Returns a new loss for each output of a model; those of labels that need them one-hot encode them."""
    specs, found = losses_of(config, model.output_names), output_tasks(config, model, tasks)
    ignored = _ignored_labels(config, model, tasks)
    losses = [_build_ignoring("loss", spec, "training.loss", label) for spec, label in zip(specs, ignored)]
    labelled = [give_one_hot(loss) for loss, task in zip(losses, found) if task.of_classes]
    mixing = mixing_labels(config, model)
    if mixing:
        for loss in labelled:
            take_probabilities(loss, mixing)
    return losses


def build_metrics(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> list[list[Any]]:
    """Returns new metrics for each output of a model: the config's, or those of its task.

    The first output also has an accuracy if its targets are classes, and of several targets each such output has one.
    """
    found = dict(zip(model.output_names, output_tasks(config, model, tasks)))
    built, metrics = build_metrics_by_output(config, found), []
    unknown = [name for name in built if name not in (None, *model.output_names)]
    expected = f"names of outputs, {', '.join(model.output_names)}"
    require(not unknown, "training.metrics", expected, names=unknown)
    ignored = _ignored_labels(config, model, tasks)
    for index, (name, task) in enumerate(found.items()):
        first = index == 0 or bool(task.name)  # named: one of several targets
        of_output = list(built.get(name, [] if index else built.get(None, [])))
        if not of_output and first:
            of_output = default_metrics(task, model.outputs[index].shape[-1], ignored[index])
        if first and task.of_classes and all(metric.name != "accuracy" for metric in of_output):
            of_output.insert(0, "accuracy" if ignored[index] is None else MaskedAccuracy(ignored[index]))
        classes = [metric if isinstance(metric, str) else give_one_hot(metric) for metric in of_output]
        metrics.append(classes if task.of_classes else of_output)
    if mixing_labels(config, model):
        metrics[0] = [accuracy() if metric == "accuracy" else metric for metric in metrics[0]]
        labelled = [of_output for of_output, task in zip(metrics, found.values()) if task.of_classes]
        for metric in itertools.chain(*labelled):
            compare_with_most_probable(metric)
    return metrics


def build_metrics_by_output(config: Config, tasks: Mapping[str, Task] = {}) -> dict[str | None, list[Any]]:  # noqa: B006
    """Returns new metrics by the name of their output; None: the first output, whose name the config does not say.

    tasks: by the names of outputs, of classes where they are not known.
    """
    given = config.training.metrics
    by_output = given if isinstance(given, dict) else {None: given}
    built: dict[str | None, list[Any]] = {}
    for name, specs in by_output.items():
        where = f"training.metrics.{name}" if name else "training.metrics"
        task = tasks.get(name, Task()) if name else next(iter(tasks.values()), Task())
        ignored = config.data.ignore_label if task.of_classes else None
        built[name] = [_build_metric(spec, f"{where}.{index}", ignored) for index, spec in enumerate(specs)]
    return built


def result_names(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> list[str]:
    """Returns the names of what is measured on a split, as history.csv has them, and "error" if there is an accuracy.

    Those of the first output's metrics are their own names, see `Trainer`.
    """
    losses = [f"{name}_loss" for name in model.output_names] if len(model.outputs) > 1 else []
    names: list[str] = []
    for number, (output, metrics) in enumerate(zip(model.output_names, build_metrics(config, model, tasks))):
        of_output = [getattr(metric, "name", metric) for metric in metrics]
        names += [f"{output}_{name}" for name in of_output] if number else of_output
    of_classes = ["accuracy", "error"] if "accuracy" in names else []
    return [*of_classes, "loss", *losses, *(name for name in names if name != "accuracy")]


def label_checks(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> LabelChecks:
    """Returns the checks of labels for the losses and metrics of a config."""
    losses, metrics, ranges = build_losses(config, model, tasks), build_metrics(config, model, tasks), []
    for task, output, loss, of_output in zip(output_tasks(config, model, tasks), model.outputs, losses, metrics):
        parts = {"training.loss": [loss], "training.metrics": [m for m in of_output if m != "accuracy"]}
        for where, each in parts.items() if task.of_classes else ():
            found = [label_range(part, where, output.shape[-1]) for part in each]
            ranges += [dataclasses.replace(one, target=task.name) for one in found if one]
    return LabelChecks(ranges)


def mixing_labels(config: Config, model: keras.Model) -> str | None:
    """Returns the name of the layer of data.augment that mixes labels of examples, or None.

    Of a model with an output for each pixel it mixes label maps, whose labels stay classes.
    """
    mixing = mixing_layer(config)
    if mixing is None or all(len(output.shape) > 2 for output in model.outputs):
        return None
    who, inputs, targets = f"data.augment: {mixing}", config.data.inputs, targets_of(config, model)
    require("y" not in inputs and "y" in targets, who, "data.inputs of x, data.targets with y", inputs=inputs)
    check_outputs([output for output, target in zip(model.outputs, targets) if target == "y"], mixing)
    return mixing


def targets_of(config: Config, model: keras.Model) -> Sequence[str]:
    """Returns the target of each output of a model: "y", or "x" for a reconstruction of the example."""
    return config.data.targets or ["y"] * len(model.outputs)


def unpack(parts: Sequence[Any]) -> Any:
    """Returns the only part, or a tuple of several, as Keras names what belongs to one or several outputs."""
    return parts[0] if len(parts) == 1 else tuple(parts)


def _build_metric(spec, where, ignored):
    metric = _build_ignoring("metric", spec, where, ignored)
    if "name" not in spec.config:  # Keras numbers names within a process: "precision_1" for the second training
        metric.name = re.sub(r"_\d+$", "", metric.name)
    return metric


def _ignored_labels(config, model, tasks):
    """Returns for each output of the model the label that its loss and metrics leave out, or None."""
    found = output_tasks(config, model, tasks)
    return [config.data.ignore_label if task.of_classes else None for task in found]


def _build_ignoring(kind, spec, where, label):
    """Returns a loss or metric that leaves out positions with this label, unless it is None.

    Those of one-hot labels have no setting for it: `give_one_hot` reads their attribute.
    """
    if label is None:
        return build_object(kind, spec, where)
    given = spec.config.get("ignore_class", label)
    require(given == label, f"{where}.config.ignore_class", f"data.ignore_label, {label}", ignore_class=given)
    if not has_setting(kind, spec, "ignore_class", where):
        part = build_object(kind, spec, where)
        if needs_one_hot(part):
            part.ignore_class = label
            return part
    ignoring = {"class_name": spec.class_name, "config": {**spec.config, "ignore_class": label}}
    return build_object(kind, ignoring, f"data.ignore_label: {where}")
