"""Class weights: how much the loss of an example, or of a pixel, counts in training, by the class of its label."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from kzoo.checks import require
from kzoo.data.examples import Examples

BATCH = 1000  # examples whose labels are counted at a time


def class_weights(
    weights: Mapping[str, float] | str, split: Examples, classes: int, ignored: int | None = None
) -> np.ndarray:
    """Returns the weight of each class as training.class_weight says.

    Of a mapping, classes that it does not name have weight 1. With "balanced" a class has the weight
    labels / (classes that occur * labels of this class), and one that does not occur has 1. Labels that are `ignored`
    or no classes are not counted.
    Source: King & Zeng 2001, "Logistic regression in rare event data", as scikit-learn's `compute_class_weight`.
    Raises Refusal for a class that the model does not have.

    >>> digits = Examples.from_arrays(np.zeros((4, 1)), np.array([0, 0, 0, 1]))
    >>> class_weights("balanced", digits, 2), class_weights({"1": 5.0}, digits, 2)
    (array([0.6666667, 2.       ], dtype=float32), array([1., 5.], dtype=float32))
    """
    if isinstance(weights, Mapping):
        unknown = [key for key in weights if int(key) >= classes]
        require(not unknown, "training.class_weight", f"classes from 0 to {classes - 1}", classes=unknown)
        return np.array([weights.get(str(key), 1.0) for key in range(classes)], "float32")
    counts = np.zeros(classes, "int64")
    for labels in split.once(min(BATCH, split.size)).map(lambda x, y: y).as_numpy_iterator():
        counted = labels[(labels >= 0) & (labels < classes) & (labels != (-1 if ignored is None else ignored))]
        counts += np.bincount(counted, minlength=classes)
    balanced = counts.sum() / np.maximum(1, np.count_nonzero(counts) * counts)
    return np.where(counts, balanced, 1).astype("float32")


def weigh_classes(dataset: tf.data.Dataset, weights: np.ndarray) -> tf.data.Dataset:
    """Returns batches (x, y, weight) of batches (x, y), or of (x, y, weight), whose weights are multiplied.

    Shapes: weight as y without a trailing axis of size 1. Labels that are no classes have weight 1. Where y is class
    probabilities (B, classes), in floats, the weight (B,) is the mean of those of the classes.
    """

    def of_labels(y):
        if y.dtype.is_floating:
            return tf.linalg.matvec(y, weights)
        labels = tf.squeeze(y, -1) if y.shape.rank > 1 and y.shape[-1] == 1 else y
        is_class = (labels >= 0) & (labels < len(weights))
        return tf.where(is_class, tf.gather(weights, tf.where(is_class, labels, 0)), 1)

    def weigh(x, y, *given):
        weight = of_labels(y)
        for each in given:
            weight *= tf.reshape(tf.cast(each, weight.dtype), [-1, *[1] * (weight.shape.rank - 1)])
        return x, y, weight

    return dataset.map(weigh, tf.data.AUTOTUNE, deterministic=True)
