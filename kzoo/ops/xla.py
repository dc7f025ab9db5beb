"""XLA islands: an island is an op that TensorFlow runs as an XLA-compiled function of its own.

Without XLA an op made of window views takes 3 to 30 times as long, so each is compiled although the model around it is
not. An island runs as plain operations where its own compilation would hurt: inside a function that XLA already
compiles, and in an exported graph, which must not hold functions that only XLA can run.
"""

import collections
import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["no_islands"]

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from tensorflow.compiler.tf2xla.ops.gen_xla_ops import xla_optimization_barrier
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

MOST_SIZES = 32  # for which an island has programs with the same settings and channels; a program takes 2 to 25 MiB
MOST_PROGRAMS = 256  # of an island
MOST_MAPS = 32_000  # memory maps of a process up to which islands compile; Linux allows 65,530
MAPS_OF_PROGRAM = 40

_compiled_functions: list[dict[Any, Any]] = []  # for each island its compiled functions, by settings and signature
_room = 1  # programs for which there are memory maps; then they are counted again, and at 0 no more
_disabled = 0  # how many `no_islands` are active; a plain global, which the threads of MirroredStrategy see too


@contextlib.contextmanager
def no_islands() -> Iterator[None]:
    """Context manager: runs ops as plain operations, without XLA islands, as an exported graph needs.

    >>> with no_islands():
    ...     pass  # model.export(path)
    """
    global _disabled  # noqa: PLW0603
    _disabled += 1
    try:
        yield
    finally:
        _disabled -= 1


def forget_islands():
    """Frees the memory that compiled islands hold in Python; they compile again when next called.

    TensorFlow keeps the programs themselves until the process ends.

    >>> forget_islands()
    """
    for functions in _compiled_functions:
        functions.clear()


def island(fn, plain=True):
    """Returns `fn(*tensors, **settings)` as an XLA island: tensors by position, hashable settings by keyword.

    Whether to compile is decided in Python each time the op is called or traced, so no cached graph keeps an outdated
    decision. On other backends `fn` is returned as it is. TensorFlow never frees a compiled program, and there is one
    for each input size. So tensors of unknown size, and new sizes beyond MOST_SIZES, MOST_PROGRAMS or MOST_MAPS, are
    left to plain operations; `plain` says whether TensorFlow has these.
    """
    if keras.backend.backend() != "tensorflow":
        return fn

    functions: dict[Any, Any] = {}
    sizes: collections.Counter[Any] = collections.Counter()  # programs that differ in their sizes only
    _compiled_functions.append(functions)

    @functools.wraps(fn)
    def call(*tensors, **settings):
        if not compiles_islands():
            return fn(*tensors, **settings)
        key = (*settings.items(), *((tensor.shape, tensor.dtype) for tensor in tensors))
        if key not in functions:
            alike = (*settings.items(), *((len(tensor.shape), *tensor.shape[-1:], tensor.dtype) for tensor in tensors))
            many = sizes[alike] >= MOST_SIZES or len(functions) >= MOST_PROGRAMS or not _has_room()
            if plain and (many or any(None in tensor.shape[1:] for tensor in tensors)):
                return fn(*tensors, **settings)
            sizes[alike] += 1
            # no autograph, as the ops never branch on a tensor's value: it could only print warnings
            functions[key] = tf.function(functools.partial(fn, **settings), jit_compile=True, autograph=False)
        return functions[key](*tensors)

    return call


def compiles_islands():
    """Returns whether islands are compiled: not in a function that XLA compiles, nor in a graph to export."""
    if keras.backend.backend() != "tensorflow":
        return False
    return not (_disabled or compiling() or _exporting(tf.executing_eagerly()))


def _has_room():
    """Returns whether there are memory maps for another program.

    Counting takes up to 40 ms, so maps are counted again only when those that were free may be used up.
    """
    global _room  # noqa: PLW0603
    if _room == 0:
        return False
    _room -= 1
    if _room == 0:
        _room = max(0, (MOST_MAPS - memory_maps()) // MAPS_OF_PROGRAM)
    return True


def memory_maps():
    """Returns how many memory maps the process has, or 0 where the system does not list them."""
    try:
        with open("/proc/self/maps", "rb") as maps:
            return sum(1 for _ in maps)
    except OSError:
        return 0


def compiling():
    """Returns whether XLA compiles the function being traced; TensorFlow only."""
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def compiled_on_cpu():
    """Returns whether XLA compiles the function being traced, on TensorFlow and without a GPU."""
    return keras.backend.backend() == "tensorflow" and compiling() and not tf.config.list_logical_devices("GPU")


def simplified_apart(x):
    """Returns x as it is; XLA simplifies and lays out what comes before it and what comes after it separately."""
    if not compiled_on_cpu():
        return x
    return keras.ops.custom_gradient(lambda x: (xla_optimization_barrier([x])[0], lambda dy: dy))(x)


def _exporting(eager):
    """Returns whether Keras's `model.export` is tracing. Keras has no flag for it, so the call stack is inspected."""
    frame = None if eager else sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("keras.src.export"):
            return True
        frame = frame.f_back
    return False
