"""Compares layers with the corresponding layers of Keras, with copied weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import layers
from tests.ops.cases import MOST, RANKS, normal

pytestmark = pytest.mark.peers
PEER = "Keras"

CLOSE = 1e-5  # float32 sums in another order


def hold(compare, op, ours, theirs, x, setting, tolerance=0.0):
    """Compares the outputs, and the gradients of the output times fixed integers for the input and the weights."""
    shape = ours.compute_output_shape(x.shape)
    weights = tf.constant(np.random.default_rng(0).integers(-4, 5, shape).astype("float32"))
    sides, x = [], tf.constant(x)
    theirs.build(x.shape)
    ours.build(x.shape)
    ours.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in ours.weights])
    theirs.set_weights(ours.get_weights())
    for layer in (ours, theirs):
        watched = [x, *(w.value for w in layer.trainable_weights)]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            y = layer(x)
        sides.append((y, tape.gradient(y, watched, weights)))
    (y, grads), (wanted, slopes) = sides
    compare(op, y, wanted, tolerance, setting=setting)
    compare(op, grads, slopes, tolerance, "gradient", setting)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("name", ["Average", "Max"])
def test_adaptive_pooling(compare, name, rank):
    """With two bins or more, but not more than elements: otherwise Keras 3.15 pools with windows larger than the input,
    and TensorFlow's kernel then divides by zero, which ends the process.
    """
    rng = np.random.default_rng(rank)
    for _ in range(60):
        spatial = tuple(int(n) for n in rng.integers(2, MOST[rank] + 1, rank))
        bins = tuple(int(rng.integers(2, n + 1)) for n in spatial)
        sides = [getattr(kind, f"Adaptive{name}Pooling{rank}D")(bins) for kind in (layers, keras.layers)]
        x = normal(rng, 2, *spatial, 2)
        hold(compare, f"Adaptive{name}Pooling{rank}D", *sides, x, (spatial, bins), CLOSE if name == "Average" else 0)


@pytest.mark.parametrize("rank", RANKS)
def test_conv(compare, rank):
    """Strides or dilation, as Keras rejects both at once; without groups, whose gradient TensorFlow lacks on CPU."""
    rng = np.random.default_rng(rank)
    for _ in range(60):
        size = tuple(int(k) for k in rng.integers(1, 4, rank))
        step, kind = int(rng.integers(1, 4)), str(rng.choice(["strides", "dilation_rate"]))
        spatial = tuple((k - 1) * 3 + int(n) for k, n in zip(size, rng.integers(1, MOST[rank], rank)))
        kwargs = {"filters": 3, "kernel_size": size, kind: step, "padding": str(rng.choice(["valid", "same"]))}
        sides = [getattr(home, f"Conv{rank}D")(**kwargs) for home in (layers, keras.layers)]
        hold(compare, f"Conv{rank}D", *sides, normal(rng, 2, *spatial, 2), (spatial, kwargs), CLOSE)


@pytest.mark.parametrize("rank", RANKS)
def test_max_pooling(compare, rank):
    rng = np.random.default_rng(rank)
    for _ in range(60):
        size = tuple(int(k) for k in rng.integers(1, 4, rank))
        spatial = tuple(k - 1 + int(n) for k, n in zip(size, rng.integers(1, MOST[rank], rank)))
        strides = None if rng.random() < 0.3 else tuple(int(s) for s in rng.integers(1, 4, rank))
        args = size, strides, str(rng.choice(["valid", "same"]))
        x = normal(rng, 2, *spatial, 2)
        got, _ = getattr(layers, f"MaxPoolingWithArgmax{rank}D")(*args)(x)
        compare(
            f"MaxPoolingWithArgmax{rank}D", got, getattr(keras.layers, f"MaxPooling{rank}D")(*args)(x), setting=args
        )
