"""Differences between the outputs of a model and of its export, relative to the largest output."""

import numpy as np


def max_difference(expected, received):
    """Returns the largest absolute difference, divided by the largest absolute value expected.

    >>> max_difference(np.array([0.0, 4.0]), np.array([1.0, 4.0]))
    0.25
    """
    return float(relative_differences(expected, received).max(initial=0))


def relative_differences(expected, received, scale=None):
    """Returns absolute differences divided by `scale`, by default the largest absolute value expected.

    Returns [inf] if the shapes differ.
    """
    expected, received = np.asarray(expected, "float64"), np.asarray(received, "float64")
    if expected.shape != received.shape:
        return np.array([np.inf])
    scale = np.abs(expected).max(initial=0) if scale is None else scale
    return np.abs(expected - received) / max(scale, np.finfo("float32").tiny)
