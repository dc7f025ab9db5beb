"""Builds from a config what is trained: the model with its preprocessing layers, and the compiled trainer around it."""

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from kzoo.checks import Refusal, one_line, require
from kzoo.config.config import Config
from kzoo.data.examples import Examples
from kzoo.data.sizes_by_epoch import resize_by_epoch
from kzoo.index import is_keras_file
from kzoo.metrics.masked_accuracy import MaskedAccuracy
from kzoo.models.adapt import adapt, learns_statistics
from kzoo.models.freeze import freeze
from kzoo.models.heads import add_heads
from kzoo.models.registry import describe
from kzoo.models.registry import model as zoo_model
from kzoo.models.weights import find_tag, load_weights, transferred_layers
from kzoo.task import Task, choose
from kzoo.training.batch_statistics import trained_norms
from kzoo.training.callback_paths import place_callbacks
from kzoo.training.class_weights import class_weights, weigh_classes
from kzoo.training.initial_values import set_initial_values
from kzoo.training.keras_objects import build_object, has_setting
from kzoo.training.label_checks import LabelChecks
from kzoo.training.label_targets import give_one_hot, label_range, needs_one_hot
from kzoo.training.looped_model import LoopedModel
from kzoo.training.mixed_labels import (
    accuracy,
    check_outputs,
    compare_with_most_probable,
    mixing_layer,
    take_probabilities,
)
from kzoo.training.output_activations import check_activations
from kzoo.training.step_compilation import compiles_step
from kzoo.training.step_memory import check_model_memory
from kzoo.training.task_metrics import default_metrics
from kzoo.training.tasks import head_activation, losses_of, model_heads, model_tasks, output_tasks, task_losses
from kzoo.training.trainer import Trainer
from kzoo.training.weight_rates import scale_rates
from kzoo.types import Shape


def build_model(
    config: Config,
    input_shape: Shape,
    classes: int | None,
    train: Examples | None = None,
    read_weights: bool = True,
    tasks: Sequence[Task] = (),
) -> keras.Model:
    """Returns the functional model of a config for examples of `input_shape`; its first layers do the preprocessing.

    Layers with an `adapt` method learn their statistics from `train`, the training examples, unless the config gives
    these statistics or the model comes with weights. Without `read_weights` nothing is read for `transfer` or
    downloaded for a tag, and the settings that name them are only checked. tasks: of the targets, by default those of
    `train`; their outputs have an activation that fits, unless the config gives one, and several tasks an output each.
    Raises Refusal if the config's model has another input shape or number of classes than the data.
    """
    settings, parameters = _model_settings(config), describe(config.model.name)["settings"]
    if not read_weights and (tag := find_tag(config.model.name, settings.get("weights"))):
        settings = {**tag.settings, **settings, "weights": None}
    tasks = model_tasks(config, tasks or (train.tasks if train else ()), input_shape)
    if tasks and set(config.data.targets or ["y"]) == {"x"}:
        classes = tasks[0].size
    if config.data.training_sizes:
        require(len(input_shape) == 3, "data.training_sizes", "images", input_shape=tuple(input_shape))
        input_shape = (None, None, input_shape[-1])
    for key, of_data in {"input_shape": tuple(input_shape), "classes": classes}.items():
        wanted = settings.get(key, of_data)
        wanted = tuple(wanted) if isinstance(wanted, list) else wanted
        agrees = of_data is None or wanted == of_data  # label maps do not say how many classes they have
        require(agrees, f"model.{key}", f"that of the data, {of_data}", **{key: wanted})
    preprocessing = build_preprocessing(config, input_shape, train)
    x, names = preprocessing.output, [layer.name for layer in preprocessing.layers]
    _check_open_size(config, x.shape[1:-1])
    settings["input_shape"] = tuple(x.shape[1:])
    if classes is not None and "classes" in parameters and not is_keras_file(config.model.name):
        settings["classes"] = classes
    if len(tasks) == 1 and "classifier_activation" in parameters and not is_keras_file(config.model.name):
        activation = head_activation(tasks[0], task_losses(config, tasks)[0])
        settings = settings if activation is None else {"classifier_activation": activation, **settings}
    check_model_memory(config.model.name, {**settings, "weights": None})
    model = zoo_model(config.model.name, **settings, input_tensor=x)
    if len(tasks) > 1 and set(model.output_names) != {task.name for task in tasks}:
        model = add_heads(model, model_heads(config, tasks))
    if train is not None and {**parameters, **settings}.get("weights") is None:
        adapt(model, train.once(256).map(lambda x, y: x), skip=names)
    set_initial_values(model, config.training.initializers)
    model = _transfer(model, config.transfer, read_weights)
    model.tasks = tasks  # `output_tasks` reads them
    return model


def build_preprocessing(config: Config, input_shape: Shape, train: Examples | None = None) -> keras.Model:
    """Returns the model of the layers of data.preprocess, which learn from the training examples as in `build_model`.

    Without such layers it returns its input.
    """
    x = inputs = keras.Input(input_shape, name="input")
    for index, spec in enumerate(config.data.preprocess):
        # float32 under any dtype policy: 8-bit pixels lose their last bits in bfloat16
        defaults = {"dtype": "float32", "name": f"preprocess{index + 1}"}
        named = {"class_name": spec.class_name, "config": {**defaults, **spec.config}}
        layer = build_object("layer", named, f"data.preprocess.{index}")
        try:
            if train is not None and learns_statistics(layer):
                before = keras.Model(inputs, x)
                layer.adapt(train.once(256).map(lambda x, y, before=before: before(x)))
            x = layer(x)
        except (ValueError, TypeError, LookupError, tf.errors.OpError) as error:  # all of them are raised by layers
            shape, reason = tuple(x.shape[1:]), one_line(error)
            raise Refusal(
                f"data.preprocess.{index}: {spec.class_name} refuses inputs of shape {shape}: {reason}"
            ) from error
    return keras.Model(inputs, x)


