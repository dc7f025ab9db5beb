"""Checks before an export is written: packages, memory, and whether the model can be exported at all."""

import importlib.util
import resource
from pathlib import Path

import keras

from kzoo.checks import Refusal, require


def check_exportable(model, format):
    """Raises Refusal if a model cannot be exported to a format (an `ExportFormat`), naming what is missing."""
    backend = keras.backend.backend()
    require(backend == "tensorflow", "export", "Keras on its TensorFlow backend", backend=backend)
    graph = getattr(model, "inputs", None) and getattr(model, "outputs", None)
    require(graph, "export", "a functional or sequential model with its inputs known", model=type(model).__name__)
    missing = [name for name in format.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise Refusal(f"export to {format.name} needs {', '.join(missing)}: pip install 'kzoo[export]'.")
    for layer in model.layers:
        from_keras = type(layer).__module__.startswith("keras.")
        if from_keras and type(layer).__name__.startswith("Adaptive") and None in layer.input.shape[1:]:
            raise Refusal(
                f"export of {model.name}: Keras's {type(layer).__name__} ({layer.name}) needs an input of known size; "
                "kzoo.layers has one of that name for any size."
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


def available_memory():
    """Returns the bytes of memory that are left to this process by the machine, its control group and its limit."""
    free = [_proc_bytes(Path("/proc/meminfo"), "MemAvailable:")]
    group = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if all(file.is_file() for file in group):
        limit, used = (file.read_text().strip() for file in group)
        free.append(float("inf") if limit == "max" else int(limit) - int(used))
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit != resource.RLIM_INFINITY:
        free.append(limit - _proc_bytes(Path("/proc/self/status"), "VmData:"))
    return min(free)


def _proc_bytes(file, name):
    """Returns a number of a file in /proc in bytes; infinity if there is none."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), float("inf"))
