"""Exported models, opened by the runtime of their format and nothing else.

Run by itself, this file answers in a process where neither kzoo nor Keras nor another runtime can be imported:

    python -P runtimes.py FORMAT PATH INPUTS.npz OUTPUTS.npz

INPUTS holds arrays named CASE/SIGNATURE/INPUT, OUTPUTS gets CASE/PLACE. `-P`, as files beside this one are called like
packages. Nothing of kzoo is imported here.

Source: none.
"""

import sys
from pathlib import Path

import numpy as np

# never imported, but for the runtime asked for
STRANGERS = ("kzoo", "keras", "tf_keras", "tensorflow", "jax", "torch", "onnx", "tf2onnx", "onnxruntime", "openvino")
STRANGERS += ("ai_edge_litert",)


def saved_model(path):
    """Shapes of the inputs by name (None: any size), and the function of {name: array} that gives the outputs."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # kept by `run`: its functions do not keep its variables
    wanted = _wanted(loaded.signatures["serving_default"])

    def run(inputs, signature="serving_default"):
        call = loaded.signatures[signature]
        return ordered(call(**{name: tf.constant(x) for name, x in match(_wanted(call), inputs).items()}))

    return {name: tuple(spec.shape) for name, spec in wanted.items()}, run


def onnx(path):
    """As `saved_model`, by ONNX Runtime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shapes = {one.name: tuple(n if isinstance(n, int) else None for n in one.shape) for one in session.get_inputs()}
    return shapes, lambda inputs, signature=None: session.run(None, match(shapes, inputs))


def litert(path):
    """As `saved_model`, by LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    call = Interpreter(model_path=str(path)).get_signature_runner()
    details = call.get_input_details()
    shapes = {name: tuple(int(n) if n >= 0 else None for n in one["shape_signature"]) for name, one in details.items()}
    return shapes, lambda inputs, signature=None: ordered(call(**match(shapes, inputs)))


def openvino(path):
    """As `saved_model`, by OpenVINO on the CPU, in float32: left to itself it may take bfloat16."""
    sys.modules.setdefault("openvino_telemetry", None)  # it would report to its maker, unasked
    import openvino

    file = Path(path, "model.xml") if Path(path).is_dir() else Path(path)
    compiled = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    shapes = {
        port.get_any_name(): tuple(None if n.is_dynamic else n.get_length() for n in port.partial_shape)
        for port in compiled.inputs
    }

    def run(inputs, signature=None):
        answers = compiled(match(shapes, inputs))
        return [answers[port] for port in compiled.outputs]

    return shapes, run


OPENERS = {
    "saved_model": (saved_model, "tensorflow"),
    "onnx": (onnx, "onnxruntime"),
    "litert": (litert, "ai_edge_litert"),
    "litert_int8": (litert, "ai_edge_litert"),
    "openvino": (openvino, "openvino"),
}


def match(wanted, inputs):
    """The inputs as the runtime calls them: by name, or in their order where it has names of its own.

    >>> match(["args_0"], {"input": 5})
    {'args_0': 5}
    """
    by_name = set(wanted) == set(inputs)
    return {name: inputs[name] for name in wanted} if by_name else dict(zip(wanted, inputs.values(), strict=True))


def ordered(answers):
    """Outputs by their names, in the order that these count in.

    >>> [int(y) for y in ordered({"output_10": 3, "output_9": 2, "a": 1})]
    [1, 2, 3]
    """
    found = [np.asarray(answers[name]) for name in sorted(answers, key=lambda name: (len(name), name))]
    return [y.astype("float32") if y.dtype.name == "bfloat16" else y for y in found]  # files of NumPy have no such type


def _wanted(call):
    return call.structured_input_signature[1]


def main(format, path, inputs, outputs):
    """Write what the model at `path` answers to the arrays in file `inputs` into file `outputs`."""
    opener, runtime = OPENERS[format]
    for name in STRANGERS:
        if name != runtime:
            sys.modules[name] = None  # importing it raises from here on
    _, run = opener(path)
    cases = {}
    with np.load(inputs) as given:
        for key in given.files:
            case, signature, name = key.split("/", 2)
            cases.setdefault((case, signature), {})[name] = given[key]
    answers = {}
    for (case, signature), fed in cases.items():
        for place, answer in enumerate(run(fed, signature)):
            answers[f"{case}/{place}"] = answer
    np.savez(outputs, **answers)
    found = [name for name in STRANGERS if sys.modules.get(name) is not None]
    if found != [runtime]:
        sys.exit(f"{', '.join(found) or 'nothing'} was imported, not {runtime} alone")


if __name__ == "__main__":
    main(*sys.argv[1:])
