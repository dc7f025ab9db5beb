"""Running an exported model where there is neither kzoo nor Keras, in a process that has its runtime alone.

Source: none.
"""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from kzoo.checks import Refusal
from kzoo.export import runtimes
from kzoo.export.formats import FORMATS


def run_isolated(path, cases, format="saved_model"):
    """The outputs, a list of arrays for each case, of the model at `path` for the inputs of these cases.

    Errors: Refusal with the runtime's own words if it does not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        fed = {
            f"{place}/{case.signature}/{name}": x for place, case in enumerate(cases) for name, x in case.inputs.items()
        }
        np.savez(inputs, **fed)
        command = [sys.executable, "-P", runtimes.__file__, format, path, inputs, outputs]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode:
            label = FORMATS[format].label
            raise Refusal(f"export: the {label} at {path} does not run in a bare process: {_reason(done)}")
        with np.load(outputs) as found:
            answers = dict(found.items())
    return [[answers[f"{place}/{i}"] for i in range(len(case.wanted))] for place, case in enumerate(cases)]


def _reason(done):
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"it was ended by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
    return (done.stderr.strip().splitlines() or ["no message"])[-1]


def max_difference(wanted, got):
    """Largest absolute difference over largest absolute value wanted.

    >>> max_difference(np.array([0.0, 4.0]), np.array([1.0, 4.0]))
    0.25
    """
    return float(differences(wanted, got).max(initial=0))


def differences(wanted, got, scale=None):
    """Absolute differences over `scale`, which is the largest absolute value wanted unless another is given.

    Infinity, alone, if the shapes differ.
    """
    wanted, got = np.asarray(wanted, "float64"), np.asarray(got, "float64")
    if wanted.shape != got.shape:
        return np.array([np.inf])
    scale = np.abs(wanted).max(initial=0) if scale is None else scale
    return np.abs(wanted - got) / max(scale, np.finfo("float32").tiny)
