"""LiteRT files, once called TensorFlow Lite, of its own operations alone: no runtime needs TensorFlow beside it.

Source: none; the format is that of ai.google.dev/edge/litert.
"""

import re

import keras
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.export.saved_model import spec_of
from kzoo.ops.xla import no_islands
from kzoo.terminal import quiet


def write_litert(net, path, operations=(), **settings):
    """Write a float32 net to the file `path`; `settings` are those of `tf.lite.TFLiteConverter`.

    operations: sets of operations to prefer to LiteRT's own in float32.

    Errors: Refusal if the net has operations that LiteRT has not.
    """
    specs = keras.tree.map_structure(spec_of, net.input)
    settings["target_spec"] = {"supported_ops": [*operations, tf.lite.OpsSet.TFLITE_BUILTINS]}
    try:
        with no_islands(), quiet():
            net.export(str(path), format="litert", input_signature=[specs], verbose=False, **settings)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise Refusal(f"export of {net.name}: {reason(str(error))}") from error
    except Exception as error:  # the converter's own class is not public
        if type(error).__name__ != "ConverterError":
            raise
        raise Refusal(f"export of {net.name}: {reason(str(error))}") from error


def reason(text):
    """The converter's pages in one line.

    >>> reason("error: 'tf.Roll' op is neither a custom op nor a flex op")
    "LiteRT has no operation for TensorFlow's Roll."
    """
    missing = re.findall(r"'tf\.(\w+)' op is neither", text)
    for listed in re.findall(r"(?:TF Select|Custom) ops: (.*)", text):
        missing += listed.split(", ")
    if missing:
        return f"LiteRT has no operation for TensorFlow's {', '.join(sorted(set(missing)))}."
    return f"LiteRT cannot have it: {' '.join(text.split())[:300]}"