def _check_open_size(config, sides):
    """Raises Refusal if layers of data.preprocess give images of the training's several sizes one size."""
    is_open = not config.data.training_sizes or None in sides
    expected = "layers of data.preprocess that keep sizes open (crop or resize in data.augment)"
    require(is_open, "data.training_sizes", expected, preprocessed_to=tuple(sides))


def _model_settings(config):
    """Returns the settings of the model: those of the config, else those that the tag of transfer.weights needs."""
    transfer = config.transfer
    tag = find_tag(config.model.name, transfer.weights) if transfer and transfer.source_model is None else None
    return {**(tag.settings if tag else {}), **config.model.settings}


def count_parameters(model: keras.Model) -> int:
    """Returns the number of parameters of a config's model without the statistics of its preprocessing layers."""
    preprocessing = [layer for layer in model.layers if layer.name.startswith("preprocess")]
    return model.count_params() - sum(layer.count_params() for layer in preprocessing)


def _transfer(model, transfer, read_weights):
    if transfer and transfer.weights and read_weights:
        load_weights(model, transfer.weights, transfer.until, transfer.source_model)
    elif transfer:
        transferred_layers(model, transfer.until, transfer.source_model)
    return freeze(model, transfer.until) if transfer and transfer.freeze else model


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
        loss=_unpack(build_losses(config, model, tasks)),
        loss_weights=_loss_weights(config, model),
        metrics=_unpack(build_metrics(config, model, tasks)),
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


def build_losses(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> list[Any]:
    """Returns a new loss for each output of a model; those of labels that need them one-hot encode them."""
    specs, found = losses_of(config, model.output_names), output_tasks(config, model, tasks)
    ignored = _ignored_labels(config, model, tasks)
    losses = [_build_ignoring("loss", spec, "training.loss", label) for spec, label in zip(specs, ignored)]
    labelled = [give_one_hot(loss) for loss, task in zip(losses, found) if task.of_classes]
    mixing = _mixing_labels(config, model)
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
    if _mixing_labels(config, model):
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


def label_checks(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> LabelChecks:
    """Returns the checks of labels for the losses and metrics of a config."""
    losses, metrics, ranges = build_losses(config, model, tasks), build_metrics(config, model, tasks), []
    for task, output, loss, of_output in zip(output_tasks(config, model, tasks), model.outputs, losses, metrics):
        parts = {"training.loss": [loss], "training.metrics": [m for m in of_output if m != "accuracy"]}
        for where, each in parts.items() if task.of_classes else ():
            found = [label_range(part, where, output.shape[-1]) for part in each]
            ranges += [dataclasses.replace(one, target=task.name) for one in found if one]
    return LabelChecks(ranges)


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
    targets, kinds = _targets(config, model), [task.kind for task in train.tasks]
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


def _mixing_labels(config, model):
    """Returns the name of the layer of data.augment that mixes labels of examples, or None.

    Of a model with an output for each pixel it mixes label maps, whose labels stay classes.
    """
    mixing = mixing_layer(config)
    if mixing is None or all(len(output.shape) > 2 for output in model.outputs):
        return None
    who, inputs, targets = f"data.augment: {mixing}", config.data.inputs, _targets(config, model)
    require("y" not in inputs and "y" in targets, who, "data.inputs of x, data.targets with y", inputs=inputs)
    check_outputs([output for output, target in zip(model.outputs, targets) if target == "y"], mixing)
    return mixing


def _targets(config, model):
    return config.data.targets or ["y"] * len(model.outputs)


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


def map_inputs_and_targets(config: Config, model: keras.Model, dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Maps a dataset of (x, y) to (inputs, targets) of the model, as data.inputs and data.targets say.

    Of several targets, a dict y, each output has the one of its name. A third element, the weights of the examples,
    stays, or is that of each output. Raises Refusal if there are weights and a target is x.
    """
    inputs, targets = config.data.inputs, _targets(config, model)
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
        return _unpack([for_inputs[name] for name in inputs]), _unpack([for_targets[name] for name in targets]), *weight

    return dataset.map(select, tf.data.AUTOTUNE, deterministic=True)


def _unpack(parts):
    return parts[0] if len(parts) == 1 else tuple(parts)


def build_callbacks(config: Config, folder: Path = Path()) -> list[Any]:
    """Returns new callbacks of a config, which write into `folder`."""
    built = []
    for index, spec in enumerate(place_callbacks(config, folder)):
        where = f"training.callbacks.{index}"
        # of a callback of the user's: by default the run's folder
        own = {"folder": str(folder)} if has_setting("callback", spec, "folder", where) else {}
        built.append(build_object("callback", {"class_name": spec.class_name, "config": {**own, **spec.config}}, where))
    return built


def build_augmentation(config: Config) -> list[Any]:
    """Returns new augmentation layers of a config."""
    return [build_object("layer", spec, f"data.augment.{i}") for i, spec in enumerate(config.data.augment)]


def training_batches(
    config: Config, model: keras.Model, train: Examples, seed: int, steps: int, start: int = 0
) -> tf.data.Dataset:
    """Returns the augmented batches of the training split from number `start` on, with `steps` in an epoch."""
    encode = None
    if _mixing_labels(config, model):
        classes = model.outputs[_targets(config, model).index("y")].shape[-1]
        encode = label_checks(config, model).probabilities(classes, train, "train")
    dataset = train.batches(config.data.batch_size, seed, start, build_augmentation(config), encode)
    sizes = config.data.training_sizes
    return resize_by_epoch(dataset, sizes, steps, start) if sizes else dataset
