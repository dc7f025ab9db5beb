"""The JAX process starts with the session and works beside the tests, which ask for its results last."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def _jax_process(request, tmp_path_factory):
    wanted = any("jax_results" in getattr(item, "fixturenames", ()) for item in request.session.items)
    if not wanted or importlib.util.find_spec("jax") is None:
        yield None
        return
    folder = tmp_path_factory.mktemp("jax")
    env = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    with open(folder / "log", "w") as log:
        command = [sys.executable, ROOT / "tests/ops/jax_worker.py", folder / "results.npz"]
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    yield process, folder
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def jax_results(_jax_process):
    """{case/rank/index/y0: array, .../g0: array} of every case's ten settings, computed on the JAX backend."""
    if _jax_process is None:
        pytest.skip("jax is not installed")
    process, folder = _jax_process
    assert process.wait(timeout=600) == 0, (folder / "log").read_text()[-2000:]
    with np.load(folder / "results.npz") as results:
        return dict(results)


def pytest_collection_modifyitems(items):
    """The tests that wait for JAX go last."""
    items.sort(key=lambda item: "jax_results" in getattr(item, "fixturenames", ()))
