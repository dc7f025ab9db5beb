"""TiledConv2D against a plain convolution of the same flops, with one kernel for all positions."""

from benchmarks.family import Case, Cost, Program, Target

CASES = [
    Case(f"tile {tile}, k {kernel}, C {channels}", batch=32, size=32, channels=channels, kernel=kernel, tile=tile)
    for tile in (2, 3, 4)
    for kernel in (3, 5)
    for channels in (3, 32, 64)
] + [
    Case("bfloat16: tile 2, k 5, C 32", batch=32, size=32, channels=32, kernel=5, tile=2, dtype="bfloat16"),
    Case("batch 1: tile 2, k 5, C 32", batch=1, size=32, channels=32, kernel=5, tile=2),
    Case("VGG's second: batch 8, 224 x 224, tile 2, k 3, C 64", batch=8, size=224, channels=64, kernel=3, tile=2),
]
HEADLINE = "tile 2, k 3, C 32"  # the case that README shows
TARGETS = [Target("tensorflow", "step", 1 / 1.7), Target("tensorflow", "step", 1.0, "*C 3")]
FILTERS = 64


def arrays(case, rng):
    inside = case.size + case.kernel - 1  # "valid" then gives an output of `size`
    x = rng.normal(size=(case.batch, inside, inside, case.channels))
    shape = (case.tile, case.tile, case.kernel, case.kernel, case.channels, FILTERS)
    return x.astype("float32"), (rng.normal(size=shape) / case.kernel).astype("float32")


def cost(case, kind):
    """Forward reads x and the kernels and writes y; a step does so three times, as a convolution does."""
    x = case.batch * (case.size + case.kernel - 1) ** 2 * case.channels
    y = case.batch * case.size**2 * FILTERS
    kernels = case.tile**2 * case.kernel**2 * case.channels * FILTERS
    times, number = 1 if kind == "forward" else 3, 2.0 if case.dtype == "bfloat16" else 4.0
    return Cost(number * times * (x + y + kernels), 2.0 * times * y * case.kernel**2 * case.channels)


def kzoo(case, x, kernel):
    from kzoo import ops

    return Program("tensorflow", ops.tiled_conv, (x, kernel))


def tensorflow(case, x, kernel):
    """A convolution with the first kernel only: the same flops, a different result."""
    import tensorflow as tf

    return Program("tensorflow", lambda x, w: tf.nn.conv2d(x, w, 1, "VALID"), (x, kernel[0, 0].copy()))


def torch(case, x, kernel):
    """As users write it: one strided convolution for each kernel, interleaved."""
    import torch

    t, f = case.tile, FILTERS
    whole = -(-case.size // t) * t
    more = whole - case.size
    x = x.transpose(0, 3, 1, 2).copy()
    kernel = kernel.transpose(0, 1, 5, 4, 2, 3).copy()

    def run(x, kernel):
        x = torch.nn.functional.pad(x, (0, more, 0, more))
        last = whole + case.kernel - 1
        phases = [
            torch.nn.functional.conv2d(x[:, :, i : last - t + 1 + i, j : last - t + 1 + j], kernel[i, j], stride=t)
            for i in range(t)
            for j in range(t)
        ]
        y = torch.stack(phases, 2).reshape(len(x), f * t * t, whole // t, whole // t)
        return torch.nn.functional.pixel_shuffle(y, t)[:, :, : case.size, : case.size].permute(0, 2, 3, 1)

    return Program("torch", run, (x, kernel))


PEERS = {"kzoo": kzoo, "tensorflow conv2d": tensorflow, "torch strided convs": torch}
DIFFERENT = ("tensorflow conv2d",)  # computes a different result of the same size
