"""Peak resident memory of short trainings of the zoo's small configs, and of their twins in PyTorch.

Each peer trains in its own process, as in the part `zoo`. Counted is the peak without what the process holds once
everything is imported; the first row has what the imports take. A twin is made from a Keras model, so for PyTorch
counting starts when the twin is there, and the twin's weights and images are added; what the making of the twin freed
may be used again without being counted.
"""

import fnmatch
import math
import os
import subprocess
import sys

from benchmarks import zoo
from benchmarks.family import Case
from benchmarks.memory import clear_peak, status

IMPORTS = Case("imports", kinds=("memory",))
CASES = [IMPORTS, *(case for case in zoo.CASES if case.name.startswith("small_"))]
TARGETS = []  # no target is a time
PEERS = ("kzoo", "keras fit", "torch", "torch channels last")
MIB = 2**20
SIZE = 4  # bytes of a float32


def measure(wanted, pattern, say):
    """Yields a row for each peer of each case: its peak in bytes, or why it has none."""
    for case in CASES:
        for peer in PEERS:
            chosen = wanted is None or peer == "kzoo" or any(part in peer for part in wanted)
            if chosen and fnmatch.fnmatchcase(case.name, pattern):
                say(f"run_memory: {case.name}, {peer}")
                command = [sys.executable, "-m", "benchmarks.run_memory", case.name, peer]
                env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
                done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
                row = {"family": "benchmarks.run_memory", "case": case.name, "kind": "memory", "peer": peer}
                last = (done.stdout if done.returncode == 0 else done.stderr).splitlines()[-1]
                yield {**row, "peak": int(last)} if done.returncode == 0 else {**row, "error": last}


def table(rows):
    """Returns the header and rows of a table: a row for each case, with each peer's peak."""
    cells = {}
    for row in rows:
        cells.setdefault(row["case"], {})[row["peer"]] = f"{row['peak'] / MIB:,.0f}" if "peak" in row else "-"
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    return ["peak, MiB", *peers], [[case, *(found.get(peer, "-") for peer in peers)] for case, found in cells.items()]


def peak(case, peer):
    """Returns the bytes that a peer's imports take, or that its training takes at most beyond them."""
    import_all(peer)
    if case is IMPORTS:
        return status("VmRSS")
    held = 0
    if peer.startswith("torch"):
        training = zoo.PEERS[peer](case).function["training"]
        _, data, model = zoo.built(case)
        held = SIZE * (model.count_params() + data.train.size * math.prod(data.input_shape))
        before = clear_peak()
    else:
        before = clear_peak()
        training = zoo.PEERS[peer](case).function["training"]
    training()
    training()
    return status("VmHWM") - before + held


def import_all(peer):
    """Imports what a peer's programs import."""
    if peer.startswith("torch"):
        import torch  # noqa: F401
    else:
        import kzoo.training.model_building
        import kzoo.training.run_data  # noqa: F401


if __name__ == "__main__":
    print(peak(next(case for case in CASES if case.name == sys.argv[1]), sys.argv[2]))
