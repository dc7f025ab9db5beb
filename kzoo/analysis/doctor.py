"""Checks an installation: versions, devices, and one compiled op with its gradient."""

import platform

from rich.table import Table

from kzoo import compilation_cache
from kzoo.fault_report import package_version
from kzoo.user_modules import load_plugins

PACKAGES = ("kzoo", "tensorflow", "keras", "keras-tuner", "tensorflow-datasets", "numpy")


def checks() -> tuple[Table, bool]:
    """Returns a table of the results and whether every check passed."""
    table = Table(title="kzoo doctor", title_justify="left")
    table.add_column("what")
    table.add_column("found")
    table.add_row("python", platform.python_version())
    for package in PACKAGES:
        table.add_row(package, package_version(package))
    table.add_row("compiled programs", compilation_cache.describe())
    plugins = load_plugins(report=False)
    for plugin in plugins:
        problem = f", FAILED: {plugin.problem}" if plugin.problem else ""
        table.add_row(f"plugin {plugin.name}", f"{plugin.package}{problem}")
    results = [_row(table, "devices", _devices), _row(table, "one XLA-compiled op and its gradient", _compiled_op)]
    return table, all(results) and all(plugin.problem is None for plugin in plugins)


def _row(table, what, check):
    try:
        table.add_row(what, check())
    except Exception as error:  # any error is a result of the check
        table.add_row(what, f"FAILED: {' '.join(str(error).split())[:300]}")
        return False
    return True


def _devices():
    import tensorflow as tf

    return ", ".join(f"{d.device_type}:{i}" for i, d in enumerate(tf.config.list_logical_devices()))


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
