"""Builds the model of a config, with its preprocessing layers as its first layers."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from kzoo.checks import Refusal, one_line, require
from kzoo.config.config import Config
from kzoo.data.examples import Examples
from kzoo.index import is_keras_file
from kzoo.models.adapt import adapt, learns_statistics
from kzoo.models.freeze import freeze
from kzoo.models.heads import add_heads
from kzoo.models.registry import describe
from kzoo.models.registry import model as zoo_model
from kzoo.models.weights import find_tag, load_weights, transferred_layers
from kzoo.task import Task
from kzoo.training.initial_values import set_initial_values
from kzoo.training.keras_objects import build_object
from kzoo.training.step_memory import check_model_memory
from kzoo.training.tasks import head_activation, model_heads, model_tasks, task_losses
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
