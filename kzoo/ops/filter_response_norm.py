"""Filter response normalization with its thresholded linear unit.

Source: Singh & Krishnan 2020, "Filter response normalization layer: eliminating batch dependence in the training of
deep neural networks", arXiv:1911.09737, equations 1 to 4.
"""

from keras import ops

from kzoo.ops.backend import check_floating, spatial_rank, sum_dtype, tensors
from kzoo.ops.norm_arguments import check_channel_weights, check_epsilon
from kzoo.ops.sizes import after_checks, require_pixels, shape_of
from kzoo.ops.xla import island
from kzoo.types import Tensor


def filter_response_norm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    tau: Tensor | None = None,
    epsilon: float = 1e-6,
    extra_epsilon: Tensor | None = None,
) -> Tensor:
    """Returns gamma * x / sqrt(mean square of the channel over the positions + epsilon) + beta, at least tau.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; gamma, beta and tau (C,); returns x's shape and dtype,
    computed in float32 or wider. Each sample and channel is normalized on its own, without subtracting a mean.
    tau: None for no threshold. extra_epsilon: None, or a scalar whose magnitude is added to epsilon, which the paper
    learns for maps of one position.

    >>> filter_response_norm([[[3.0], [-3.0]]], [2.0], [1.0], [0.0])[0, :, 0].numpy().round(3)
    array([3., 0.], dtype=float32)
    """
    who = "filter_response_norm"
    (x,) = tensors(who, "FilterResponseNormalization", x)
    check_floating(who, x)
    spatial_rank(who, x.shape)
    require_pixels(who, shape_of(x))
    check_epsilon(who, epsilon)
    check_channel_weights(who, x, gamma=gamma, beta=beta, tau=tau)
    x = after_checks(x)
    optional = {"threshold": tau, "more": extra_epsilon}
    weights = [ops.cast(part, sum_dtype(x.dtype)) for part in (gamma, beta, *optional.values()) if part is not None]
    given = {name: part is not None for name, part in optional.items()}
    return _normalize(x, *weights, epsilon=float(epsilon), **given)


@island
def _normalize(x, gamma, beta, *others, epsilon, threshold, more):
    y = ops.cast(x, sum_dtype(x.dtype))
    energy = ops.mean(y * y, tuple(range(1, len(x.shape) - 1)), keepdims=True)
    small = epsilon + ops.absolute(others[-1]) if more else epsilon
    y = gamma * (y * ops.rsqrt(energy + small)) + beta
    return ops.cast(ops.maximum(y, others[0]) if threshold else y, x.dtype)
