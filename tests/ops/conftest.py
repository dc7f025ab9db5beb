"""The JAX process starts with the session and runs in parallel with the tests; those that need its results run last."""

import importlib.util
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def _jax_process(request, tmp_path_factory):
    """Starts the process once, also if several pytest processes share the tests; yields the folder of its results."""
    wanted = any("jax_results" in getattr(item, "fixturenames", ()) for item in request.session.items)
    if not wanted or importlib.util.find_spec("jax") is None:
        yield None
        return
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "jax"
    try:
        folder.mkdir()
    except FileExistsError:  # another process of pytest-xdist was first
        yield folder
        return
    env = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    env["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"  # the same numbers, compiled four times faster
    with open(folder / "log", "w") as log:
        command = [sys.executable, ROOT / "tests/ops/jax_worker.py", folder / "results.npz"]
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    ending = threading.Thread(target=lambda: (folder / "code").write_text(str(process.wait())))
    ending.start()
    yield folder
    if "PYTEST_XDIST_WORKER" not in os.environ:  # there the others may still wait for it
        process.kill()
    ending.join()


@pytest.fixture(scope="session")
def jax_results(_jax_process):
    """Returns {case/rank/index/y0: array, .../g0: array}, computed by JAX for the settings `on_jax` of every case."""
    if _jax_process is None:
        pytest.skip("jax is not installed")
    code = _jax_process / "code"
    for _ in range(6000):
        if code.exists() and code.read_text():
            break
        time.sleep(0.1)
    assert code.exists() and code.read_text() == "0", (_jax_process / "log").read_text()[-2000:]
    with np.load(_jax_process / "results.npz") as results:
        return dict(results)


def pytest_collection_modifyitems(items):
    """Moves the tests of JAX to the end."""
    items.sort(key=lambda item: "jax_results" in getattr(item, "fixturenames", ()))
