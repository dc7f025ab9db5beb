"""What can be said before a model is written: that a package is missing, that memory will not do, what is no model.

Source: none; what formats need was measured.
"""

import importlib.util
import resource
from pathlib import Path

import keras

from kzoo.checks import Refusal, require
from kzoo.export.formats import find_format

# peak memory of writing and checking: bytes, and bytes more for each parameter, of ResNet-18 and -50
NEED = {
    "saved_model": (6e8, 20),
    "onnx": (6e8, 280),
    "litert": (6e8, 50),
    "litert_int8": (6e8, 50),
    "openvino": (6e8, 50),
}


def check(net, format):
    """Refuse to write what cannot be written so.

    Errors: Refusal that names what is missing: a package, memory and how much, known sizes.
    """
    found, backend = find_format(format), keras.backend.backend()
    require(backend == "tensorflow", "export", "Keras on its TensorFlow backend", backend=backend)
    graph = getattr(net, "inputs", None) and getattr(net, "outputs", None)
    require(graph, "export", "a functional or sequential model with its inputs known", net=type(net).__name__)
    missing = [name for name in found.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise Refusal(f"export to {format} needs {', '.join(missing)}: pip install 'kzoo[export]'.")
    for layer in net.layers:
        keras_own = type(layer).__module__.startswith("keras.")
        if keras_own and type(layer).__name__.startswith("Adaptive") and None in layer.input.shape[1:]:
            raise Refusal(
                f"export of {net.name}: Keras's {type(layer).__name__} ({layer.name}) needs an input of known size; "
                "kzoo.layers has one of that name for any size."
            )
    least, free = need(net, format), available()
    if least > free:
        raise Refusal(
            f"export of {net.name} to {format} needs about {least / 2**30:.1f} GiB of memory for its "
            f"{net.count_params():,} parameters, and {free / 2**30:.1f} GiB are free."
        )


def need(net, format):
    """Bytes of memory that writing and checking take, roughly, beyond what the net holds already."""
    base, each = NEED[format]
    return base + each * net.count_params()


def available():
    """Bytes of memory that this process can still have: of the machine, its control group, its own limit."""
    free = [_line(Path("/proc/meminfo"), "MemAvailable:")]
    group = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if all(file.is_file() for file in group):
        limit, used = (file.read_text().strip() for file in group)
        free.append(float("inf") if limit == "max" else int(limit) - int(used))
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit != resource.RLIM_INFINITY:
        free.append(limit - _line(Path("/proc/self/status"), "VmData:"))
    return min(free)


def _line(file, name):
    """A figure of /proc, in bytes; without the file, without limit."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), float("inf"))
