"""The limits of this machine: bytes and flops per second, measured with TensorFlow.

A floor is the larger of bytes / bandwidth and flops / rate. Data that fits into the caches can exceed the bandwidth,
which is that of main memory.

Source: the roofline model, Williams, Waterman & Patterson 2009.
"""

from typing import NamedTuple

from benchmarks.family import Case, Cost, Program

CASES = [Case("copy", kinds=("forward",), side=8192), Case("matrix product", kinds=("forward",), side=2048)]
SIZE = 4  # bytes of a float32


class Machine(NamedTuple):
    """Bytes and flops per second."""

    bandwidth: float
    rate: float

    def milliseconds(self, cost):
        """Returns the least time that a cost takes on this machine."""
        return 1000 * max(cost.bytes / self.bandwidth, cost.flops / self.rate)


def arrays(case, rng):
    return (rng.random((case.side, case.side), "float32"),)


def cost(case, kind):
    """Returns the cost: a read and a write of each number; a multiplication and an addition of each pair."""
    n = case.side
    return Cost(2 * SIZE * n * n) if case.name == "copy" else Cost(3 * SIZE * n * n, 2.0 * n**3)


def tensorflow(case, x):
    import tensorflow as tf

    if case.name == "copy":
        return Program("tensorflow", lambda x: -x, (x,))
    return Program("tensorflow", lambda x: tf.matmul(x, x), (x,))


PEERS = {"tensorflow": tensorflow}
TARGETS = []
