"""Stochastic depth: residual branches that are dropped at random in training.

Source: Huang, Sun, Liu, Sedra & Weinberger 2016, "Deep networks with stochastic depth", arXiv:1603.09382, equations 2
and 5.
"""

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops.backend import check_floating, check_one_dtype, sum_dtype, tensors
from kzoo.types import Tensor


def stochastic_depth(
    shortcut: Tensor, residual: Tensor, survival_probability: float = 0.5, noise: Tensor | None = None
) -> Tensor:
    """Returns shortcut + residual where a sample's branch survives, else shortcut; without noise the expected value.

    Shapes: shortcut and residual (B, ...) floating; noise (B,) or (1,), uniform in [0, 1): a branch survives where it
    is below survival_probability, with (1,) in all samples together. Returns their shape and dtype.

    >>> stochastic_depth([[1.0], [1.0]], [[4.0], [4.0]], 0.5, noise=[0.2, 0.7]).numpy().ravel()
    array([5., 1.], dtype=float32)
    >>> stochastic_depth([[1.0]], [[4.0]], 0.5).numpy().item()
    3.0
    """
    who = "stochastic_depth"
    shortcut, residual = tensors(who, "StochasticDepth", shortcut, residual)
    check_floating(who, shortcut)
    check_one_dtype(who, "shortcut and residual", shortcut=shortcut, residual=residual)
    check_branches(who, shortcut.shape, residual.shape)
    check_probability(who, survival_probability)
    if noise is None:
        share = survival_probability
    else:
        (noise,) = tensors(who, "StochasticDepth", noise)
        counts = (None, 1, shortcut.shape[0])
        fits = len(noise.shape) == 1 and (shortcut.shape[0] is None or noise.shape[0] in counts)
        require(fits, who, "noise (batch,) or (1,)", noise=tuple(noise.shape), shortcut=tuple(shortcut.shape))
        share = ops.cast(noise < survival_probability, sum_dtype(shortcut.dtype))
        share = ops.reshape(share, (-1, *[1] * (len(shortcut.shape) - 1)))
    dtype = sum_dtype(shortcut.dtype)
    return ops.cast(ops.cast(shortcut, dtype) + share * ops.cast(residual, dtype), shortcut.dtype)


def check_branches(who, shortcut, residual):
    """Raises Refusal unless the two shapes agree where both are known."""
    agree = len(shortcut) == len(residual) >= 1 and all(a == b or None in (a, b) for a, b in zip(shortcut, residual))
    require(agree, who, "shortcut and residual of one shape", shortcut=tuple(shortcut), residual=tuple(residual))


def check_probability(who, probability):
    """Raises Refusal unless the probability is a number from 0 to 1."""
    good = is_number(probability) and 0 <= probability <= 1
    require(good, who, "survival_probability, a number from 0 to 1", survival_probability=probability)
