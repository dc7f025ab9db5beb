"""LiteRT files (ai.google.dev/edge/litert), formerly TensorFlow Lite, of LiteRT's own operations only."""

import re
from pathlib import Path

from kzoo.checks import Refusal
from kzoo.export.export_format import ExportFormat, match_inputs, sort_outputs

LARGEST = 2**31  # bytes of a file that TensorFlow's Python can write


class LiteRT(ExportFormat):
    """One file in float32 that runs without TensorFlow."""

    name, label, order, file = "litert", "LiteRT", 2, "model.tflite"
    runtime, packages = "ai_edge_litert", ("ai_edge_litert",)
    oldest_keras = "3.13"
    code = """import numpy as np
from ai_edge_litert.interpreter import Interpreter

model = Interpreter("{file}").get_signature_runner()
x = {x}
outputs = model(**{{{input}: x}})[{output}]"""

    def write(self, model, path, **_):
        convert(model, path)

    def open(self, path):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path))
        call = interpreter.get_signature_runner()
        inside, outside = call.get_input_details(), call.get_output_details()
        shapes = {
            name: tuple(int(n) if n >= 0 else None for n in one["shape_signature"]) for name, one in inside.items()
        }

        order = output_order(interpreter.get_output_details(), outside)

        def run(inputs, signature=None):
            given = {name: quantize(x, inside[name]) for name, x in match_inputs(shapes, inputs).items()}
            return sort_outputs({name: dequantize(y, outside[name]) for name, y in call(**given).items()}, order)

        return shapes, run


def output_order(tensors, details):
    """Returns the names of the outputs in the order of a file's output tensors, or () unless these have such names.

    Files that `name_tensors` did not write have names of TensorFlow, in any order. Arguments: tensors, LiteRT's details
    of the output tensors; details, those of the signature's outputs by name.
    """
    names: dict[int, list[str]] = {}
    for name, detail in details.items():
        names.setdefault(detail["index"], []).append(name)
    if any(tensor["name"] not in names.get(tensor["index"], ()) for tensor in tensors):
        return ()
    return [names[tensor["index"]].pop() for tensor in tensors]  # outputs of one tensor are the same


def name_tensors(path, model):
    """Gives the outputs in a LiteRT file the model's names and order, and its tensors the names of the signature.

    The converter calls outputs "output_0" and tensors "StatefulPartitionedCall_1:0", and puts them in any order.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    from kzoo.export.keras_export import output_names

    if path.stat().st_size >= LARGEST:
        return
    names = output_names(model)
    keys = names if isinstance(model.output, dict) else [f"output_{index}" for index in range(len(names))]
    written = flatbuffer_utils.read_model(str(path))
    graph, signature = written.subgraphs[0], written.signatureDefs[0]
    found = {output.name.decode(): output for output in signature.outputs}
    if set(found) != set(keys):
        return  # another converter's names; they stay
    outputs = [found[key] for key in keys]
    for output, name in zip(outputs, names, strict=True):
        output.name = name.encode()
    graph.outputs = [output.tensorIndex for output in outputs]
    for one in (*outputs, *signature.inputs):  # an input that is an output keeps the input's name
        graph.tensors[one.tensorIndex].name = one.name
    flatbuffer_utils.write_model(written, str(path))


def quantize(x, detail):
    """Returns an array as the integers that an input tensor takes, or as it is if the tensor is not quantized.

    detail: what LiteRT says about the tensor. Raises ValueError for NaN, which has no integer.

    >>> import numpy as np
    >>> detail = {"dtype": np.int8, "quantization": (0.5, 10)}
    >>> quantize(np.array([-1.0, 0.0, 100.0]), detail).tolist()
    [8, 10, 127]
    """
    import numpy as np

    scale, zero_point = detail["quantization"]
    if not is_quantized(detail):
        return x
    if np.isnan(x).any():
        raise ValueError("its inputs are integers, and NaN is none")
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.round(np.asarray(x) / scale) + zero_point, limits.min, limits.max).astype(detail["dtype"])


def dequantize(y, detail):
    """Returns the numbers that the integers of an output tensor mean, or `y` if the tensor is not quantized."""
    scale, zero_point = detail["quantization"]
    return scale * (y.astype("float32") - zero_point) if is_quantized(detail) else y


def is_quantized(detail):
    """Returns whether a tensor holds integers that mean scale * (integer - zero point)."""
    import numpy as np

    return np.dtype(detail["dtype"]).kind in "iu" and detail["quantization"][0] > 0


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
            shape, sides = unknown[0][1:], ("L", "H,W", "D,H,W")[min(unknown[0][1:].count(None), 3) - 1]
            reason = (
                f"it cannot be converted for inputs of unknown size {shape}; give a fixed one by --size {sides}, by "
                f"size=({sides}) in Python or by export.size in a config ({reason.rstrip('.')})."
            )
        raise Refusal(f"export of {model.name}: {reason}") from error
    name_tensors(Path(path), model)


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
