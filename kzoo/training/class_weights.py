"""Class weights: how much the loss of an example, or of a pixel, counts in training, by the class of its label."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, nearest, require
from kzoo.data.examples import Examples

BATCH = 1000  # examples whose labels are counted at a time


def class_weights(
    weights: Mapping[str, float] | str,
    split: Examples,
    classes: int,
    ignored: int | None = None,
    names: Sequence[str] | None = None,
    target: str = "",
) -> np.ndarray:
    """Returns the weight of each class as training.class_weight says.

    A mapping has the numbers or the `names` of classes; those that it does not name have weight 1. With "balanced" a
    class has the weight labels / (classes that occur * labels of this class), and one that does not occur has 1. Labels
    that are `ignored` or no classes are not counted.
    target: the name of the labels among several targets.
    Source: King & Zeng 2001, "Logistic regression in rare event data", as scikit-learn's `compute_class_weight`.
    Raises Refusal for a class that the model does not have.

    >>> digits = Examples.from_arrays(np.zeros((4, 1)), np.array([0, 0, 0, 1]))
    >>> class_weights("balanced", digits, 2), class_weights({"1": 5.0}, digits, 2)
    (array([0.6666667, 2.       ], dtype=float32), array([1., 5.], dtype=float32))
    """
    if isinstance(weights, Mapping):
        table = np.ones(classes, "float32")
        for key, weight in weights.items():
            table[_class_number(key, classes, names or ())] = weight
        return table
    counts = np.zeros(classes, "int64")
    for labels in split.once(min(BATCH, split.size)).map(lambda x, y: y[target] if target else y).as_numpy_iterator():
        counted = labels[(labels >= 0) & (labels < classes) & (labels != (-1 if ignored is None else ignored))]
        counts += np.bincount(counted, minlength=classes)
    balanced = counts.sum() / np.maximum(1, np.count_nonzero(counts) * counts)
    return np.where(counts, balanced, 1).astype("float32")


def _class_number(key, classes, names):
    """Returns the number of a class that is given by its name or its number."""
    if key in names:
        return list(names).index(key)
    if not key.isdecimal() and names:
        raise Refusal(f"training.class_weight has no class {key!r}; {nearest(key, names)}")
    within = key.isdecimal() and key.isascii() and int(key) < classes
    require(within, "training.class_weight", f"classes from 0 to {classes - 1}", classes=[key])
    return int(key)


def weigh_classes(dataset: tf.data.Dataset, weights: np.ndarray | Mapping[str, np.ndarray]) -> tf.data.Dataset:
    """Returns batches (x, y, weight) of batches (x, y), or of (x, y, weight), whose weights are multiplied.

    Shapes: weight as y without a trailing axis of size 1. Labels that are no classes have weight 1. Of several targets,
    a dict y, weights are {target: those of its classes}, and so is weight; other targets keep theirs or have 1. Where y
    is class probabilities (B, classes), in floats, the weight (B,) is the mean of those of the classes.
    """

    def weigh(x, y, *given):
        if not isinstance(y, dict):
            return x, y, _weights_of(y, weights, given)
        return x, y, {name: _weights_of(each, weights.get(name), given) for name, each in y.items()}

    return dataset.map(weigh, tf.data.AUTOTUNE, deterministic=True)


def _weights_of(y, weights, given):
    """Returns the weights of a batch's labels, or of another target if `weights` is None."""
    if weights is None:
        weight = tf.ones(tf.shape(y)[:1])
    elif y.dtype.is_floating:
        weight = tf.linalg.matvec(y, weights)
    else:
        labels = tf.squeeze(y, -1) if y.shape.rank > 1 and y.shape[-1] == 1 else y
        is_class = (labels >= 0) & (labels < len(weights))
        weight = tf.where(is_class, tf.gather(weights, tf.where(is_class, labels, 0)), 1)
    for each in given:
        weight *= tf.reshape(tf.cast(each, weight.dtype), [-1, *[1] * (weight.shape.rank - 1)])
    return weight
