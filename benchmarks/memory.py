"""Peak memory of a step of LocallyConnected2D and its peers, compared with weights + gradients + patches.

Each peer runs in its own process, in which freed tensors return to the system. After one step that compiles, the peak
is the largest resident size during a step minus the size before it, plus the bytes of weights and input.
"""

import fnmatch
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.family import Case
from benchmarks.layers import locally_connected

# Tensors of 64 KiB and more get their own pages, which return to the system when they are freed. TensorFlow's allocator
# for oneDNN returns nothing, so a second step would seem to need no memory.
RETURNS = {"MALLOC_MMAP_THRESHOLD_": "65536", "TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
CHECK, HELD = "a program that holds 256 MiB", 256 * 2**20
MOST = 1.5  # the target
TARGETS = []  # no target is a time
NAMES = ("32 x 28 x 28 x 16 -> 16, k 3", "DeepFace L4*", "DeepFace L6*")
CASES = [case for case in locally_connected.CASES if any(fnmatch.fnmatchcase(case["name"], name) for name in NAMES)]
PEERS = locally_connected.PEERS
SIZE = 4  # bytes of a float32


def counted(case):
    """Returns the bytes of the weights, of the gradients for weights and input, and of the windows' patches."""
    weights, x = locally_connected.weights(case), case.batch * case.size**2 * case.channels
    patches = case.batch * locally_connected.output(case) ** 2 * case.kernel**2 * case.channels
    return SIZE * (weights + (weights + x) + patches)


def measure(wanted, pattern, say):
    """Yields a row for each peer of each case: its peak in bytes, or why it has none."""
    jobs = [(Case(CHECK), "kzoo")]
    jobs += [(case, peer) for case in CASES if fnmatch.fnmatchcase(case.name, pattern) for peer in PEERS]
    for case, peer in jobs:
        if wanted is None or peer == "kzoo" or any(part in peer for part in wanted):
            say(f"memory: {case.name}, {peer}")
            command = [sys.executable, "-m", "benchmarks.memory", case.name, peer]
            done = subprocess.run(command, env=os.environ | RETURNS, capture_output=True, text=True, check=False)
            row = {"family": "benchmarks.memory", "case": case.name, "kind": "memory", "peer": peer}
            row["counted"] = HELD if case.name == CHECK else counted(case)
            last = (done.stdout.splitlines() or [""])[-1]
            yield {**row, "peak": int(last)} if done.returncode == 0 else {**row, "error": done.stderr[-200:]}


def table(rows):
    """Returns the header and rows of a table: a row for each case, with each peer's peak and its ratio to `counted`."""
    cells = {}
    for row in rows:
        text = f"{row['peak'] / 2**20:,.0f} ({row['peak'] / row['counted']:.2f})" if "peak" in row else "-"
        cells.setdefault(row["case"], {})[row["peer"]] = text
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    header = ["peak, MiB (/ weights + gradients + patches)", *peers]
    return header, [[case, *(found.get(peer, "-") for peer in peers)] for case, found in cells.items()]


def target(rows):
    """Returns a row of the table of targets: at most `MOST` times weights, gradients and patches."""
    ours = [row for row in rows if row["peer"] == "kzoo" and "peak" in row and row["case"] != CHECK]
    found = sorted((row["peak"] / row["counted"], row["case"]) for row in ours)
    reached = f"{sum(ratio <= MOST for ratio, _ in found)} of {len(found)}"
    span = f"{found[-1][0]:.2f} ({found[-1][1]}) to {found[0][0]:.2f}"
    return "locally_connected", "memory", "weights + gradients + patches", f"at most {MOST}", span, reached


def peak(case, peer):
    """Returns the most bytes that this process holds during a step."""
    if case is None:
        import tensorflow as tf

        run, held = (lambda: tf.fill([HELD // SIZE], 1.0)), 0
    else:
        from benchmarks.frameworks import runner

        program = PEERS[peer](case, *locally_connected.arrays(case, np.random.default_rng(0)))
        run = runner(program, "step", case.dtype)
        held = SIZE * (locally_connected.weights(case) + case.batch * case.size**2 * case.channels)
    for _ in range(2):
        run()
    before = clear_peak()
    run()
    return status("VmHWM") - before + held


def clear_peak():
    """Returns the resident size of this process, in bytes, and has "VmHWM" start again from it."""
    import ctypes
    import gc

    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def status(name):
    """Returns a size that Linux reports of this process, in bytes: VmRSS, what is resident, or VmHWM, the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))


if __name__ == "__main__":
    print(peak(next((case for case in CASES if case.name == sys.argv[1]), None), sys.argv[2]))
