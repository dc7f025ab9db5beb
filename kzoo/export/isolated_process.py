"""Runs an exported model in a process where its runtime can be imported, but neither kzoo, Keras nor another runtime.

    python -m kzoo.export.isolated_process FORMAT PATH [INPUTS.npz OUTPUTS.npz]

The arrays in INPUTS are named BATCH/SIGNATURE/INPUT, those in OUTPUTS BATCH/OUTPUT, where BATCH and OUTPUT are numbers.
Without them the model runs on zeros.
"""

import os
import signal
import subprocess
import sys
import tempfile
from importlib.machinery import PathFinder
from pathlib import Path

import numpy as np

from kzoo.checks import Refusal
from kzoo.export.registry import FORMATS
from kzoo.files import writing

# packages that the process cannot import, except the format's runtime and what that imports
BLOCKED = {"kzoo", "keras", "tf_keras", "tensorflow", "jax", "torch"}
BLOCKED |= {package for format in FORMATS.values() for package in (format.runtime, *format.packages)}


def run_isolated(path, batches, format):
    """Returns the outputs of the model at `path`, a list of arrays for each batch.

    Raises Refusal with the runtime's message if the model does not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        arrays = {
            f"{index}/{batch.signature}/{name}": x
            for index, batch in enumerate(batches)
            for name, x in batch.inputs.items()
        }
        with writing(inputs):
            np.savez(inputs, **arrays)
        done = _run(format.name, path, inputs, outputs)
        if done.returncode:
            message = f"export: the {format.label} at {path} does not run in an isolated process: {_reason(done)}"
            raise Refusal(message)
        with np.load(outputs) as found:
            results = dict(found.items())
    return [[results[f"{index}/{i}"] for i in range(len(batch.expected))] for index, batch in enumerate(batches)]


def crash_of(path, format):
    """Returns how the process ends that opens the model at `path` and runs it on zeros, if by a signal; else None."""
    done = _run(format.name, path)
    return _reason(done) if done.returncode < 0 else None


def _run(*arguments):
    paths = [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-P", "-m", "kzoo.export.isolated_process", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _reason(done):
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"it was ended by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
    return (done.stderr.strip().splitlines() or ["no message"])[-1]


def main(format, path, inputs=None, outputs=None):
    """Runs the model at `path` on the arrays in the file `inputs` and writes its outputs to the file `outputs`.

    Without these files it runs the model on one batch of zeros; sizes that the model does not know are 32.
    """
    open_model, allowed = FORMATS[format].open, {FORMATS[format].runtime, *FORMATS[format].runtime_imports}
    _refuse_imported({"kzoo"})  # a runtime that kzoo had imported could not be blocked any more
    for name in [name for name in sys.modules if name.partition(".")[0] == "kzoo"]:
        del sys.modules[name]
    # as if the blocked packages were not installed; kzoo's own finder would import kzoo with Keras
    _Finder.blocked = BLOCKED - allowed
    others = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("kzoo.")]
    sys.meta_path[:] = [_Finder if finder is PathFinder else finder for finder in others]
    shapes, run = open_model(path)
    if inputs is None:
        sizes = {name: (shape[0] or 1, *(n or 32 for n in shape[1:])) for name, shape in shapes.items()}
        run({name: np.zeros(size, "float32") for name, size in sizes.items()}, "serving_default")
        return
    batches = {}
    with np.load(inputs) as arrays:
        for key in arrays.files:
            index, signature, name = key.split("/", 2)
            batches.setdefault((index, signature), {})[name] = arrays[key]
    results = {}
    for (index, signature), arrays in batches.items():
        results |= {f"{index}/{i}": y for i, y in enumerate(run(arrays, signature))}
    np.savez(outputs, **results)
    _refuse_imported(allowed)


class _Finder(PathFinder):
    """Python's finder of installed packages, which does not find the blocked ones."""

    blocked: frozenset[str] = frozenset()

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in cls.blocked else super().find_spec(name, path, target)


def _refuse_imported(expected):
    """Exits with a message unless, of the blocked packages, exactly the expected ones are imported."""
    imported = {name for name in BLOCKED if sys.modules.get(name) is not None}
    if imported != expected:
        names = ", ".join(sorted(imported)) or "nothing"
        sys.exit(f"{names} was imported instead of only {', '.join(sorted(expected))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
