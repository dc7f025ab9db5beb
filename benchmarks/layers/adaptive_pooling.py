"""Adaptive max pooling, and average pooling where a case says so."""

from benchmarks.family import WIDTH, Case, Cost, Program, Target

SIZES = ((16, 56, 64, 7), (16, 57, 64, 7), (8, 224, 16, 6))
CASES = [
    Case(f"{pool}: {b} x {n} x {n} x {c} -> {m} x {m}", pool=pool, batch=b, size=n, channels=c, bins=m)
    for pool in ("max", "average")
    for b, n, c, m in SIZES
]
CASES += [
    Case("max: 1 x 56 x 56 x 64 -> 7 x 7", pool="max", batch=1, size=56, channels=64, bins=7),
    Case(
        "max, bfloat16: 16 x 57 x 57 x 64 -> 7 x 7",
        pool="max",
        batch=16,
        size=57,
        channels=64,
        bins=7,
        dtype="bfloat16",
    ),
]
TARGETS = [
    Target("keras", "forward", 4.0, "max*"),
    Target("keras ops", "step", 2.5, "max*"),
    Target("keras, XLA", "step", 10.0, "max*"),
]


def arrays(case, rng):
    return (rng.normal(size=(case.batch, case.size, case.size, case.channels)).astype("float32"),)


def cost(case, kind):
    """Forward reads x; a step reads it again and writes its gradient. The bins are few."""
    x = WIDTH[case.dtype] * case.batch * case.size**2 * case.channels
    return Cost(x if kind == "forward" else 3 * x)


def kzoo(case, x):
    from kzoo import ops

    pool = getattr(ops, f"adaptive_{case.pool}_pool")
    return Program("tensorflow", lambda x: pool(x, case.bins), (x,))


def keras(framework):
    def peer(case, x):
        import keras

        pool = getattr(keras.ops, f"adaptive_{case.pool}_pool")
        return Program(framework, lambda x: pool(x, case.bins, data_format="channels_last"), (x,))

    return peer


def torch(case, x):
    import torch

    pool = getattr(torch.nn.functional, {"max": "adaptive_max_pool2d", "average": "adaptive_avg_pool2d"}[case.pool])
    return Program("torch", lambda x: pool(x, case.bins).permute(0, 2, 3, 1), (x.transpose(0, 3, 1, 2),))


PEERS = {"kzoo": kzoo, "keras ops": keras("tensorflow"), "keras, XLA": keras("xla"), "torch channels last": torch}
