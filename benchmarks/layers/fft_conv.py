"""FFTConv2D against Conv2D, over kernel sizes."""

from benchmarks.family import Case, Cost, Program, Target

COMMON = {"size": 64, "channels": 16, "filters": 16}
CASES = [
    *(Case(f"8 x 64 x 64 x 16 -> 16, k {k}", batch=8, kernel=k, **COMMON) for k in (3, 5, 7, 9, 11, 15, 21, 31)),
    Case("1 x 64 x 64 x 16 -> 16, k 15", batch=1, kernel=15, **COMMON),
    Case("bfloat16: 8 x 64 x 64 x 16 -> 16, k 15", batch=8, kernel=15, dtype="bfloat16", **COMMON),
]
HEADLINE = "8 x 64 x 64 x 16 -> 16, k 15"  # the case that README shows
TARGETS = [Target("kzoo Conv2D", kind, 5.0, "*k 31") for kind in ("forward", "step")]


def arrays(case, rng):
    x = rng.normal(size=(case.batch, case.size, case.size, case.channels))
    kernel = rng.normal(size=(case.kernel, case.kernel, case.channels, case.filters))
    return x.astype("float32"), (kernel / case.kernel**2).astype("float32")


def cost(case, kind):
    """Returns the cost of the direct sum with padding "same". Conv2D needs all of it, the Fourier transform less."""
    x, y = (case.batch * case.size**2 * n for n in (case.channels, case.filters))
    kernel = case.kernel**2 * case.channels * case.filters
    times, number = 1 if kind == "forward" else 3, 2 if case.dtype == "bfloat16" else 4
    return Cost(float(number) * times * (x + y + kernel), 2.0 * times * y * case.kernel**2 * case.channels)


def kzoo(case, x, kernel):
    from kzoo import ops

    return Program("tensorflow", lambda x, w: ops.fft_conv(x, w, padding="same"), (x, kernel))


def direct(case, x, kernel):
    from kzoo import ops

    return Program("tensorflow", lambda x, w: ops.conv(x, w, padding="same"), (x, kernel))


def torch(case, x, kernel):
    import torch

    run = torch.nn.functional.conv2d
    x, kernel = x.transpose(0, 3, 1, 2), kernel.transpose(3, 2, 0, 1)
    return Program("torch", lambda x, w: run(x, w, padding="same").permute(0, 2, 3, 1), (x, kernel))


PEERS = {"kzoo": kzoo, "kzoo Conv2D": direct, "torch conv2d": torch}
