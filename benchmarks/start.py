"""Seconds from `kzoo train CONFIG` to the end of its first call of the training loop, and what takes them.

Each run is a new process: "new" without XLA's cache, "again" with what an earlier run left in it. Parts: imports, with
the start of Python; data, read and prepared; model, built with its trainer; and the first call, traced, compiled and
run. Plain Keras has no such command, so there is no peer.
"""

import fnmatch
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from unittest import mock

from benchmarks.family import Case

CASES = [Case(name, kinds=("start",)) for name in ("mnist1d_cnn", "nielsen_3", "small_resnet", "small_segnet")]
PEERS = ("kzoo", "kzoo again")
TARGETS = []
PARTS = ("imports", "data", "model", "first call")
RUNS = 3
START = "KZOO_BENCHMARK_STARTED"  # the variable that has the time at which the process was started


def measure(wanted, pattern, say):
    """Yields a row for each case, new and again: the seconds at which each part ended, in each run."""
    for case in CASES:
        if not fnmatch.fnmatchcase(case.name, pattern):
            continue
        with tempfile.TemporaryDirectory() as folder:
            run(case.name, {"KZOO_CACHE_DIR": folder})  # fills the cache, and the system's of files
            for peer in PEERS:
                say(f"start: {case.name}, {peer}")
                cache = {"KZOO_XLA_CACHE": "0"} if peer == "kzoo" else {"KZOO_CACHE_DIR": folder}
                ends = [run(case.name, cache) for _ in range(RUNS)]
                yield {"family": "benchmarks.start", "case": case.name, "kind": "start", "peer": peer, "ends": ends}


def run(name, variables):
    """Returns the seconds at which each part of a run ended, in a process of its own."""
    env = os.environ | variables | {START: str(time.time()), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.start", name], env=env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def table(rows):
    """Returns the header and rows of a table: a row for each case, new and again, with the medians of its parts."""
    cells = []
    for row in rows:
        ends = [statistics.median(found) for found in zip(*row["ends"])]
        parts = [end - before for end, before in zip(ends, [0, *ends])]
        which = "new" if row["peer"] == "kzoo" else "again"
        cells.append([row["case"], which, f"{ends[-1]:.1f}", *(f"{part:.1f}" for part in parts)])
    return ["seconds to the end of the first call", "", "all", *PARTS], cells


def train(name):
    """Runs `kzoo train` until the first call has ended, and prints the seconds at which each part ended."""
    started, ends = float(os.environ[START]), []

    def noting(function):
        """Returns the function, which then notes when it is called."""

        def call(*args):
            ends.append(time.time() - started)
            return function(*args)

        return call

    from kzoo import cli, tensorflow_import

    def import_and_patch():
        imported()
        ends.append(time.time() - started)
        import keras

        from kzoo.training import seed_run

        class FirstCall(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                print(json.dumps([*ends, time.time() - started]), flush=True)
                os._exit(0)

        build_callbacks = seed_run.build_callbacks
        mock.patch.multiple(
            seed_run,
            build_model=noting(seed_run.build_model),
            build_callbacks=noting(lambda *args: [*build_callbacks(*args), FirstCall()]),
        ).start()

    imported = tensorflow_import.import_tensorflow_quietly
    with (
        tempfile.TemporaryDirectory() as out,
        mock.patch.object(tensorflow_import, "import_tensorflow_quietly", import_and_patch),
    ):
        cli.main(["train", name, "--out", out])


if __name__ == "__main__":
    train(sys.argv[1])
