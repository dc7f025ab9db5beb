"""Losses and metrics where layers of data.augment mix labels: class probabilities in training, classes elsewhere.

Losses take probabilities. Metrics compare outputs with the most probable class, that of the larger part of a mixture.
"""

import functools
from typing import Any

import keras
from keras import losses, ops

from kzoo.augmentation.base_mixing import BaseMixing
from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.training.keras_objects import class_of
from kzoo.training.label_targets import takes_labels
from kzoo.types import Tensor

SPARSE = losses.SparseCategoricalCrossentropy
OF_PROBABILITIES = (
    *(SPARSE, losses.CategoricalCrossentropy, losses.CategoricalFocalCrossentropy, losses.BinaryCrossentropy),
    *(losses.KLDivergence, losses.MeanSquaredError),
)


def mixing_layer(config: Config) -> str | None:
    """Returns the name of the first class in data.augment that mixes examples, None if there is none."""
    classes = [class_of("layer", spec, f"data.augment.{i}") for i, spec in enumerate(config.data.augment)]
    return next((cls.__name__ for cls in classes if issubclass(cls, BaseMixing)), None)


def is_mixed(y_true: Tensor, y_pred: Tensor) -> bool:
    """Returns whether labels are class probabilities (B, classes) for outputs (B, classes).

    >>> is_mixed(ops.ones((2, 3)), ops.ones((2, 3))), is_mixed(ops.ones((2, 1)), ops.ones((2, 3)))
    (True, False)
    """
    return len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == y_pred.shape[-1] != 1


def check_outputs(outputs: list[Any], layer: str) -> None:
    """Raises Refusal, which names the mixing `layer`, unless outputs have the same two or more classes."""
    shapes = [tuple(output.shape) for output in outputs]
    classes = {shape[-1] for shape in shapes if len(shape) == 2 and shape[-1] > 1}
    fits = len(classes) == 1 and all(shape[1:] == (*classes,) for shape in shapes)
    require(fits, f"data.augment: {layer}", "a model with a label of two or more classes", outputs=shapes)


def take_probabilities(loss: Any, layer: str) -> Any:
    """Returns a loss; one of integer labels now takes class probabilities too.

    Raises Refusal, which names the mixing `layer`, for a loss that is not of class probabilities.
    """
    who, known = f"data.augment: {layer}", type(loss) in OF_PROBABILITIES
    expected = "a loss that takes class probabilities, such as SparseCategoricalCrossentropy"
    require(known, who, expected, loss=type(loss).__name__)
    if isinstance(loss, SPARSE):
        ignored, from_logits = (loss.get_config()[name] for name in ("ignore_class", "from_logits"))
        require(ignored is None, who, "a loss without ignore_class, since labels are mixed", ignore_class=ignored)
        loss.call = _mixing_call(loss.call, from_logits)
    return loss


def compare_with_most_probable(metric: Any) -> Any:
    """Returns a metric; for class probabilities it takes the most probable class as the label.

    >>> metric = compare_with_most_probable(keras.metrics.SparseCategoricalAccuracy())
    >>> metric.update_state([[0.3, 0.7], [0.8, 0.2]], [[0.1, 0.9], [0.2, 0.8]])
    >>> float(metric.result())
    0.5
    """
    if takes_labels(metric):
        metric.update_state = _mixing_update(metric.update_state)
    return metric


def _mixing_call(call, from_logits):
    @functools.wraps(call)
    def mixing_call(y_true, y_pred):
        if not is_mixed(y_true, y_pred):
            return call(y_true, y_pred)
        return losses.categorical_crossentropy(y_true, y_pred, from_logits=from_logits)

    return mixing_call


def _mixing_update(update):
    @functools.wraps(update)
    def mixing_update(y_true, y_pred, *args, **kwargs):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        labels = ops.argmax(y_true, axis=-1) if is_mixed(y_true, y_pred) else y_true
        return update(labels, y_pred, *args, **kwargs)

    return mixing_update


def accuracy() -> Any:
    """Returns the accuracy of a model with several classes, which Keras would choose by the first labels it sees."""
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
