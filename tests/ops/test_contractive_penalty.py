"""The contractive penalty against the full Jacobian of dense layers and convolutions, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops.contractive_penalty import SLOPES
from tests.ops.harness import close, refuses

LAYERS = [
    ((5,), {}),
    ((7, 2), {"kernel_size": 3, "strides": 2}),
    ((6, 5, 2), {"kernel_size": (3, 2), "padding": "same"}),
    ((5, 6, 1), {"kernel_size": 2, "dilation_rate": 2}),
    ((4, 3, 4, 2), {"kernel_size": 2, "padding": "same", "strides": 2}),
]


def layer_of(shape, settings, activation):
    kinds = {1: keras.layers.Dense, 2: keras.layers.Conv1D, 3: keras.layers.Conv2D, 4: keras.layers.Conv3D}
    layer = kinds[len(shape)](3, activation=activation, dtype="float64", **settings)
    layer.build((None, *shape))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    return layer


def jacobian_norm(layer, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    return y, np.square(tape.batch_jacobian(y, x)).reshape(len(x), -1).sum(1)


CASES = [(*one, "sigmoid") for one in LAYERS] + [(*LAYERS[2], activation) for activation in SLOPES]


@pytest.mark.parametrize("shape, settings, activation", CASES, ids=str)
def test_equals_the_full_jacobian(seeds, shape, settings, activation):
    layer = layer_of(shape, settings, activation)
    y, expected = jacobian_norm(layer, seeds.normal(size=(3, *shape)))
    geometry = {name.replace("dilation_rate", "dilations"): n for name, n in settings.items() if name != "kernel_size"}
    given = {"input_size": shape[:-1], **geometry} if len(shape) > 1 else {}
    close(ops.contractive_penalty(y, layer.kernel, activation, **given), expected, 1e-12)


def test_gradient_shrinks_the_jacobian(seeds):
    """A step against the gradient of the penalty lowers it; through the outputs too, not only the kernel."""
    layer, x = layer_of((6, 5, 2), {"kernel_size": 3}, "tanh"), seeds.normal(size=(4, 6, 5, 2))

    def penalty():
        return tf.reduce_mean(ops.contractive_penalty(layer(x), layer.kernel, "tanh", (6, 5)))

    with tf.GradientTape() as tape:
        before = penalty()
    gradients = tape.gradient(before, [weight.value for weight in layer.weights])
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert np.any(gradient)
        weight.assign_sub(1e-4 * gradient)
    assert penalty() < before


Y, W = np.zeros((2, 3, 4), "float32"), np.zeros((3, 2, 4), "float32")


@pytest.mark.parametrize(
    "y, kernel, given, words",
    [
        (Y, W[0], {"input_size": 5}, "y (B, *output, F), kernel (*size, C, F); received y=(2, 3, 4), kernel=(2, 4)"),
        (Y, W, {}, "input_size, 1 integers above 0; received input_size=None"),
        (Y, W, {"input_size": 9}, "y of the size (7,); received y=(2, 3, 4)"),
        (Y, W, {"input_size": 5, "activation": "sigmod"}, "activation, did you mean 'sigmoid'"),
        (Y, W.astype("float64"), {"input_size": 5}, "y and kernel of one dtype"),
        (Y[0, 0], W[0, 0], {}, "y (B, *output, F), kernel (*size, C, F)"),
    ],
)
def test_refuses(y, kernel, given, words):
    refuses(words, ops.contractive_penalty, y, kernel, **given)
