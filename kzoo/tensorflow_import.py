"""Imports TensorFlow and Keras for a command, in half the time and without their start-up notes."""

import contextlib
import gc
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from kzoo.compilation_cache import use_compilation_cache
from kzoo.terminal import quiet


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow and Keras and looks for devices; the notes that they print are shown only if this fails.

    Programs that XLA compiles are cached from then on, see `use_compilation_cache`.
    """
    use_compilation_cache()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # hides later warnings too, which do not concern the user
    logging.getLogger("absl").setLevel("ERROR")  # TensorFlow Datasets warns of its own deprecations
    with quiet(show_on_error=True):
        import_tensorflow()
        import tensorflow as tf

        tf.config.list_physical_devices()  # complains where there is no driver
    gc.freeze()  # what is imported stays, so garbage collections need not visit it


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras without collecting garbage, and without packages that only their extras use.

    TensorFlow Lite imports JAX, to convert its models, and Keras matplotlib and scikit-learn, for a gallery of images
    and for wrappers. All three can be imported later.
    """
    unused = ("matplotlib.pyplot", "sklearn") if uses_jax() else ("matplotlib.pyplot", "sklearn", "jax")
    collected = gc.isenabled()
    gc.disable()
    try:
        with absent(*unused):
            import keras  # noqa: F401
            import tensorflow as tf  # noqa: F401
    finally:
        if collected:
            gc.enable()


def uses_jax() -> bool:
    """Returns whether Keras will use JAX, as its variable KERAS_BACKEND or its file keras.json says."""
    if backend := os.environ.get("KERAS_BACKEND"):
        return backend == "jax"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return "jax" in Path(os.environ.get("KERAS_HOME", "~/.keras"), "keras.json").expanduser().read_text("utf-8")
    return False


@contextlib.contextmanager
def absent(*modules: str) -> Iterator[None]:
    """Context manager: modules that are not imported yet cannot be imported, as if they were not installed.

    >>> with absent("turtle"):
    ...     import turtle
    Traceback (most recent call last):
    ...
    ModuleNotFoundError: import of turtle halted; None in sys.modules
    """
    blocked = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in blocked:
            sys.modules.pop(name, None)
