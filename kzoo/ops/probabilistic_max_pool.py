"""Probabilistic max pooling: at most one unit of each block is on, and the pooling unit is on if one is.

Source: Lee, Grosse, Ranganath & Ng 2009, "Convolutional deep belief networks for scalable unsupervised learning of
hierarchical representations", section 3.3.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, dtype_of, spatial_rank, sum_dtype, tensors
from kzoo.ops.sizes import after_checks, equal_sizes, every, require_size, sizes_of
from kzoo.ops.views import as_tuple
from kzoo.ops.xla import island
from kzoo.types import Size, Tensor


def probabilistic_max_pool(x: Tensor, ksize: Size = 2, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Returns the probabilities of a softmax over each block and "none", or with noise a sample from it.

    Shapes: x (B, *spatial, C) floating, the input of each detection unit, with sizes divisible by ksize; returns
    (hidden, pooled) in x's dtype, computed in float32 or wider: hidden (B, *spatial, C), exp(x) / (1 + sum over the
    block of exp(x)), and pooled (B, *spatial / ksize, C), the block's sum of hidden.
    With noise (B, *spatial / ksize, C), uniform in [0, 1), hidden is 1 at the unit that is on, and pooled is 1 if there
    is one; otherwise they are 0. The unit is the first in row-major order at which the running sum of probabilities
    exceeds the noise.

    >>> hidden, pooled = probabilistic_max_pool([[[0.0], [0.0]]], 2)
    >>> hidden.numpy().ravel().round(3), pooled.numpy().item()
    (array([0.333, 0.333], dtype=float32), 0.6666666865348816)
    """
    who = "probabilistic_max_pool"
    (x,) = tensors(who, "ProbabilisticMaxPooling2D", x)
    size = as_tuple(who, "ksize", ksize, spatial_rank(who, x.shape))
    check_floating(who, x)
    check_blocks(who, "ksize", size, sizes_of(x))
    x = after_checks(x)
    require(x.shape[-1] is not None, who, "a known number of channels", shape=tuple(x.shape))
    if noise is None:
        return _mean(x, size=size)
    (noise,) = tensors(who, "ProbabilisticMaxPooling2D", noise)
    shape = (x.shape[0], *(None if n is None else n // k for n, k in zip(x.shape[1:-1], size)), x.shape[-1])
    fits = len(noise.shape) == len(shape) and all(a == b or None in (a, b) for a, b in zip(noise.shape, shape))
    require(fits, who, "noise of the pooled shape", noise=tuple(noise.shape), pooled=shape)
    require("float" in dtype_of(noise), who, "floating noise", dtype=dtype_of(noise))
    return _sample(x, noise, size=size)


def check_blocks(who, name, size, spatial):
    """Raises a ValueError unless the blocks divide the spatial sizes. Unknown sizes are not checked."""
    fits = every(
        condition for n, k in zip(spatial, size) if n is not None for condition in (n > 0, equal_sizes(n % k, 0))
    )
    require_size(fits, who, f"spatial sizes that {name} divides", **{name: size}, spatial=tuple(spatial))


@island
def _mean(x, *, size):
    p = _probabilities(x, size)
    return _unblock(p, x, size), ops.cast(ops.sum(p, -2), x.dtype)


@island
def _sample(x, noise, *, size):
    p = _probabilities(x, size)
    noise = ops.cast(noise, p.dtype)[..., None, :]
    running = ops.cumsum(p, -2)
    before = ops.concatenate([ops.zeros_like(running[..., :1, :]), running[..., :-1, :]], -2)
    on = (running > noise) & (before <= noise)
    return _unblock(ops.cast(on, p.dtype), x, size), ops.cast(ops.any(on, -2), x.dtype)


def _probabilities(x, size):
    """Returns the softmax over each block and "none", whose input is 0: (B, *blocks, elements of a block, C)."""
    rank = len(size)
    pooled = [n // k for n, k in zip(ops.shape(x)[1:-1], size)]
    split = [n for pair in zip(pooled, size) for n in pair]
    y = ops.reshape(ops.cast(x, sum_dtype(x.dtype)), (-1, *split, x.shape[-1]))
    y = ops.transpose(y, (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1))
    y = ops.reshape(y, (-1, *pooled, math.prod(size), x.shape[-1]))
    top = ops.stop_gradient(ops.maximum(ops.max(y, -2, keepdims=True), 0))  # so that no exponential overflows
    weight = ops.exp(y - top)
    return weight / (ops.exp(-top) + ops.sum(weight, -2, keepdims=True))


def _unblock(p, x, size):
    """Returns (B, *blocks, elements, C) in x's shape and dtype."""
    rank, pooled = len(size), ops.shape(p)[1:-2]
    y = ops.reshape(p, (-1, *pooled, *size, x.shape[-1]))
    order = [0] + [axis for i in range(rank) for axis in (1 + i, 1 + rank + i)] + [2 * rank + 1]
    y = ops.reshape(ops.transpose(y, order), (-1, *(n * k for n, k in zip(pooled, size)), x.shape[-1]))
    return ops.cast(y, x.dtype)
