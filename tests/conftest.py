"""What all tests share: a quiet TensorFlow, XLA programs that compile quickly and are cached between runs, and seeds.

The environment is set here, before any test imports TensorFlow; variables that are set already are kept. Most of the
time goes into compiling some 4,000 small programs. So XLA does not use its newer fusion emitters, which take a third
more, and LLVM does not optimize; the lowering that is tested is the same. `XLA_FLAGS= python -m pytest` tests the
optimized code. Older versions of TensorFlow, which end the process at a flag that they do not know, get none.
"""

import functools
import gc
import importlib
import importlib.metadata
import inspect
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from kzoo.compilation_cache import environment_fingerprint


def _tensorflow_version():
    """Returns (major, minor) of the installed TensorFlow, which is not imported; (0, 0) if its package is another."""
    try:
        return tuple(int(part) for part in importlib.metadata.version("tensorflow").split(".")[:2])
    except importlib.metadata.PackageNotFoundError:
        return 0, 0


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_QUICK = ("--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1")
if _tensorflow_version() >= (2, 21):
    os.environ.setdefault("XLA_FLAGS", " ".join((*_QUICK, "--xla_cpu_use_fusion_emitters=false")))
XLA_CACHE = Path(__file__).parent.parent / ".pytest_cache" / f"xla-{environment_fingerprint()}"
_FLAGS = f"--tf_xla_persistent_cache_directory={XLA_CACHE} --tf_xla_persistent_cache_read_only=false"
os.environ.setdefault("TF_XLA_FLAGS", _FLAGS)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(XLA_CACHE / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def _cached():
    return sum(path.is_file() for path in XLA_CACHE.glob("*"))


_CACHED_BEFORE = _cached()


def pytest_configure(config):
    """Gives files to workers in their order: with the longest first both would wait for JAX at the start."""
    config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leaves tests of ops and layers in 1D and 3D, which share the code of 2D, to `-m large`.

    What stays is the comparison of each op with its loop, and the contract of each layer.
    """
    for item in items:
        part, name = Path(item.path).parent.name, getattr(item, "originalname", item.name)
        if part in ("ops", "layers") and hasattr(item, "callspec") and name != "test_contract":
            chosen = item.callspec.params
            kept = getattr(chosen.get("check"), "__name__", None) == "uncompiled"
            if not kept and any(map(_in_1d_or_3d, chosen.items())):
                item.add_marker(pytest.mark.large)


def _in_1d_or_3d(chosen):
    name, value = chosen
    return (name == "rank" and value in (1, 3)) or str(getattr(value, "__name__", value)).endswith(("1D", "3D"))


def pytest_terminal_summary(terminalreporter):
    """Prints how many programs XLA compiled, which is what most tests wait for."""
    new = _cached() - _CACHED_BEFORE
    terminalreporter.write_line(
        f"XLA compiled {new:,} programs, cached for the next run; {_CACHED_BEFORE:,} were cached before"
    )


@pytest.fixture(autouse=True, scope="session")
def without_tracebacks():
    """Creates TensorFlow operations without their Python tracebacks.

    An XLA program holds the text of its operations' tracebacks as long as the process lives: under pytest some 90 kB
    for each operation, 10 GB for each worker. If TensorFlow drops this argument, tests only take more memory.
    """
    skip_tracebacks()


def skip_tracebacks():
    """Does so, for the processes of tests too."""
    from tensorflow.python.framework import ops

    if "extract_traceback" in inspect.signature(ops._create_c_op).parameters:
        ops._create_c_op = functools.partial(ops._create_c_op, extract_traceback=False)


@pytest.fixture(autouse=True, scope="session")
def always_islands():
    """Compiles islands up to nearly the number of memory maps that Linux allows: tests hold thousands of programs."""
    from kzoo.ops import xla

    xla.MOST_MAPS, xla.MOST_SIZES = 60_000, xla.MOST_PROGRAMS


@pytest.fixture(autouse=True, scope="session")
def rare_garbage_collection():
    """Collects garbage far less often: TensorFlow's objects are many, and walking them took a tenth of the time.

    `free_programs` collects all of it after each file.
    """
    import keras  # noqa: F401, whose objects live as long as the process

    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="module")
def free_programs():
    """Frees what a file's tests compiled before the next file; what is left, mostly modules, is not walked again."""
    yield
    from kzoo.ops.xla import forget_islands

    forget_islands()
    gc.collect()
    gc.freeze()


@pytest.fixture
def own_modules(monkeypatch, tmp_path):
    """Forgets after a test what it imported and registered as the user's own; returns the current, empty folder."""
    import keras

    from kzoo import index, user_modules
    from kzoo.data import dataset_registry
    from kzoo.models import registry

    monkeypatch.chdir(tmp_path)
    for module, name in ((registry, "_MODELS"), (dataset_registry, "_DATASETS"), (index, "_added")):
        monkeypatch.setattr(module, name, dict(getattr(module, name)))
    for name, value in {"_requested": {}, "_imported": {}, "_plugins": []}.items():
        monkeypatch.setattr(user_modules, name, value)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules, objects = set(sys.modules), dict(keras.saving.get_custom_objects())
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name not in modules]:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
    keras.saving.get_custom_objects().clear()
    keras.saving.get_custom_objects().update(objects)


@pytest.fixture(autouse=True)
def seeds():
    """Sets the seeds, so that a test draws the same numbers whatever ran before it; returns a NumPy generator."""
    import keras

    keras.utils.set_random_seed(0)
    return np.random.default_rng(0)
