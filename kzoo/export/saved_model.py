"""TensorFlow SavedModels, run once in a process without kzoo or Keras before anybody relies on them.

Source: none.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from kzoo.checks import Refusal
from kzoo.export import reload_saved_model
from kzoo.ops.xla import no_islands

TOLERANCE = 1e-5  # of the largest output; the same float32 graph, so only the order of sums may differ
HALF_TOLERANCE = 2e-2  # bfloat16 has 8 bits, and fusions round at other places


def export_saved_model(net, path, examples):
    """Write `net` to folder `path`, reload it in a bare process and compare.

    Shapes: examples (N, *input_shape) array. Returns the largest difference, relative to the largest output.
    Errors: ValueError if the reloaded model does not run or differs by more than 1e-5 (2e-2 in half precision).
    """
    with no_islands():
        net.export(str(path), format="tf_saved_model", verbose=False)
    difference = max_difference(net.predict(examples, batch_size=500, verbose=0), run_bare(path, examples))
    half = any("16" in layer.compute_dtype for layer in net.layers)
    if not difference <= (HALF_TOLERANCE if half else TOLERANCE):
        raise Refusal(
            f"export: the SavedModel at {path} differs from the model by {difference:.1e} of its largest output."
        )
    return difference


def run_bare(path, examples):
    """The outputs of a SavedModel for `examples`, from a fresh process in which importing kzoo or Keras raises."""
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "inputs.npy"), Path(folder, "outputs.npy")
        np.save(inputs, np.asarray(examples, "float32"))
        command = [sys.executable, reload_saved_model.__file__, str(path), str(inputs), str(outputs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Refusal(f"export: the SavedModel at {path} does not run in a bare process: {reason}")
        return np.load(outputs)


def max_difference(wanted, got):
    """Largest absolute difference over largest absolute value wanted.

    >>> max_difference(np.array([0.0, 4.0]), np.array([1.0, 4.0]))
    0.25
    """
    wanted, got = np.asarray(wanted, "float64"), np.asarray(got, "float64")
    return float(np.abs(wanted - got).max() / max(np.abs(wanted).max(), np.finfo("float32").tiny))
