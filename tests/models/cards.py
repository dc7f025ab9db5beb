"""Helpers of the families' tests: input shapes, parameter counts, initial values, and the options of `test_fits`."""

import math
from typing import Any, NamedTuple

import numpy as np

IMAGENET, CIFAR, MNIST, SERIES = (224, 224, 3), (32, 32, 3), (28, 28, 1), (40, 1)
WIDE = (227, 227, 3)  # AlexNet's
SOUND, CLIP = (32000, 1), (16, 112, 112, 3)
WHOLE = {"fc_units": (32, 32), "dropout": 0.0}
DRAWN = "reconstruction"  # an output that is not a prediction


class Fit(NamedTuple):
    """Settings of a model so small that it learns a few examples in seconds, and how to train it."""

    settings: dict[str, Any]
    rate: float = 0.003  # of Adam
    noise: float = 1  # standard deviation of the inputs; models that start almost at 0 need loud ones
    blocks: int | None = None  # of one class, along a side of the map, if each pixel has a class
    loss: Any = "sparse_categorical_crossentropy"
    examples: int = 16
    slow: bool = False  # fits all in more than 4 s: by hand, with -m large


def trained(model):
    """Returns the number of trained parameters, as published: without the moving statistics of batch norms."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def shapes(model, names):
    """Returns the shape of each named layer's maps, without the batch."""
    return {name: tuple(model.get_layer(name).output.shape[1:]) for name in names}


def check_start(layer, stddev, bias=0.0):
    """Compares mean and standard deviation of a layer's initial kernel, to five standard errors, and its biases."""
    kernel = np.array(layer.kernel)
    assert abs(kernel.mean()) < 5 * stddev / math.sqrt(kernel.size), layer.name
    assert abs(kernel.std() / stddev - 1) < 5 / math.sqrt(2 * kernel.size), (layer.name, kernel.std())
    if layer.use_bias:
        np.testing.assert_allclose(layer.bias, bias, rtol=1e-6, err_msg=layer.name)


def check_uniform(layer, limit, bias=0.0):
    """Compares the range of a layer's initial kernel, which is uniform, and its biases."""
    check_start(layer, limit / math.sqrt(3), bias)
    largest = np.abs(layer.kernel).max()
    assert largest <= limit and (largest > 0.9 * limit or math.prod(layer.kernel.shape) < 200), layer.name


def assert_drawn_apart(*layers):
    """Fails if two layers have the same kernels up to a scale, as layers that share an initializer object have."""
    firsts = [np.ravel(layer.kernel)[:12] for layer in layers]
    correlations = np.corrcoef(firsts) - np.eye(len(layers))
    assert np.abs(correlations).max() < 0.99
