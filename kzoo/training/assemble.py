"""From a config to the objects that train: the net with its preprocessing, and the compiled trainer around it.

Source: none.
"""

import keras

from kzoo.checks import require
from kzoo.models.freeze import freeze
from kzoo.models.registry import describe, model
from kzoo.models.weights import load_weights
from kzoo.training.build import build
from kzoo.training.looped_model import LoopedModel


def build_net(config, input_shape, classes, train=None):
    """The functional model of a config for examples of `input_shape`: preprocessing layers first, so that they travel.

    Layers with an `adapt` and no statistics of their own learn them from `train`, the training `Examples`.
    Errors: ValueError if the config's model is of another input shape or number of classes than the data.
    """
    settings, parameters = config.model.settings, describe(config.model.name)["settings"]
    for key, given in {"input_shape": tuple(input_shape), "classes": classes}.items():
        wanted = settings.get(key, given)
        wanted = tuple(wanted) if isinstance(wanted, list) else wanted
        require(wanted == given, f"model.{key}", f"that of the data, {given}", **{key: wanted})
    x = inputs = keras.Input(input_shape, name="input")
    for place, spec in enumerate(config.data.preprocess):
        # float32 whatever the policy: bytes lose their last bits in bfloat16
        exact = {"class_name": spec.class_name, "config": {"dtype": "float32", **spec.config}}
        layer = build("layer", exact, f"data.preprocess.{place}")
        if train is not None and hasattr(layer, "adapt") and getattr(layer, "input_mean", None) is None:
            before = keras.Model(inputs, x)
            layer.adapt(train.once(256).map(lambda x, y, before=before: before(x)))
        x = layer(x)
    settings |= {"input_tensor": x, "input_shape": tuple(x.shape[1:])}
    if classes is not None and "classes" in parameters:
        settings["classes"] = classes
    return transferred(model(config.model.name, **settings), config.transfer)


def transferred(net, transfer):
    """The net with its first layers' weights from elsewhere, and frozen, as a config says."""
    if transfer and transfer.weights:
        load_weights(net, transfer.weights, transfer.until)
    return freeze(net, transfer.until) if transfer and transfer.freeze else net


def build_trainer(config, net):
    """The compiled model that `fit` trains: it shares `net`'s layers, and loops over super-batches where asked."""
    training = config.training
    looped = training.steps_per_call > 1
    trainer = (LoopedModel if looped else keras.Model)(net.input, net.output, name=net.name)
    jit = training.jit_compile
    if jit == "auto" and looped:
        jit = not training.deterministic  # a loop of small steps gains fivefold; Keras drops XLA when deterministic
    trainer.compile(
        optimizer=build("optimizer", training.optimizer, "training.optimizer"),
        loss=build("loss", training.loss, "training.loss"),
        metrics=["accuracy", *(build("metric", m, f"training.metrics.{i}") for i, m in enumerate(training.metrics))],
        jit_compile=jit,
    )
    return trainer


def build_callbacks(config):
    """The callbacks of a config, fresh."""
    return [build("callback", c, f"training.callbacks.{i}") for i, c in enumerate(config.training.callbacks)]


def build_augmentation(config):
    """The augmentation layers of a config, fresh."""
    return [build("layer", spec, f"data.augment.{i}") for i, spec in enumerate(config.data.augment)]
