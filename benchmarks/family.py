"""What a benchmark is made of: cases, who runs them, what they cost at least, and what they should reach.

A family is a module with `CASES`, `arrays(case, rng)`, `cost(case, kind)`, `PEERS` and `TARGETS`; its functions import
their framework themselves, so that a process holds one alone.

Source: none.
"""

from typing import Any, NamedTuple

WIDTH = {"float32": 4.0, "bfloat16": 2.0}  # bytes of a number
KINDS = ("forward", "step")  # step: forward and the gradients of all floating inputs and weights


class Case(dict):
    """Settings that are read as attributes; `dtype` is float32 unless told, `kinds` both."""

    __getattr__ = dict.__getitem__

    def __init__(self, name, **settings):
        super().__init__({"name": name, "dtype": "float32", "kinds": KINDS} | settings)


class Absent(Exception):
    """A peer takes no part in a case; the message says why."""


class Program(NamedTuple):
    """What a peer runs: a function of a framework's tensors, `arrays` to call it on, and its variables, if any.

    `framework` is "tensorflow", "xla" (TensorFlow compiled whole), "torch" or "jax"; integer arrays have no gradient.
    Or it is "plain": then `function` maps each kind to a function without arguments.
    """

    framework: str
    function: Any
    arrays: tuple
    variables: Any = ()


class Cost(NamedTuple):
    """What must at least be done: bytes read or written once, and multiplications and additions."""

    bytes: float
    flops: float = 0.0


class Target(NamedTuple):
    """A ratio peer / kzoo of medians that a case should reach, against the fastest peer whose name starts so."""

    peer: str
    kind: str
    ratio: float
    cases: str = "*"  # a shell pattern
    ours: str = "kzoo"  # which of kzoo's own peers it is about
