"""The fast Walsh-Hadamard transform.

Source: Fino & Algazi 1976, "Unified matrix treatment of the fast Walsh-Hadamard transform"; Sylvester's order of rows.
"""

import numpy as np
from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.xla import island
from kzoo.types import Tensor

RADIX = 64  # size of one matrix product, which passes over the data a sixth as often as sums of pairs would


def hadamard(x: Tensor) -> Tensor:
    """Returns x times the Hadamard matrix of +1 and -1, along the last axis, in n log n operations.

    Shapes: x (..., n) floating, n a power of two; returns the same shape and dtype, summed in float32 or wider. Applied
    twice it gives n * x.

    >>> hadamard([1.0, 0.0, 2.0, 0.0]).numpy()
    array([ 3.,  3., -1., -1.], dtype=float32)
    """
    (x,) = tensors("hadamard", "Fastfood", x)
    check_floating("hadamard", x)
    n = x.shape[-1] if len(x.shape) else None
    power = n is not None and n > 0 and n & (n - 1) == 0
    require(power, "hadamard", "x whose last axis is a power of two", shape=tuple(x.shape))
    return _hadamard(x)


@island
def _hadamard(x):
    n, shape = x.shape[-1], ops.shape(x)
    y, done = ops.cast(x, sum_dtype(x.dtype)), 1
    while done < n:  # the matrix is a Kronecker product of small ones, applied axis by axis
        radix = min(RADIX, n // done)
        small = ops.cast(matrix(radix), y.dtype)
        if done == 1:
            y = ops.matmul(ops.reshape(y, (-1, radix)), small)
        else:
            y = ops.matmul(small, ops.reshape(y, (-1, radix, done)))
        done *= radix
    return ops.cast(ops.reshape(y, shape), x.dtype)


def matrix(n):
    """Returns the n x n Hadamard matrix in Sylvester's order, for a power of two."""
    h = np.ones((1, 1), "float32")
    while len(h) < n:
        h = np.block([[h, h], [h, -h]])
    return h
