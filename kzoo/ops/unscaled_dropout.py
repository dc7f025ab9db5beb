"""Dropout as first published: what is kept in training stays as it is, and inference scales.

Source: Hinton, Srivastava, Krizhevsky, Sutskever & Salakhutdinov 2012, "Improving neural networks by preventing
co-adaptation of feature detectors", arXiv:1207.0580.
"""

import math

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.types import Tensor


def unscaled_dropout(
    x: Tensor, rate: float = 0.5, inference_scale: float | None = None, noise: Tensor | None = None
) -> Tensor:
    """Returns x with zeros where noise is below the rate; without noise, x times inference_scale.

    Shapes: x of any shape, floating; noise of its shape, uniform in [0, 1). Returns its shape and dtype.
    Arguments: inference_scale, by default 1 - rate, so that inference has the mean over the noise.

    >>> unscaled_dropout([[4.0, 8.0]], 0.25, noise=[[0.1, 0.7]]).numpy()
    array([[0., 8.]], dtype=float32)
    >>> unscaled_dropout([[4.0, 8.0]], 0.25).numpy()
    array([[3., 6.]], dtype=float32)
    """
    who = "unscaled_dropout"
    (x,) = tensors(who, "UnscaledDropout", x)
    check_floating(who, x)
    check_settings(who, rate, inference_scale)
    if noise is None:
        dtype = sum_dtype(x.dtype)
        return ops.cast(ops.cast(x, dtype) * as_scale(rate, inference_scale), x.dtype)
    (noise,) = tensors(who, "UnscaledDropout", noise)
    of_noise, of_x = tuple(noise.shape), tuple(x.shape)
    fits = len(of_noise) == len(of_x) and all(a == b or None in (a, b) for a, b in zip(of_noise, of_x))
    require(fits, who, "noise of the shape of x", noise=of_noise, x=of_x)
    return ops.where(noise < rate, 0, x)


def as_scale(rate, inference_scale):
    """Returns the factor of inference: 1 - rate unless there is another."""
    return 1 - rate if inference_scale is None else inference_scale


def check_settings(who, rate, inference_scale):
    """Raises Refusal unless the rate is a number from 0 to 1, and the scale None or a number of at least 0."""
    require(is_number(rate) and 0 <= rate <= 1, who, "rate, a number from 0 to 1", rate=rate)
    good = inference_scale is None or (is_number(inference_scale) and 0 <= inference_scale < math.inf)
    require(good, who, "inference_scale, a number of at least 0, or None", inference_scale=inference_scale)
