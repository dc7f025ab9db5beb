"""Keras's random layers as pure functions of (seed, batch number), so that a resumed run sees the same images.

Source: none.
"""

import contextlib
import inspect
import itertools
import random

import keras
import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require

PURE = {"ReadVariableOp", "Assert"}  # stateful in TensorFlow's books, yet without effect on the next batch


def stateless(layers, seed, images):
    """A function (batch number, images) -> augmented images: the same arguments, the same result, in any order.

    Shapes: `images` is the tf.TensorSpec (B, ...) of a batch, the batch number an int64 scalar. With maps of labels to
    be moved with the images, `images` and what the function takes and returns are a dict, as Keras has them: {images,
    segmentation_masks}, the latter (B, H, W, 1).
    Errors: Refusal if a layer does not take such images, mixes their labels, or draws randomness no seed reaches; with
    maps, if it knows none, or enlarges them.

    >>> noise = stateless([keras.layers.GaussianNoise(0.1)], 0, tf.TensorSpec((2, 3)))
    >>> x = tf.zeros((2, 3))
    >>> bool(tf.reduce_all(noise(7, x) == noise(7, x))), bool(tf.reduce_all(noise(7, x) == noise(8, x)))
    (True, False)
    """
    functions = []
    for index, layer in enumerate(layers):
        require(isinstance(layer, keras.layers.Layer), "augment", "Keras layers, already built", layer=layer)
        mixes = isinstance(layer, (keras.layers.MixUp, keras.layers.CutMix))
        require(not mixes, "augment", "layers that leave the labels true", layer=type(layer).__name__)
        if isinstance(images, dict):
            _check_moves(layer)
        functions.append(_trace(layer, [seed, index], images))
        before, images = images, functions[-1].structured_outputs
        if isinstance(images, dict):
            _check_maps(type(layer).__name__, *(part["segmentation_masks"] for part in (before, images)))

    def augment(number, x):
        for function in functions:
            x = function(tf.cast(number, tf.int64), x)
        return x

    return augment


def _check_moves(layer):
    """Refuse layers that know no maps of labels, or would fill them with the first class."""
    who, name = "augment", type(layer).__name__
    expected = "layers that move a map of labels with its image, as keras.layers.RandomFlip"
    require(hasattr(layer, "transform_segmentation_masks"), who, expected, layer=name)
    mode = getattr(layer, "fill_mode", None)
    require(mode != "constant", who, f"{name} to fill a map of labels with its own, as reflect does", fill_mode=mode)


def _check_maps(name, before, after):
    """Refuse larger maps of labels: Keras makes them by interpolation, of labels too."""
    sizes = {"before": tuple(before.shape[1:3]), "after": tuple(after.shape[1:3])}
    fits = all(None in (a, b) or a >= b for a, b in zip(*sizes.values()))
    require(fits, "augment", f"{name} to leave a map of labels its size, or less", **sizes)


def _trace(layer, seed, images):
    """The graph of one layer, refused if anything in it outlives the call."""

    def call(number, x):
        training = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
        key = tf.random.experimental.stateless_fold_in(tf.constant(seed, tf.int64), number)
        with _seeded(_generators(layer), key):
            return layer(x, **training)

    name = type(layer).__name__
    before = _python_state()
    try:
        number = tf.TensorSpec((), tf.int64)
        traced = tf.function(call, autograph=False).get_concrete_function(number, images)
    except Exception as error:
        # Keras puts the layer's own words in bold behind a line that names the call.
        own = str(error).partition("\x1b[1m")[2].partition("\x1b[0m")[0] or str(error)
        spec = images["images"] if isinstance(images, dict) else images
        takes = f"augment expects layers that take batches of {spec.dtype.name} {tuple(spec.shape)}"
        raise Refusal(f"{takes}; received {name}, which says: {own.strip().splitlines()[0]}") from error
    impure = sorted({op.type for op in traced.graph.get_operations() if op.op_def.is_stateful} - PURE)
    own = "layers that draw from a keras.random.SeedGenerator of their own, so that a run can be resumed"
    require(not impure, "augment", own, layer=name, operations=impure)
    require(_python_state() == before, "augment", own, layer=name, draws_from="Python's or NumPy's generator, once")
    return traced


def _python_state():
    """The global generators: a layer that draws from them while traced (AugMix) repeats that draw for ever."""
    return random.getstate(), *map(str, np.random.get_state(legacy=False)["state"].values())


@contextlib.contextmanager
def _seeded(generators, key):
    """While tracing, each draw takes the next number under `key` in place of the generator's running state."""
    draws = itertools.count()
    for generator in generators:
        generator.next = lambda ordered=True: tf.random.experimental.stateless_fold_in(key, next(draws))
    try:
        yield
    finally:
        for generator in generators:
            del generator.next


def _generators(part):
    """Every SeedGenerator of a layer and of the layers inside it, each once."""
    found, seen, queue = [], set(), [part]
    while queue:
        part = queue.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, keras.random.SeedGenerator):
            found.append(part)
        elif isinstance(part, keras.layers.Layer):
            queue.extend(vars(part).values())
        elif isinstance(part, (list, tuple)):
            queue.extend(part)
    return found
