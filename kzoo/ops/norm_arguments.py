"""Checks of the arguments that normalizations share: epsilon, and weights with a value for each channel."""

import math

from keras import ops

from kzoo.checks import is_number, require


def check_epsilon(who, epsilon):
    """Raises Refusal unless epsilon is a finite number above 0."""
    require(is_number(epsilon) and 0 < epsilon < math.inf, who, "epsilon, a number above 0", epsilon=epsilon)


def check_channel_weights(who, x, **weights):
    """Raises Refusal unless each weight that is not None has the shape (C,), where C is the last axis of x."""
    for name, weight in weights.items():
        shape = None if weight is None else tuple(ops.shape(weight))
        require(shape in (None, (x.shape[-1],)), who, f"{name} of shape (C,)", x=tuple(x.shape), **{name: shape})
