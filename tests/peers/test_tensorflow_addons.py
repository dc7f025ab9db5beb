"""Compares layers with recorded outputs and gradients of TensorFlow Addons 0.23; runs by default too."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import layers, ops
from tests.peers import tensorflow_addons_outputs as addons

PEER = "TensorFlow Addons"

CLOSE = 1e-5  # float32 sums in another order


def hold(compare, name, ours, arrays, found, setting, tolerance=0.0):
    """Compares the outputs of `ours`, and the gradients for all arrays."""
    tensors = [tf.constant(a) for a in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = tf.reshape(ours(*tensors), found[0].shape)
    gradients = tape.gradient(y, tensors, tf.constant(addons.cotangent(y.shape)))
    compare(name, y, found[0], tolerance, setting=setting)
    compare(name, gradients, found[1:], tolerance, "gradient", setting)


def test_maxout(compare):
    for settings, inputs, _, found in addons.read("Maxout"):
        hold(compare, "Maxout", layers.Maxout(**settings), inputs, found, settings)


@pytest.mark.parametrize("name", ["MaxUnpooling2D", "MaxUnpooling2DV2"])
def test_max_unpooling(compare, name):
    """Windows may overlap: both add the values that share an index. V2 takes the whole shape of the output."""
    for settings, (values, indices), _, found in addons.read(name):
        size = settings.get("output_size", [None, None])[1:-1] or None
        layer = layers.MaxUnpooling2D(**settings.get("pool", settings), output_size=size)

        def ours(x, indices=indices, layer=layer):
            return layer([x, tf.cast(indices, "int32")])

        hold(compare, name, ours, [values], found, settings)


def test_spatial_pyramid_pooling(compare):
    """kzoo's vector has the channels of a bin next to each other in both data formats."""
    for settings, inputs, _, found in addons.read("SpatialPyramidPooling2D"):
        layer = layers.SpatialPyramidPooling2D(**settings, pooling="average")

        def ours(x, layer=layer, first=settings["data_format"] == "channels_first"):
            channels = x.shape[1 if first else -1]
            y = tf.reshape(layer(x), (len(x), -1, channels))
            return tf.transpose(y, (0, 2, 1)) if first else y

        hold(compare, "SpatialPyramidPooling2D", ours, inputs, found, settings, CLOSE)


def test_filter_response_normalization(compare):
    """Followed by Addons' TLU, for the threshold that is part of kzoo's layer."""
    for settings, inputs, weights, found in addons.read("FilterResponseNormalization"):

        def ours(x, *weights, settings=settings):
            *extra, gamma, beta, tau = weights
            return ops.filter_response_norm(x, gamma, beta, tau, settings["epsilon"], *extra)

        hold(compare, "FilterResponseNormalization", ours, [*inputs, *weights], found, settings, CLOSE)
        layer = layers.FilterResponseNormalization(**settings)
        layer.build(inputs[0].shape)
        *extra, gamma, beta, tau = weights
        layer.set_weights([gamma, beta, tau, *extra])
        compare("FilterResponseNormalization", layer(inputs[0]), found[0], CLOSE, setting=settings)


def test_stochastic_depth(compare):
    """In training Addons' own draw, which its output shows, decides what kzoo's op is to draw."""
    drawn = set()
    for settings, inputs, _, found in addons.read("StochasticDepth"):
        probability, noise = settings["survival_probability"], None
        if settings["training"]:
            kept = not np.array_equal(found[0], inputs[0])
            noise = np.array([probability * 0.99 if kept else probability])
            drawn.add(kept)

        def ours(shortcut, residual, probability=probability, noise=noise):
            if noise is None:
                return layers.StochasticDepth(probability)([shortcut, residual])
            return ops.stochastic_depth(shortcut, residual, probability, noise)

        hold(compare, "StochasticDepth", ours, inputs, found, settings, CLOSE)
    assert drawn == {False, True}
