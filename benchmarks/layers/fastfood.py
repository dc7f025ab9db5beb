"""Fastfood against a dense layer of the same size."""

from benchmarks.family import Case, Cost, Program, Target

CASES = [
    Case(f"{batch} x {units} -> {units}", batch=batch, units=units)
    for units in (256, 1024, 4096, 8192)
    for batch in (1, 64)
]
CASES.append(Case("bfloat16: 64 x 4096 -> 4096", batch=64, units=4096, dtype="bfloat16"))
HEADLINE = "64 x 4096 -> 4096"  # the case that README shows
TARGETS = [Target("keras Dense", "forward", 1.0, "* x 4096*"), Target("keras Dense", "step", 1.0, "* x 4096*")]


def arrays(case, rng):
    return (rng.normal(size=(case.batch, case.units)).astype("float32"),)


def cost(case, kind):
    """Forward reads x and three diagonals and writes y, with 2 n log n additions for each sample; a step three times
    that.
    """
    n, times, number = case.units, 1 if kind == "forward" else 3, 2 if case.dtype == "bfloat16" else 4
    return Cost(float(number) * times * (2 * case.batch * n + 3 * n), times * case.batch * 2.0 * n * n.bit_length())


def kzoo(case, x):
    from kzoo.layers import Fastfood

    return _of(Fastfood(case.units, seed=0, dtype=case.dtype), x)


def keras(case, x):
    import keras

    return _of(keras.layers.Dense(case.units, use_bias=False, dtype=case.dtype), x)


def _of(layer, x):
    layer.build(x.shape)
    return Program("tensorflow", layer, (x,), [w.value for w in layer.trainable_variables])


PEERS = {"kzoo": kzoo, "keras Dense": keras}
DIFFERENT = ("keras Dense",)
