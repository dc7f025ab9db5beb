"""Rectifiers: which layers and operations are one, and a gradient for those that are 0 everywhere."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from kzoo.analysis.walk import Visit, activation_replaced, compute
from kzoo.types import Tensor

RECTIFIED = ("ReLU", "Relu", "Relu6")  # classes of Keras's layer and operations


def is_rectifier(operation: Any) -> bool:
    """Returns whether a layer or operation ends in max(x, 0), also with an upper bound; leaky ones do not.

    >>> is_rectifier(keras.layers.Dense(2, "relu")), is_rectifier(keras.layers.ReLU(negative_slope=0.1))
    (True, False)
    """
    if getattr(operation, "activation", None) in (keras.activations.relu, keras.activations.relu6):
        return True
    return type(operation).__name__ in RECTIFIED and not getattr(operation, "negative_slope", 0)


def with_gradients(visit: Visit = compute) -> Visit:
    """Returns a visit whose rectifiers pass gradients on where those of all units of an example would be 0.

    There, gradients that would raise an output pass through inputs of 0 and less. Outputs are unchanged.
    Source: Olah, Mordvintsev & Schubert 2017, "Feature visualization", Distill, whose program does so too.
    """

    def call(path, operation, args, kwargs):
        if not is_rectifier(operation):
            return visit(path, operation, args, kwargs)
        if hasattr(operation, "activation"):
            with activation_replaced(operation, _passing(operation.activation)):
                return visit(path, operation, args, kwargs)
        return _passing(lambda x: visit(path, operation, (x, *args[1:]), kwargs))(args[0])

    return call


def _passing(rectifier: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    @tf.custom_gradient
    def rectified(x):
        y = rectifier(x)

        def gradient(dy):
            dx = tf.where((y > 0) & (y == x), dy, 0)
            raising = tf.where(x <= 0, tf.maximum(dy, 0), 0)
            alive = tf.reduce_any(dx != 0, tuple(range(1, len(dx.shape))), keepdims=True)
            return tf.where(alive, dx, dx + raising)

        return y, gradient

    return rectified
