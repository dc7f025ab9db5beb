"""Keras's random layers as pure functions of (seed, batch number), so that a resumed run sees the same images."""

import contextlib
import inspect
import itertools
import random

import keras
import numpy as np
import tensorflow as tf

from kzoo.augmentation.base_mixing import BaseMixing
from kzoo.checks import Refusal, require
from kzoo.keras_names import existing

WHO = "augment"
LABELS = (tf.int32, tf.int64)  # dtypes of class numbers
PURE = {"ReadVariableOp", "Assert"}  # TensorFlow marks these as stateful, but they do not affect the next batch


def seeded_augmentation(layers, seed, specs, encode=None):
    """Returns a function (batch number, (x, y)) -> (x, y): the same arguments give the same result, in any order.

    Layers change x only, unless y is a label map or an image, which they then move with its image, or a layer mixes
    examples: then y becomes class probabilities (B, classes). A batch (x, y, weight) keeps its weight, which is mixed
    likewise.
    Shapes: `specs` are the tf.TensorSpecs of a batch: x (B, ...), y (B,), label maps (B, H, W) or (B, H, W, 1), numbers
    (B, k) or images (B, H, W, C) of another dtype than labels, or a dict of labels and numbers.
    Arguments: encode, a function from labels (B,) to class probabilities (B, classes), for layers that mix examples.
    Raises Refusal if a layer does not accept such images, changes labels, or draws from an unseeded generator; and with
    label maps, if it cannot move them or enlarges them.

    >>> specs = tf.TensorSpec((2, 3)), tf.TensorSpec((2,), "int32")
    >>> noise = seeded_augmentation([keras.layers.GaussianNoise(0.1)], 0, specs)
    >>> batch = tf.zeros((2, 3)), tf.zeros((2,), "int32")
    >>> [bool(tf.reduce_all(noise(7, batch)[0] == noise(number, batch)[0])) for number in (7, 8)]
    [True, False]
    """
    x_spec, y_spec, *weight_spec = specs
    maps, mixing = _has_maps(y_spec), any(isinstance(layer, BaseMixing) for layer in layers)
    known = {"images": x_spec}
    if maps:
        _check_label_maps(x_spec.shape, y_spec)
        masks = (*y_spec.shape[:3], y_spec.shape[3] if len(y_spec.shape) == 4 else 1)
        known["segmentation_masks"] = tf.TensorSpec(masks, tf.float32)
    elif mixing:
        fits = encode is not None and not isinstance(y_spec, dict) and y_spec.dtype.is_integer
        received = "several" if isinstance(y_spec, dict) else y_spec.dtype.name
        require(fits, WHO, "labels that are classes, where a layer mixes them", labels=received)
        known["labels"] = tf.function(encode).get_concrete_function(y_spec).structured_outputs
    if mixing and weight_spec:
        known["sample_weights"] = weight_spec[0]
    functions = []
    for index, layer in enumerate(layers):
        _check_layer(layer, maps)
        names = [*known] if isinstance(layer, BaseMixing) else ["images", "segmentation_masks"][: 1 + maps]
        inputs = {name: known[name] for name in names} if len(names) > 1 else x_spec
        functions.append((_trace(layer, [seed, index], inputs), names))
        outputs = functions[-1][0].structured_outputs
        outputs = outputs if isinstance(outputs, dict) else {"images": outputs}
        if maps:
            _check_not_enlarged(layer, known["segmentation_masks"].shape, outputs["segmentation_masks"].shape)
        known |= outputs
        x_spec = known["images"]

    def augment(number, batch):
        x, y, *weight = batch
        parts = {"images": x}
        if maps:
            parts["segmentation_masks"] = tf.cast(y if len(y.shape) == 4 else y[..., None], tf.float32)
        elif mixing:
            parts["labels"] = encode(y)
        if "sample_weights" in known:
            parts["sample_weights"] = weight[0]
        for function, names in functions:
            inputs = {name: parts[name] for name in names} if len(names) > 1 else parts["images"]
            outputs = function(tf.cast(number, tf.int64), inputs)
            parts |= outputs if isinstance(outputs, dict) else {"images": outputs}
        if maps:
            masks = parts["segmentation_masks"]
            masks = tf.cast(masks if y_spec.dtype.is_floating else tf.round(masks), y_spec.dtype)
            y = masks if len(y.shape) == 4 else masks[..., 0]
        elif mixing:
            y = parts["labels"]
        return parts["images"], y, *([parts["sample_weights"]] if "sample_weights" in parts else weight)

    return augment


