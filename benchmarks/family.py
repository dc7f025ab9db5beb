"""The parts of a benchmark: cases, the peers that run them, their minimal cost, and their targets.

A family is a module with `CASES`, `arrays(case, rng)`, `cost(case, kind)`, `PEERS` and `TARGETS`. Its functions import
their framework when called, so that a process loads only one.
"""

from typing import Any, NamedTuple

WIDTH = {"float32": 4.0, "bfloat16": 2.0}  # bytes of a number
KINDS = ("forward", "step")  # step: forward and the gradients of all floating inputs and weights


class Case(dict):
    """Settings that are read as attributes; by default `dtype` is float32 and `kinds` both."""

    __getattr__ = dict.__getitem__

    def __init__(self, name, **settings):
        super().__init__({"name": name, "dtype": "float32", "kinds": KINDS} | settings)


class Absent(Exception):
    """Raised by a peer that does not support a case; the message says why."""


class Program(NamedTuple):
    """What a peer runs: a function of a framework's tensors, `arrays` to call it with, and its variables, if any.

    `framework` is "tensorflow", "xla" (TensorFlow compiled as a whole), "torch" or "jax"; integer arrays have no
    gradient. With "plain", `function` maps each kind to a function without arguments.
    """

    framework: str
    function: Any
    arrays: tuple
    variables: Any = ()


class Cost(NamedTuple):
    """The minimal work: bytes read or written once, and multiplications and additions."""

    bytes: float
    flops: float = 0.0


class Target(NamedTuple):
    """A ratio peer / kzoo of medians that a case should reach, against the fastest peer whose name has this prefix."""

    peer: str
    kind: str
    ratio: float
    cases: str = "*"  # a shell pattern
    ours: str = "kzoo"  # the kzoo peer that the target is for


def load_torch():
    """Returns PyTorch. To be called before TensorFlow is imported, beside which its compiler cannot be loaded."""
    import torch
    import torch._dynamo

    return torch
