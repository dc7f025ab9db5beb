"""Division and roots that are 0, with gradient 0, where the formula is 0 / 0 or has an infinite slope.

A `where` around the result is not enough: the gradient of the branch not taken is 0 times infinity, which is NaN.
"""

from keras import ops


def divide(a, b):
    """Returns a / b, and 0 where b is 0.

    >>> divide(ops.array([1.0, 1.0]), ops.array([2.0, 0.0])).numpy()
    array([0.5, 0. ], dtype=float32)
    """
    zero = ops.equal(b, 0)
    return ops.where(zero, 0, a / ops.where(zero, 1, b))


def root(a, degree=2):
    """Returns a^(1 / degree) for a >= 0, with gradient 0 where a is 0.

    >>> root(ops.array([9.0, 0.0])).numpy()
    array([3., 0.], dtype=float32)
    """
    zero = ops.equal(a, 0)
    filled = ops.where(zero, 1, a)
    return ops.where(zero, 0, ops.sqrt(filled) if degree == 2 else filled ** (1 / degree))
