"""The signatures of SavedModels other than the default one: maps of stages, and images as files or pixels."""

import re

import keras
import numpy as np
import tensorflow as tf

from kzoo.data.source import resize_images
from kzoo.export.export_format import sort_outputs
from kzoo.export.image_decoding import decode_image
from kzoo.export.keras_export import output_names
from kzoo.export.verification_inputs import Batch, make_batch
from kzoo.models.graph import calls

STAGE = re.compile(r"stage\d+")
CHANNELS = (1, 3)  # of images that are decoded from files


def stage_names(model):
    """Returns the names of a model's stages, in the order of its layers.

    >>> from kzoo.models.registry import model
    >>> stage_names(model("nielsen_3"))
    ['stage1', 'stage2']
    """
    return [layer.name for layer in model.layers if STAGE.fullmatch(layer.name)]


def stage_model(model):
    """Returns the model whose outputs are the maps of the stages, {name: maps}."""
    # only the first output of a layer: the second one of pooling is argmax indices
    first = {call.operation.name: call.outputs[0] for call in calls(model)}
    return keras.Model(model.input, {name: first[name] for name in stage_names(model)}, name=f"{model.name}_features")


def stage_function(model):
    """Returns the function of the signature `features`: {name: maps in float32}."""
    stages = stage_model(model)

    def widen(y):
        return tf.cast(y, "float32") if y.dtype.is_floating and y.dtype.size < 4 else y

    return lambda x: {name: widen(y) for name, y in stages(x, training=False).items()}


def takes_images(model):
    """Returns whether a model's only input is a batch of images with one or three channels."""
    shape = model.inputs[0].shape
    return len(model.inputs) == 1 and len(shape) == 4 and shape[-1] in CHANNELS and "float" in model.inputs[0].dtype


def image_functions(serve, tensor, resize="stretch"):
    """Returns (name, function, input spec) of the signatures that resize images and call `serve`.

    Arguments: resize, as for `kzoo.data.source.resize_images`.
    `serve_pixels` takes pixels (B, H, W, C), `serve_image` the bytes of files (B,), read by `decode_image`.
    """
    batch_size, *size, channels = tensor.shape
    size = tuple(size) if None not in size else None  # images keep their common size if the model's is unknown

    def pixels(x):
        return serve(tf.cast(resize_images(x, size, resize), tensor.dtype))

    def decode(content):
        return resize_images(decode_image(content, channels), size, resize)

    def files(contents):
        spec = tf.TensorSpec((*(size or (None, None)), channels), "int32")
        return serve(tf.cast(tf.map_fn(decode, contents, fn_output_signature=spec), tensor.dtype))

    return [
        ("serve_pixels", pixels, tf.TensorSpec((batch_size, None, None, channels), "uint8", "pixels")),
        ("serve_image", files, tf.TensorSpec((batch_size,), "string", "image")),
    ]


def label_table(labels, file):
    """Returns a lookup table from class numbers to names, which makes TensorFlow copy `file` into the assets."""
    file.write_text("".join(" ".join(str(label).split()) + "\n" for label in labels))
    lines = tf.lookup.TextFileInitializer(
        str(file), tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE
    )
    return tf.lookup.StaticHashTable(lines, "")


def signature_batches(model, batch, images=None):
    """Returns verification inputs for `features`, `serve_pixels` and `serve_image`, as many as the model has."""
    inputs, batches = list(batch.inputs.values()), []
    if stage_names(model):
        stages = stage_model(model)
        maps = sort_outputs(dict(zip(output_names(stages), make_batch(stages, inputs).expected)))
        batches.append(Batch("features", batch.inputs, [np.asarray(y, "float32") for y in maps]))
    if takes_images(model) if images is None else images:
        pixels = np.random.default_rng(0).integers(0, 256, inputs[0].shape).astype("uint8")
        files = np.array([tf.io.encode_png(one).numpy() for one in pixels])
        expected = make_batch(model, [pixels.astype(inputs[0].dtype)]).expected
        batches.append(Batch("serve_pixels", {"pixels": pixels}, expected))
        batches.append(Batch("serve_image", {"image": files}, expected))
    return batches
