"""LiteRT files (ai.google.dev/edge/litert), formerly TensorFlow Lite, of LiteRT's own operations only."""

import re

from kzoo.checks import Refusal
from kzoo.export.export_format import ExportFormat, match_inputs, sort_outputs


class LiteRT(ExportFormat):
    """One file in float32 that runs without TensorFlow."""

    name, label, order, file = "litert", "LiteRT", 2, "model.tflite"
    runtime, packages = "ai_edge_litert", ("ai_edge_litert",)
    code = """import numpy as np
from ai_edge_litert.interpreter import Interpreter

model = Interpreter("{file}").get_signature_runner()
x = {x}
outputs = model(**{{next(iter(model.get_input_details())): x}})["output_0"]"""

    def write(self, model, path, **_):
        convert(model, path)

    def open(self, path):
        from ai_edge_litert.interpreter import Interpreter

        call = Interpreter(model_path=str(path)).get_signature_runner()
        details = {name: one["shape_signature"] for name, one in call.get_input_details().items()}
        shapes = {name: tuple(int(n) if n >= 0 else None for n in shape) for name, shape in details.items()}
        return shapes, lambda inputs, signature=None: sort_outputs(call(**match_inputs(shapes, inputs)))


def convert(model, path, operations=(), **settings):
    """Writes a LiteRT file; `settings` are those of `tf.lite.TFLiteConverter`.

    operations: sets of operations (`tf.lite.OpsSet`) that are preferred to the float32 ones.
    """
    import tensorflow as tf

    from kzoo.export.keras_export import keras_export

    settings["target_spec"] = {"supported_ops": [*operations, tf.lite.OpsSet.TFLITE_BUILTINS]}
    try:
        keras_export(model, path, "litert", **settings)
    except Exception as error:
        known = isinstance(error, ValueError | RuntimeError | tf.errors.OpError)
        if not known and type(error).__name__ != "ConverterError":  # which is not public
            raise
        reason = conversion_error(str(error))
        unknown = [tuple(tensor.shape) for tensor in model.inputs if None in tensor.shape[1:]]
        if unknown:  # then the converter blames operations that it has for fixed sizes
            shape, reason = unknown[0][1:], reason.rstrip(".")
            reason = f"it cannot be converted for inputs of unknown size {shape}; build it with a fixed one ({reason})."
        raise Refusal(f"export of {model.name}: {reason}") from error


def conversion_error(text):
    """Returns the converter's error, which fills pages, as one line.

    >>> conversion_error("error: 'tf.Roll' op is neither a custom op nor a flex op")
    "LiteRT has no operation for TensorFlow's Roll."
    """
    missing = re.findall(r"'tf\.(\w+)' op is neither", text)
    for listed in re.findall(r"(?:TF Select|Custom) ops: (.*)", text):
        missing += listed.split(", ")
    if missing:
        return f"LiteRT has no operation for TensorFlow's {', '.join(sorted(set(missing)))}."
    return f"LiteRT cannot represent it: {' '.join(text.split())[:300]}"


FORMAT = LiteRT()
