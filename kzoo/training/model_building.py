"""From a config to the objects that train: the net with its preprocessing, and the compiled trainer around it.

Source: none.
"""

import keras
import tensorflow as tf

from kzoo.checks import require
from kzoo.models.adapt import adapt
from kzoo.models.freeze import freeze
from kzoo.models.registry import describe, model
from kzoo.models.weights import load_weights
from kzoo.training.keras_objects import build
from kzoo.training.looped_model import LoopedModel
from kzoo.training.trainer import Trainer


def build_net(config, input_shape, classes, train=None):
    """The functional model of a config for examples of `input_shape`: preprocessing layers first, so that they travel.

    Layers with an `adapt` and no statistics of their own learn them from `train`, the training `Examples`; those within
    the model do not if it comes with weights.
    Errors: ValueError if the config's model is of another input shape or number of classes than the data.
    """
    settings, parameters = config.model.settings, describe(config.model.name)["settings"]
    for key, given in {"input_shape": tuple(input_shape), "classes": classes}.items():
        wanted = settings.get(key, given)
        wanted = tuple(wanted) if isinstance(wanted, list) else wanted
        fits = given is None or wanted == given  # label maps do not say how many classes they have
        require(fits, f"model.{key}", f"that of the data, {given}", **{key: wanted})
    x = inputs = keras.Input(input_shape, name="input")
    known = []
    for place, spec in enumerate(config.data.preprocess):
        # float32 whatever the policy: bytes lose their last bits in bfloat16
        more = {"dtype": "float32", "name": f"preprocess{place + 1}"}
        exact = {"class_name": spec.class_name, "config": {**more, **spec.config}}
        layer = build("layer", exact, f"data.preprocess.{place}")
        if train is not None and hasattr(layer, "adapt") and getattr(layer, "input_mean", None) is None:
            before = keras.Model(inputs, x)
            layer.adapt(train.once(256).map(lambda x, y, before=before: before(x)))
        x = layer(x)
        known.append(layer.name)
    settings |= {"input_tensor": x, "input_shape": tuple(x.shape[1:])}
    if classes is not None and "classes" in parameters:
        settings["classes"] = classes
    net = model(config.model.name, **settings)
    if train is not None and settings.get("weights") is None:
        adapt(net, train.once(256).map(lambda x, y: x), skip=known)
    return transferred(net, config.transfer)


def transferred(net, transfer):
    """The net with its first layers' weights from elsewhere, and frozen, as a config says."""
    if transfer and transfer.weights:
        load_weights(net, transfer.weights, transfer.until)
    return freeze(net, transfer.until) if transfer and transfer.freeze else net


def build_trainer(config, net):
    """The compiled model that `fit` trains: it shares `net`'s layers, and loops over super-batches where asked.

    Errors: ValueError if losses, their weights, data.inputs or data.targets are not one for each of the net's.
    """
    training, outputs = config.training, len(net.outputs)
    for name, given, wanted in (
        ("data.inputs", config.data.inputs, len(net.inputs)),
        ("data.targets", config.data.targets, outputs),
        ("training.loss", training.loss if isinstance(training.loss, list) else None, outputs),
        ("training.loss_weights", training.loss_weights, outputs),
    ):
        fits = given is None or len(given) == wanted
        require(fits, name, f"one entry for each of {', '.join(_names(net, name))}", entries=given and len(given))
    if training.l2:
        decay(net, training.l2)
    looped = training.steps_per_call > 1
    trainer = (LoopedModel if looped else Trainer)(net.input, net.output, name=net.name)
    jit = training.jit_compile
    if jit == "auto" and looped:
        jit = not training.deterministic  # a loop of small steps gains fivefold; Keras drops XLA when deterministic
    losses = training.loss if isinstance(training.loss, list) else [training.loss] * outputs
    metrics = [build("metric", m, f"training.metrics.{i}") for i, m in enumerate(training.metrics)]
    if all(metric.name != "accuracy" for metric in metrics):
        metrics.insert(0, "accuracy")
    trainer.compile(
        optimizer=build("optimizer", training.optimizer, "training.optimizer"),
        loss=_alone([build("loss", loss, "training.loss") for loss in losses]),
        loss_weights=training.loss_weights,
        metrics=_alone([metrics, *([] for _ in losses[1:])]),
        jit_compile=jit,
    )
    return trainer


def decay(net, factor):
    """Classic weight decay: `factor` times each trainable kernel is added to its gradient from now on.

    Kernels with a regularizer of their own keep that. It is no part of the net's config, and ends with the training.
    """
    for weight in net.trainable_weights:
        if weight.name.endswith("kernel") and weight.regularizer is None:
            weight.regularizer = keras.regularizers.L2(factor / 2)  # whose gradient is twice its factor


def arrange(config, net, stream):
    """A stream of (x, y) as one of what the net's inputs and outputs are paired with, after `data.inputs, targets`."""
    inputs, targets = config.data.inputs, config.data.targets or ["y"] * len(net.outputs)
    if (inputs, targets) == (["x"], ["y"]):
        return stream
    last = f"preprocess{len(config.data.preprocess)}"
    known = [layer.name for layer in net.layers]
    prepared = keras.Model(net.inputs[0], net.get_layer(last).output) if last in known else lambda x: x

    def pair(x, y):
        fed, wanted = {"x": x, "y": y}, {"x": prepared(x), "y": y}
        return _alone([fed[name] for name in inputs]), _alone([wanted[name] for name in targets])

    return stream.map(pair, tf.data.AUTOTUNE, deterministic=True)


def _alone(parts):
    return parts[0] if len(parts) == 1 else tuple(parts)


def _names(net, part):
    return [tensor.name for tensor in net.inputs] if part == "data.inputs" else net.output_names


def build_callbacks(config):
    """The callbacks of a config, fresh."""
    return [build("callback", c, f"training.callbacks.{i}") for i, c in enumerate(config.training.callbacks)]


def build_augmentation(config):
    """The augmentation layers of a config, fresh."""
    return [build("layer", spec, f"data.augment.{i}") for i, spec in enumerate(config.data.augment)]
