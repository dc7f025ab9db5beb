"""Compares layers and models with those of Keras, with copied weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import layers
from kzoo.models.weight_conversion import from_keras_applications
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


def capitals(rng, text):
    return "".join(letter.upper() if rng.random() < 0.5 else letter for letter in text)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_conv_in_capitals(compare, padding):
    """Words in capital letters, which both accept; kzoo's also with channels first, which Keras lacks on CPU."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        size, step, kind = (
            int(rng.integers(1, 4)),
            int(rng.integers(1, 4)),
            str(rng.choice(["strides", "dilation_rate"])),
        )
        length = (size - 1) * 3 + int(rng.integers(1, 9))
        kwargs = {"filters": 3, "kernel_size": size, kind: step}
        x, words = normal(rng, 2, length, 2), capitals(rng, padding)
        sides = layers.Conv1D(**kwargs, padding=words), keras.layers.Conv1D(**kwargs, padding=padding.upper())
        hold(compare, f"Conv1D, {padding} in capitals", *sides, x, (length, kwargs, words), CLOSE)
        first = layers.Conv1D(**kwargs, padding=words, data_format=capitals(rng, "channels_first"))
        first.build((2, 2, length))
        first.set_weights(sides[0].get_weights())
        got, want = first(np.moveaxis(x, -1, 1)), np.moveaxis(sides[1](x), -1, 1)
        compare(f"Conv1D, {padding} in capitals, channels first", got, want, CLOSE, setting=(length, kwargs))


@pytest.mark.parametrize("name", ["VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152"])
def test_applications(compare, name):
    """With random variables: the top of another number of classes, or poolings; the means of the RGB kernels.

    An image of equal channels has the same outputs through a kernel of other channels.
    """
    rng = np.random.default_rng(0)
    kinds = [
        {"classes": 5, "classifier_activation": None},
        {"include_top": False, "pooling": str(rng.choice(["avg", "max"]))},
        {"include_top": False},
    ]
    for more in kinds:
        # sizes at which some layers drop a row; VGG's top is as large as its last maps
        shape = (*(int(n) for n in rng.integers(33, 70, 2)), 3)
        theirs = getattr(keras.applications, name)(weights=None, input_shape=shape, **more)
        for weight in theirs.weights:
            if weight.name in ("gamma", "moving_variance"):
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
            else:
                scale = (2 / np.prod(weight.shape[:-1])) ** 0.5 if weight.name == "kernel" else 0.1
                weight.assign(scale * rng.normal(size=weight.shape))
        x = normal(rng, 2, *shape)
        compare(f"{name}, from_keras_applications", from_keras_applications(theirs)(x), theirs(x), CLOSE, setting=more)
        channels = int(rng.choice([1, 2, 4, 20]))
        ours = from_keras_applications(theirs, (*shape[:2], channels), average_channels=True)
        got, want = ours(x[..., :1].repeat(channels, -1)), theirs(x[..., :1].repeat(3, -1))
        compare(f"{name}, average_channels", got, want, CLOSE, setting=(more, channels))


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
