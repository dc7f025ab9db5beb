"""Runs an op as an XLA-compiled island on TensorFlow, when nothing around it is compiled or exported.

Without XLA an op made of window views costs 3 to 30 times more; inside a function that XLA compiles whole an
island would only get in the way, and an exported graph must hold no function that only XLA can run.

Source: none.
"""

import contextlib
import functools
import sys

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

_caches = []  # of each op, its compiled functions
_off = 0  # a plain global: a context variable would not be seen by the threads of MirroredStrategy


@contextlib.contextmanager
def no_islands():
    """Within this context ops are traced as plain operations, as an exported graph needs.

    >>> with no_islands():
    ...     pass  # net.export(path)
    """
    global _off  # noqa: PLW0603
    _off += 1
    try:
        yield
    finally:
        _off -= 1


def forget_islands():
    """Give back what compiled islands hold of memory in Python; they compile again when they are called.

    >>> forget_islands()
    """
    for cache in _caches:
        cache.cache_clear()


def island(fn):
    """Compile `fn(*tensors, **static)`: tensors by position, hashable settings by keyword.

    Whether to step aside is read in Python at each outer trace, so that no cached graph can outlive the answer.
    """
    if keras.backend.backend() != "tensorflow":
        return fn

    @functools.cache
    def compiled(static):  # one function a setting; TensorFlow itself keeps one graph a signature of tensors
        # autograph would only warn: the ops hold no Python branch on a tensor's value
        return tf.function(functools.partial(fn, **dict(static)), jit_compile=True, autograph=False)

    _caches.append(compiled)

    def stands_aside():
        return _off or compiling() or _exporting(tf.executing_eagerly())

    @functools.wraps(fn)
    def call(*tensors, **static):
        return fn(*tensors, **static) if stands_aside() else compiled(tuple(static.items()))(*tensors)

    return call


def compiling():
    """Whether XLA compiles what is being traced now, on TensorFlow."""
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def compiled_on_cpu():
    """Whether XLA compiles what is being traced now, and for a CPU."""
    return keras.backend.backend() == "tensorflow" and compiling() and not tf.config.list_logical_devices("GPU")


def _exporting(eager):
    """Whether Keras's own `model.export` is tracing: it cannot be asked, so its frames are looked for."""
    frame = None if eager else sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("keras.src.export"):
            return True
        frame = frame.f_back
    return False
