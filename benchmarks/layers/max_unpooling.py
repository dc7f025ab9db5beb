"""MaxUnpooling2D of 2 x 2 pools, at SegNet's sizes."""

import numpy as np

from benchmarks.family import WIDTH, Case, Cost, Program, Target

CASES = [
    Case("to 16 x 64 x 64 x 64", batch=16, size=64, channels=64),
    Case("to 8 x 224 x 224 x 32", batch=8, size=224, channels=32),
    Case("to 1 x 224 x 224 x 64", batch=1, size=224, channels=64),
    Case("bfloat16: to 16 x 64 x 64 x 64", batch=16, size=64, channels=64, dtype="bfloat16"),
]
TARGETS = [
    Target("tensorflow scatter_nd", "forward", 12.0),
    Target("torch", "step", 5.0),
    Target("tensorflow copy", "forward", 0.5),
]


def arrays(case, rng):
    """Returns values, and indices flat within a sample, of a real pool."""
    n, c = case.size, case.channels
    x = rng.normal(size=(case.batch, n, n, c)).astype("float32")
    windows = (
        x.reshape(case.batch, n // 2, 2, n // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(-1, n // 2, n // 2, c, 4)
    )
    tap = windows.argmax(-1)
    row, column = np.indices((n // 2, n // 2))
    row, column = 2 * row[..., None] + tap // 2, 2 * column[..., None] + tap % 2
    return windows.max(-1), ((row * n + column) * c + np.arange(c)).astype("int32")


def cost(case, kind):
    """Forward reads values and indices and writes y; a step also reads dy and indices, writes values' gradient."""
    y, values = (case.batch * n**2 * case.channels for n in (case.size, case.size // 2))
    width = WIDTH[case.dtype]
    return Cost(
        width * (y + values) + 4.0 * values if kind == "forward" else width * 2 * (y + values) + 4.0 * 2 * values
    )


def kzoo(case, values, indices):
    from kzoo import ops

    return Program("tensorflow", lambda v, i: ops.max_unpool(v, i, ksize=2), (values, indices))


def scatter_nd(case, values, indices):
    import tensorflow as tf

    shape = (case.batch, case.size, case.size, case.channels)
    size = case.size**2 * case.channels

    def run(values, indices):
        start = tf.reshape(tf.range(case.batch) * size, (-1, 1, 1, 1))
        flat = tf.scatter_nd(tf.reshape(indices + start, (-1, 1)), tf.reshape(values, [-1]), [case.batch * size])
        return tf.reshape(flat, shape)

    return Program("tensorflow", run, (values, indices))


def copy(case, values, indices):
    """The least cost of writing the output: a copy of as many numbers."""
    y = np.zeros((case.batch, case.size, case.size, case.channels), "float32")
    return Program("tensorflow", lambda y: -y, (y,))


def torch(channels_last):
    def peer(case, values, indices):
        import torch

        values, flat = (a.transpose(0, 3, 1, 2) for a in (values, (indices // case.channels).astype("int64")))
        if not channels_last:
            values, flat = values.copy(), flat.copy()
        unpool = torch.nn.functional.max_unpool2d
        return Program("torch", lambda v, i: unpool(v, i, 2).permute(0, 2, 3, 1), (values, flat))

    return peer


PEERS = {
    "kzoo": kzoo,
    "tensorflow scatter_nd": scatter_nd,
    "tensorflow copy": copy,
    "torch channels last": torch(True),
    "torch": torch(False),
}
DIFFERENT = ("tensorflow copy",)
