"""XLA compilations and the time of the first calls, for a model with four islands, each in a new process.

A smaller last batch and each new image size need a program each. TensorFlow caches programs for the lifetime of the
process, and for later processes in the folder that `TF_XLA_FLAGS` names, which the tests set.
"""

import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from statistics import median

CASES = ("fit: 2 epochs of 103 images in batches of 32", "predict: the same images", "predict: images of ten sizes")
TARGETS = []
PEERS = ("islands", "islands, kept by the process before", "compiled whole", "nothing compiled")
FILTERS, BATCH, IMAGES, SIZES = 8, 32, 103, range(20, 30)


def measure(wanted, pattern, say):
    """Yields a row for each case and peer: programs compiled, and milliseconds. Ignores `wanted` and `pattern`."""
    with tempfile.TemporaryDirectory() as cache:
        for peer in PEERS:
            say(f"compilations: {peer}")
            for case, (programs, seconds) in zip(CASES, _in_a_new_process(peer, cache)):
                times = [1000 * seconds]
                yield {
                    "family": __name__,
                    "case": case,
                    "kind": "first",
                    "peer": peer,
                    "programs": programs,
                    "times": times,
                }


def table(rows):
    """Returns the header and rows of a table: a row for each case, with each peer's programs and seconds."""
    cells = {(row["case"], row["peer"]): f"{row['programs']} in {median(row['times']) / 1000:.1f} s" for row in rows}
    return ["programs compiled", *PEERS], [[case, *(cells.get((case, peer), "-") for peer in PEERS)] for case in CASES]


def _in_a_new_process(peer, cache):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with tempfile.TemporaryDirectory() as dump:
        child = context.Process(target=_child, args=(there, peer, cache, dump))
        child.start()
        there.close()
        found = here.recv()
        child.join()
    return found


def _child(pipe, peer, cache, dump):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["XLA_FLAGS"] = f"--xla_dump_to={dump} --xla_dump_hlo_pass_re="  # one file for each program
    if peer.startswith("islands"):
        kept = f"--tf_xla_persistent_cache_directory={cache} --tf_xla_persistent_cache_read_only=false"
        os.environ["TF_XLA_FLAGS"] = kept
    import contextlib

    import keras
    import numpy as np

    from kzoo import layers
    from kzoo.ops.xla import no_islands

    x = inputs = keras.Input((None, None, 3))
    x, indices = layers.MaxPoolingWithArgmax2D(2, padding="same")(layers.TiledConv2D(FILTERS, 3, tile=2)(x))
    x = layers.AdaptiveMaxPooling2D(4)(layers.MaxUnpooling2D(2, padding="same")([x, indices]))
    model = keras.Model(inputs, keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(x)))
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=peer == "compiled whole")
    rng = np.random.default_rng(0)
    images, labels = rng.random((IMAGES, 16, 16, 3), "float32"), rng.integers(0, 10, IMAGES)
    several = [rng.random((4, size, size, 3), "float32") for size in SIZES]

    def predict_all():
        for batch in several:
            model.predict(batch, verbose=0)

    found = []
    with no_islands() if peer == "nothing compiled" else contextlib.nullcontext():
        for run in (
            lambda: model.fit(images, labels, BATCH, epochs=2, verbose=0),
            lambda: model.predict(images, BATCH, verbose=0),
            predict_all,
        ):
            before, start = _programs(dump), time.perf_counter()
            run()
            found.append((_programs(dump) - before, time.perf_counter() - start))
    pipe.send(found)


def _programs(dump):
    return len(list(Path(dump).glob("*before_optimizations.txt")))
