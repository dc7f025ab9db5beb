"""One place for what all tests share: quiet TensorFlow, XLA's compilations kept between runs, and seeds.

The environment is set here, before any test imports TensorFlow; what is set already is left alone.
"""

import functools
import gc
import hashlib
import importlib.metadata
import inspect
import os
import platform
from pathlib import Path

import numpy as np
import pytest


def _processor():
    """The model and features of the first processor, where the system tells; else the machine's name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().split("\n\n")[0].splitlines() if cpuinfo.exists() else []
    return "".join(line for line in lines if line.startswith(("model name", "flags", "Features"))) or platform.node()


# compiled code fits one TensorFlow and one kind of processor: the folder's name says which, so that no other reads it
_HOST = f"{importlib.metadata.version('tensorflow')}-{hashlib.sha256(_processor().encode()).hexdigest()[:8]}"
XLA_CACHE = Path(__file__).parent.parent / ".pytest_cache" / f"xla-{_HOST}"
_FLAGS = f"--tf_xla_persistent_cache_directory={XLA_CACHE} --tf_xla_persistent_cache_read_only=false"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_XLA_FLAGS", _FLAGS)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(XLA_CACHE / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def _kept():
    return sum(path.is_file() for path in XLA_CACHE.glob("*"))


_KEPT_BEFORE = _kept()


def pytest_configure(config):
    """Files go to workers in their order: the longest first would have both wait for JAX at the start."""
    config.option.loadscopereorder = False


def pytest_terminal_summary(terminalreporter):
    """How often XLA compiled: the most that many of these tests wait for."""
    new = _kept() - _KEPT_BEFORE
    terminalreporter.write_line(f"XLA compiled {new:,} programs, kept for the next run; {_KEPT_BEFORE:,} are older")


@pytest.fixture(autouse=True, scope="session")
def without_tracebacks():
    """Operations that do not remember where in Python they were made.

    A program of XLA keeps the text of its operations' tracebacks as long as the process lives: under pytest, some 90 kB
    an operation, 10 GB a worker. Where TensorFlow has no such argument, tests only take more memory.
    """
    from tensorflow.python.framework import ops

    if "extract_traceback" in inspect.signature(ops._create_c_op).parameters:
        ops._create_c_op = functools.partial(ops._create_c_op, extract_traceback=False)


@pytest.fixture(autouse=True, scope="module")
def forgotten():
    """Nothing that a file's tests compiled is kept for the next file's."""
    yield
    from kzoo.ops.xla import forget_islands

    forget_islands()
    gc.collect()


@pytest.fixture(autouse=True)
def seeds():
    """The same random numbers for a test, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(0)
    return np.random.default_rng(0)
