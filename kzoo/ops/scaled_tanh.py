"""LeNet's activation: a hyperbolic tangent scaled so that f(1) is about 1 and f(-1) about -1.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", appendix A.
"""

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops.backend import check_floating, tensors


def scaled_tanh(x, amplitude=1.7159, slope=2 / 3):
    """amplitude * tanh(slope * x).

    Shapes: x of any shape, floating; returns the same shape and dtype. Errors: ValueError if x is not floating.

    >>> scaled_tanh([0.0, 1.0]).numpy().round(3)
    array([0., 1.], dtype=float32)
    """
    (x,) = tensors("scaled_tanh", "ScaledTanh", x)
    check_floating("scaled_tanh", x)
    for name, value in (("amplitude", amplitude), ("slope", slope)):
        require(is_number(value), "scaled_tanh", f"{name}, a number", **{name: value})
    return amplitude * ops.tanh(slope * x)
