"""Routing by agreement: capsules send their output to those capsules of the next layer whose output agrees with it.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, procedure 1; for the leak
the first author's code, https://github.com/Sarasra/models, research/capsules.
"""

from keras import ops

from kzoo.checks import as_bool, is_integer, require
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.squash import squash
from kzoo.ops.xla import island
from kzoo.types import Tensor


def route(predictions: Tensor, iterations: int = 3, bias: Tensor | None = None, leaky: bool = False) -> Tensor:
    """Returns the output capsules: squashed sums of the predictions, weighted by softmaxes that agreement sharpens.

    Shapes: predictions (B, *spatial, inputs, outputs, D) floating, with any number of spatial axes, at each position of
    which capsules are routed for themselves; bias (outputs, D) or None, added to the sums; returns (B, *spatial,
    outputs, D) in the predictions' dtype, computed in float32 or wider.
    leaky: whether each softmax, over the outputs, has one more class, whose logit stays 0 and whose weight is dropped.
    It takes the weight of inputs that agree with no output.

    >>> route([[[[3.0, 4.0]]]]).numpy().round(3)  # with one output capsule, all weights are 1
    array([[[0.577, 0.769]]], dtype=float32)
    """
    (u,) = tensors("route", "Capsules", predictions)
    expected = "predictions (batch, *spatial, inputs, outputs, dimension)"
    require(len(u.shape) >= 4, "route", expected, shape=tuple(u.shape))
    check_floating("route", u)
    require(is_integer(iterations, least=1), "route", "iterations, an integer above 0", iterations=iterations)
    if bias is None:
        bias = ops.zeros(u.shape[-2:], u.dtype)
    (bias,) = tensors("route", "Capsules", bias)
    fits = tuple(bias.shape) == tuple(u.shape[-2:]) and bias.dtype == u.dtype
    require(fits, "route", "bias (outputs, dimension) of the predictions' dtype", bias=tuple(bias.shape))
    return _route(u, bias, iterations=int(iterations), leaky=as_bool("route", leaky=leaky))


@island
def _route(u, bias, *, iterations, leaky):
    dtype = u.dtype
    u, bias = (ops.cast(part, sum_dtype(dtype)) for part in (u, bias))
    logits = ops.zeros_like(u[..., 0])
    for iteration in range(iterations):
        classes = ops.concatenate([ops.zeros_like(logits[..., :1]), logits], -1) if leaky else logits
        # Keras's softmax warns about a single capsule
        shares = ops.exp(logits - ops.logsumexp(classes, -1, keepdims=True))
        v = squash(ops.einsum("...io,...iod->...od", shares, u) + bias)
        if iteration < iterations - 1:
            logits = logits + ops.einsum("...iod,...od->...io", u, v)
    return ops.cast(v, dtype)
