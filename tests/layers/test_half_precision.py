"""Sums as long as in training, in 16 bits: the outputs and gradients of every layer against float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import layers, ops
from kzoo.layers.standardized_conv import StandardizedConv
from tests.collect import collect

CASES = collect("LAYER_CASES")
# one of each family whose outputs, or gradients for weights, are sums over positions
SUMMING = [
    *("AdaptiveAveragePooling2D", "AveragePooling2D", "Capsules", "Conv2D", "ConvCapsules2D", "DeformableConv2D"),
    *("Dilation2D", "Erosion2D", "FFTConv2D", "Fastfood", "FoveatedGlimpse2D", "GaborConv2D"),
    *("LocalContrastNormalization", "LocallyConnected2D"),
    *("PolynomialTanh", "PrimaryCapsules2D", "RBF", "SpatiallySeparableConv2D", "Subsampling2D", "TableConv2D"),
    "TiledConv2D",
]
# Mean differences relative to the mean magnitude. A sum that stops growing in 16 bits is wrong by a half or more.
TOLERANCES = {"float16": 0.01, "bfloat16": 0.06}
SPATIAL = {3: (14_400,), 4: (120, 120), 5: (20, 24, 30)}
MODES = ("eager", "graph", "compiled")


def long_inputs(case, batch):
    """Returns positive inputs of 14,400 positions a sample; where sizes are fixed or related, of more samples."""
    if case.free and not isinstance(case.inputs, list) and case.inputs.ndim in SPATIAL:
        shape = (batch, *SPATIAL[case.inputs.ndim], case.inputs.shape[-1])
        return np.random.default_rng(0).random(shape)
    repeats = batch * 14_400 // max(np.prod(case.arrays[0].shape[:-1]), 1)
    return keras.tree.map_structure(
        lambda x: np.concatenate([np.abs(x).astype("float64") if x.dtype.kind == "f" else x] * repeats), case.inputs
    )


def outputs_and_gradients(layer, inputs, mode):
    """Returns the floating outputs, and the gradients of a sixteenth of their sum for the weights, in float64.

    Of layers that standardize their kernels these would be differences of nearly equal sums; squared differences from
    the mean are summed instead.
    """

    def summed(y):
        y = tf.cast(y, "float64")
        if isinstance(layer, StandardizedConv):
            y = (y - tf.stop_gradient(tf.reduce_mean(y))) ** 2
        return tf.reduce_sum(y) / 16

    def run(inputs):
        with tf.GradientTape() as tape:
            outputs = [y for y in keras.tree.flatten(layer(inputs)) if y.dtype.is_floating]
            loss = tf.add_n([summed(y) for y in outputs])
        return outputs, tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    if mode != "eager":
        run = tf.function(run, jit_compile=mode == "compiled", autograph=False)
    return [np.asarray(tf.cast(value, "float64")) for value in keras.tree.flatten(run(inputs))]


def check(name, half, mode, batch):
    case, cls = CASES[name], getattr(layers, name)
    # TensorFlow's convolution has no dilated float64 kernel
    kwargs = {key: value for key, value in case.kwargs.items() if key != "dilation_rate"}
    inputs = keras.tree.map_structure(
        lambda x: tf.cast(x, half) if x.dtype.kind == "f" else tf.constant(x), long_inputs(case, batch)
    )
    exact = keras.tree.map_structure(lambda x: tf.cast(x, "float64") if x.dtype.is_floating else x, inputs)
    rng = np.random.default_rng(1)
    low, high = cls(**kwargs, dtype=f"mixed_{half}"), cls(**kwargs, dtype="float64")
    for layer in (low, high):
        layer.build(keras.tree.map_structure(lambda x: tuple(x.shape), inputs))
    weights = [w.numpy() if "int" in w.dtype else rng.random(w.shape) / 4 for w in low.weights]
    for layer in (low, high):
        layer.set_weights([tf.cast(tf.cast(w, half), "float64").numpy() if w.dtype.kind == "f" else w for w in weights])
    with ops.no_islands():
        wanted = outputs_and_gradients(high, exact, "eager")
    for got, want in zip(outputs_and_gradients(low, inputs, mode), wanted, strict=True):
        assert np.isfinite(got).all()
        error = np.abs(got - want).mean() / max(np.abs(want).mean(), 1e-3)
        assert error <= TOLERANCES[half], (error, got.shape)


@pytest.mark.parametrize("name", SUMMING)
def test_long_sums(name):
    """Of the types and modes the one that shows most: only TensorFlow's own operations sum in 16 bits, in float16."""
    with ops.no_islands():
        check(name, "float16", "eager", batch=2)


@pytest.mark.large
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("half", TOLERANCES)
@pytest.mark.parametrize("name", CASES)
def test_long_sums_of_every_type_and_mode(name, half, mode):
    check(name, half, mode, batch=32)
