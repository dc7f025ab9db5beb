"""Checks an installation: versions, extras, folders, devices, and one compiled op with its gradient."""

import glob
import importlib.metadata
import platform

from rich.table import Table

from kzoo import compilation_cache
from kzoo.analysis.installed import describe_extra, extras, needed
from kzoo.analysis.storage import describe_folder, folders
from kzoo.fault_report import package_version
from kzoo.user_modules import load_plugins

PACKAGES = ("kzoo", "tensorflow", "keras", "keras-tuner", "tensorflow-datasets", "numpy")
BACKENDS = ("tensorflow", "jax", "torch")  # of Keras
NVIDIA = "/dev/nvidia[0-9]*"  # devices that the driver makes


def checks() -> tuple[Table, bool]:
    """Returns a table of the results and whether every check passed. A missing extra is reported, but no failure."""
    table = Table(title="kzoo doctor", title_justify="left")
    table.add_column("what", overflow="fold")
    table.add_column("found", overflow="fold")
    table.add_row("python", platform.python_version())
    for package in PACKAGES:
        table.add_row(package, package_version(package))
    results = [_row(table, "required packages", _required)]
    for extra in _extras():
        results.append(_row(table, f"extra {extra}", lambda extra=extra: describe_extra(extra)))
    for what, folder in folders().items():
        table.add_row(what, describe_folder(folder))
    table.add_row("compiled programs", compilation_cache.describe())
    for what, check in (
        ("Keras backend", _backend),
        ("devices", _devices),
        ("one XLA-compiled op and its gradient", _compiled_op),
    ):
        results.append(_row(table, what, check))
    plugins = load_plugins(report=False)
    for plugin in plugins:
        problem = f", FAILED: {plugin.problem}" if plugin.problem else ""
        table.add_row(f"plugin {plugin.name}", f"{plugin.package}{problem}")
    return table, all(results) and all(plugin.problem is None for plugin in plugins)


def _row(table, what, check):
    try:
        table.add_row(what, check())
    except Exception as error:  # any error is a result of the check
        table.add_row(what, f"FAILED: {' '.join(str(error).split())[:300]}")
        return False
    return True


def _extras():
    try:
        return extras()
    except importlib.metadata.PackageNotFoundError:  # the row of required packages says so
        return []


def _required():
    problems = [each.problem for each in needed() if each.problem]
    if problems:
        raise RuntimeError(f"missing: {', '.join(problems)}")
    return "installed"


def _backend():
    import keras

    used = keras.backend.backend()
    others = [f"{name} {package_version(name)}" for name in BACKENDS if name != used]
    return f"{used} {package_version(used)}; others: {', '.join(others)}"


def _devices():
    import tensorflow as tf

    found = [f"{device.device_type}:{number}" for number, device in enumerate(tf.config.list_logical_devices())]
    unseen = glob.glob(NVIDIA) and not tf.config.list_physical_devices("GPU")
    hint = "; TensorFlow does not see the NVIDIA GPU of this machine: pip install 'kzoo[gpu]'" if unseen else ""
    return ", ".join(found) + hint


def _compiled_op():
    import numpy as np
    import tensorflow as tf

    from kzoo.ops.max_pool_with_argmax import max_pool_with_argmax

    x = tf.Variable(np.arange(16.0, dtype="float32").reshape(1, 4, 4, 1))
    with tf.GradientTape() as tape:
        values, indices = max_pool_with_argmax(x, 2)
    correct = indices.numpy().ravel().tolist() == [5, 7, 13, 15] and tape.gradient(values, x).numpy().sum() == 4
    if not correct:
        raise RuntimeError("max pooling gives wrong numbers")
    return "works"