def _has_maps(y_spec):
    """Returns whether targets have a place in the image. Raises Refusal if one of several does."""
    parts = tf.nest.flatten(y_spec)
    maps = [len(part.shape) > (1 if part.dtype in LABELS else 2) for part in parts]
    require(len(parts) == 1 or not any(maps), WHO, "one target where it is a map or an image", targets=len(parts))
    return any(maps)


def _check_label_maps(x_shape, y_spec):
    image, label = tuple(x_shape[1:3]), tuple(y_spec.shape[1:])
    channels = ((), (1,)) if y_spec.dtype in LABELS else (label[2:],)
    fits = label[:2] == image and len(label) < 4 and label[2:] in channels
    expected = "one label per image, or a label map of the image's size"
    require(fits, WHO, expected, label_shape=label, image=image)


def _check_layer(layer, maps):
    require(isinstance(layer, keras.layers.Layer), WHO, "Keras layers, already built", layer=layer)
    name = type(layer).__name__
    mixes = isinstance(layer, existing(keras.layers, "MixUp", "CutMix"))
    require(not mixes, WHO, f"kzoo>{name}, not Keras's, which takes labels that are one-hot", layer=name)
    if maps:
        expected = "layers that move a label map with its image, as keras.layers.RandomFlip does"
        moves = getattr(layer, "mixes_label_maps", hasattr(layer, "transform_segmentation_masks"))
        require(moves, WHO, expected, layer=name)
        mode = getattr(layer, "fill_mode", None)  # "constant" would fill label maps with class 0
        require(mode != "constant", WHO, f"{name} to fill label maps with labels, e.g. reflect", fill_mode=mode)


def _check_not_enlarged(layer, before, after):
    """Raises Refusal if a layer enlarges label maps, because Keras would then interpolate between labels."""
    sizes = {"before": tuple(before[1:3]), "after": tuple(after[1:3])}
    fits = all(None in (a, b) or a >= b for a, b in zip(*sizes.values()))
    require(fits, WHO, f"{type(layer).__name__} not to enlarge label maps", **sizes)


def _trace(layer, seed, inputs):
    """Returns the traced graph of one layer; raises Refusal if it has an effect that outlives the call."""

    def call(number, x):
        training = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
        key = tf.random.experimental.stateless_fold_in(tf.constant(seed, tf.int64), number)
        with _seeded(_generators(layer), key):
            return layer(x, **training)

    name = type(layer).__name__
    before = _global_generators()
    try:
        number = tf.TensorSpec((), tf.int64)
        traced = tf.function(call, autograph=False).get_concrete_function(number, inputs)
    except Exception as error:
        # Keras prints the layer's message in bold, after a line that names the call.
        message = str(error).partition("\x1b[1m")[2].partition("\x1b[0m")[0] or str(error)
        spec = inputs["images"] if isinstance(inputs, dict) else inputs
        expected = f"{WHO} expects layers that accept batches of {spec.dtype.name} {tuple(spec.shape)}"
        raise Refusal(f"{expected}; received {name}, which raises: {message.strip().splitlines()[0]}") from error
    stateful = sorted({op.type for op in traced.graph.get_operations() if op.op_def.is_stateful} - PURE)
    expected = "layers that draw from their own keras.random.SeedGenerator, so that a run can be resumed"
    require(not stateful, WHO, expected, layer=name, operations=stateful)
    unchanged = _global_generators() == before
    require(unchanged, WHO, expected, layer=name, draws_from="Python's or NumPy's global generator")
    return traced


def _global_generators():
    """Returns the states of the global generators.

    A layer that draws from them while it is traced, as AugMix does, would repeat that one draw in every batch.
    """
    return random.getstate(), *map(str, np.random.get_state(legacy=False)["state"].values())


@contextlib.contextmanager
def _seeded(generators, key):
    """Context manager: while tracing, each draw folds its number into `key`; generators keep their states."""
    draws = itertools.count()
    for generator in generators:
        generator.next = lambda ordered=True: tf.random.experimental.stateless_fold_in(key, next(draws))
    try:
        yield
    finally:
        for generator in generators:
            del generator.next


def _generators(layer):
    """Returns every SeedGenerator of a layer and of its sublayers, each once."""
    found, seen, queue = [], set(), [layer]
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
