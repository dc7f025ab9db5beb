"""Weight standardization: kernels whose filters have mean 0 and variance 1.

Source: Qiao, Wang, Liu, Shen & Yuille 2019, "Micro-batch training with batch-channel normalization and weight
standardization", arXiv:1903.10520; for the gain Brock, De & Smith 2021, "Characterizing signal propagation to close the
performance gap in unnormalized ResNets", arXiv:2101.08692.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.norm_arguments import check_epsilon
from kzoo.types import Tensor


def standardize_kernel(kernel: Tensor, epsilon: float = 1e-6, gain: Tensor | None = None) -> Tensor:
    """Returns each filter of a kernel minus its mean, divided by sqrt(its variance + epsilon).

    Shapes: kernel (*size, channels, F) floating, with at least 2 weights in each filter; returns the same shape and
    dtype, computed in float32 or wider. The variance is that of the weights, not an estimate from a sample.
    gain: None, or (F,), by which the filters are multiplied after a division by sqrt(number of weights in a filter), so
    that a gain of 1 keeps the variance of independent inputs of mean 0.

    >>> standardize_kernel([[1.0, 4.0], [3.0, 4.0]]).numpy().round(3)  # filters (1, 3) and (4, 4)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """
    who = "standardize_kernel"
    (kernel,) = tensors(who, "StandardizedConv{}D", kernel)
    check_floating(who, kernel)
    count = math.prod(kernel.shape[:-1])
    require(count > 1, who, "a kernel of at least 2 weights in each filter", kernel=tuple(kernel.shape))
    check_epsilon(who, epsilon)
    w, axes = ops.cast(kernel, sum_dtype(kernel.dtype)), tuple(range(len(kernel.shape) - 1))
    w = w - ops.mean(w, axes, keepdims=True)
    scale = ops.rsqrt(ops.mean(w * w, axes) + epsilon)
    if gain is not None:
        (gain,) = tensors(who, "StandardizedConv{}D", gain)
        require(tuple(gain.shape) == tuple(kernel.shape[-1:]), who, "gain of shape (F,)", gain=tuple(gain.shape))
        scale = scale * ops.cast(gain, w.dtype) / math.sqrt(count)
    return ops.cast(w * scale, kernel.dtype)
