"""What this machine can do: bytes moved and flops done a second, measured with the code that kzoo runs on.

A floor is the larger of bytes / bandwidth and flops / rate. What fits into the caches can beat the bandwidth, which is
that of main memory.

Source: the roofline model, Williams, Waterman & Patterson 2009.
"""

from typing import NamedTuple

from benchmarks.family import Case, Cost, Program

CASES = [Case("copy", kinds=("forward",), side=8192), Case("matrix product", kinds=("forward",), side=2048)]
SIZE = 4  # bytes of a float32


class Machine(NamedTuple):
    """Bytes and flops a second."""

    bandwidth: float
    rate: float

    def milliseconds(self, cost):
        """The least time that a cost takes here."""
        return 1000 * max(cost.bytes / self.bandwidth, cost.flops / self.rate)


def arrays(case, rng):
    return (rng.random((case.side, case.side), "float32"),)


def cost(case, kind):
    """A read and a write of each number; a multiplication and an addition of each pair."""
    n = case.side
    return Cost(2 * SIZE * n * n) if case.name == "copy" else Cost(3 * SIZE * n * n, 2.0 * n**3)


def tensorflow(case, x):
    import tensorflow as tf

    if case.name == "copy":
        return Program("tensorflow", lambda x: -x, (x,))
    return Program("tensorflow", lambda x: tf.matmul(x, x), (x,))


PEERS = {"tensorflow": tensorflow}
TARGETS = []
