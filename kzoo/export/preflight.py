"""Checks before an export is written: packages, memory, and whether the model can be exported at all."""

import importlib.util

import keras
from packaging.version import Version

from kzoo.checks import Refusal, require
from kzoo.memory import available_memory
from kzoo.models.graph import calls


def check_exportable(model, format):
    """Raises Refusal if a model cannot be exported to a format (an `ExportFormat`), naming what is missing."""
    backend = keras.backend.backend()
    require(backend == "tensorflow", "export", "Keras on its TensorFlow backend", backend=backend)
    graph = getattr(model, "inputs", None) and getattr(model, "outputs", None)
    require(graph, "export", "a functional or sequential model with its inputs known", model=type(model).__name__)
    texts = [tensor.name for tensor in model.inputs if tensor.dtype == "string"]
    require(not texts, "export", "a model whose inputs are numbers", texts=texts)
    if Version(keras.__version__) < Version(format.oldest_keras):
        raise Refusal(
            f"export to {format.name} needs Keras {format.oldest_keras} or newer; this is {keras.__version__}."
        )
    missing = [name for name in format.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise Refusal(f"export to {format.name} needs {', '.join(missing)}: pip install 'kzoo[export]'.")
    for call in calls(model):
        layer = call.operation
        from_keras = type(layer).__module__.startswith("keras.")
        if from_keras and type(layer).__name__.startswith("Adaptive") and None in call.input_shapes[0][1:]:
            raise Refusal(
                f"export of {model.name}: Keras's {type(layer).__name__} ({layer.name}) needs an input of known size; "
                "--size (size in Python) fixes it, and kzoo.layers has one of that name for any size."
            )
    needed, free = required_memory(model, format), available_memory()
    if needed > free:
        raise Refusal(
            f"export of {model.name} to {format.name} needs about {needed / 2**30:.1f} GiB of memory for its "
            f"{model.count_params():,} parameters, and {free / 2**30:.1f} GiB are free."
        )


def required_memory(model, format):
    """Returns about how many bytes of memory writing and verifying take, in addition to the model itself."""
    fixed, each = format.memory
    return fixed + each * model.count_params()
