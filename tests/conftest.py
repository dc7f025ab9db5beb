"""One place for what all tests share: quiet TensorFlow, XLA's compilations kept between runs, and seeds.

The environment is set here, before any test imports TensorFlow; what is set already is left alone.
"""

import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np
import pytest

# compiled code fits one TensorFlow and one machine; the folder name says which, so that no other reads it
_HOST = f"{importlib.metadata.version('tensorflow')}-{platform.machine()}-{platform.node()}"
XLA_CACHE = Path(__file__).parent.parent / ".pytest_cache" / f"xla-{_HOST}"
_FLAGS = f"--tf_xla_persistent_cache_directory={XLA_CACHE} --tf_xla_persistent_cache_read_only=false"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_XLA_FLAGS", _FLAGS)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(XLA_CACHE / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


@pytest.fixture(autouse=True)
def seeds():
    """The same random numbers for a test, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(0)
    return np.random.default_rng(0)
