"""TensorFlow SavedModels with named signatures: batches, stages' maps, and images as files or pixels.

Source: none.
"""

import re
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from kzoo.data.source import tidy
from kzoo.export.graph_check import check_plain
from kzoo.ops.xla import no_islands

STAGE = re.compile(r"stage\d+")
CHANNELS = (1, 3)  # of images that come as files


def write_saved_model(net, path, labels=None, images=None):
    """Write `net` to the folder `path`.

    Signatures: `serve`, which is `serving_default` too, as the net itself, batches of any number to its outputs;
    `features`, the maps of its layers stage1, stage2 ... by name, in float32; and if `images` (None: if it takes
    images of one or three channels), `serve_pixels`, uint8 arrays (B, H, W, C), and `serve_image`, texts (B,), each
    the bytes of a PNG, JPEG, GIF or BMP file: images of any size, resized as training data is.
    `labels`, names of the classes, become the asset `assets/labels.txt`.
    Errors: Refusal if the graph holds what only XLA can run.
    """
    archive = keras.export.ExportArchive()  # finds the variables by itself; those of `track(net)` it writes twice
    specs = keras.tree.map_structure(spec_of, net.input)
    with no_islands(), tempfile.TemporaryDirectory() as folder:
        serve = archive.add_endpoint("serve", lambda x: net(x, training=False), [specs])
        endpoints = [serve]
        if stages(net):
            maps = stage_maps(net)
            wide = lambda x: {name: _wide(y) for name, y in maps(x, training=False).items()}  # noqa: E731
            endpoints.append(archive.add_endpoint("features", wide, [specs]))
        if takes_images(net) if images is None else images:
            pixels, files = image_functions(serve, net.inputs[0])
            shape = (None, None, None, net.inputs[0].shape[-1])
            endpoints.append(archive.add_endpoint("serve_pixels", pixels, [tf.TensorSpec(shape, "uint8", "pixels")]))
            endpoints.append(archive.add_endpoint("serve_image", files, [tf.TensorSpec((None,), "string", "image")]))
        for endpoint in endpoints:
            check_plain(endpoint.get_concrete_function().graph.as_graph_def(), f"export of {net.name}")
        if labels:
            archive.track(_table(labels, Path(folder, "labels.txt")))
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # nobody trains it
        archive.write_out(str(path), options, verbose=False)


def spec_of(tensor):
    """What an input may be: any number of examples."""
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, tensor.name)


def stages(net):
    """Names of a net's stages, in order of the layers.

    >>> from kzoo.models.registry import model
    >>> stages(model("nielsen_3"))
    ['stage1', 'stage2']
    """
    return [layer.name for layer in net.layers if STAGE.fullmatch(layer.name)]


def stage_maps(net):
    """The model of a net's stages, {name: maps}."""
    first = {name: keras.tree.flatten(net.get_layer(name).output)[0] for name in stages(net)}  # values, not places
    return keras.Model(net.input, first, name=f"{net.name}_features")


def takes_images(net):
    """Whether a net's one input is images of one or three channels."""
    shape = net.inputs[0].shape
    return len(net.inputs) == 1 and len(shape) == 4 and shape[-1] in CHANNELS and "float" in net.inputs[0].dtype


def image_functions(serve, tensor):
    """Two functions that make of pixels (B, H, W, C), and of files' bytes (B,), what `serve` takes, and call it."""
    *size, channels = tensor.shape[1:]
    size = tuple(size) if None not in size else None  # else images stay as large as they are, all the same

    def fitted(x):
        return tidy(x, tf.zeros((), "int32"), size)[0]

    def pixels(x):
        return serve(tf.cast(fitted(x), tensor.dtype))

    def decoded(content):
        image = tf.io.decode_image(content, channels, expand_animations=False)
        return fitted(tf.ensure_shape(image, (None, None, channels)))

    def files(contents):
        one = tf.TensorSpec((*(size or (None, None)), channels), "uint8")
        return serve(tf.cast(tf.map_fn(decoded, contents, fn_output_signature=one), tensor.dtype))

    return pixels, files


def _wide(y):
    return tf.cast(y, "float32") if y.dtype.is_floating and y.dtype.size < 4 else y


def _table(labels, file):
    """A table from numbers to names: what makes TensorFlow carry the file along."""
    file.write_text("".join(" ".join(str(label).split()) + "\n" for label in labels))
    lines = tf.lookup.TextFileInitializer(
        str(file), tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE
    )
    return tf.lookup.StaticHashTable(lines, "")
