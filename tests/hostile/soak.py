"""Predicts and trains on random sizes for minutes, and checks that memory and memory maps stay flat.

python -m tests.hostile.soak --minutes 60

Keras's own `fit` and `predict` leave some 85 kB behind at each call, with Keras's layers too, so that much is accepted.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

WARM_UP = 0.25  # share of the time in which memory may grow
MEMORY, MAPS, STEP = 200 * 2**20, 500, 100_000  # growth that is accepted after it, and in each step


def usage():
    """Returns this process's memory in bytes and the number of its memory maps."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), Path("/proc/self/maps").read_bytes().count(b"\n")


def model():
    """Returns a model of any size with compiled layers of several kinds."""
    import keras

    from kzoo import layers

    x = inputs = keras.Input((None, None, 1))
    x = layers.TiledConv2D(4, 3, tile=2, padding="same", activation="relu")(x)
    x, _ = layers.MaxPoolingWithArgmax2D(2)(x)
    x = layers.LPPooling2D(2)(layers.Conv2D(4, 3, padding="circular", activation="relu")(x))
    x = layers.SpatialPyramidPooling2D((2, 1))(x)
    built = keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))
    built.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    return built


def soak(seconds, largest=200, seed=0, say=print):
    """Works for so many seconds; returns the growth of memory and maps after the warm-up, and the steps in it."""
    rng, built, start, before, steps, told = np.random.default_rng(seed), model(), time.monotonic(), None, 0, 0
    while (elapsed := time.monotonic() - start) < seconds:
        x = rng.normal(size=(int(rng.integers(1, 5)), *rng.integers(16, largest, 2), 1)).astype("float32")
        if rng.random() < 0.5:
            built.predict(x, verbose=0)
        else:
            built.fit(x, rng.integers(0, 3, len(x)), verbose=0)
        built(x)  # each layer compiled on its own
        steps += 1
        if before is None and elapsed > WARM_UP * seconds:
            before, steps = usage(), 0
        if elapsed - told > seconds / 60:
            told, (memory, maps) = elapsed, usage()
            say(f"{elapsed:6.0f} s: {steps:6} steps, {memory / 2**20:6.0f} MiB, {maps:6} maps", flush=True)
    after = usage()
    return after[0] - before[0], after[1] - before[1], steps


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    memory, maps, steps = soak(60 * parser.parse_args().minutes)
    print(f"after the warm-up: {memory / 2**20:+.0f} MiB, {maps:+} maps in {steps} steps")
    if memory > MEMORY + STEP * steps or maps > MAPS:
        raise SystemExit("memory or memory maps grow")


if __name__ == "__main__":
    main()
