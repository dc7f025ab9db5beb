"""Low-rank local connectivity: each output position mixes a few kernels that all positions share.

It lies between a convolution (one kernel) and a locally connected operation (as many kernels as positions).

Source: Elsayed, Ramachandran, Shlens & Kornblith 2020, "Revisiting spatial invariance with low-rank local
connectivity", section 3.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_one_dtype, spatial_rank, sum_dtype, tensors
from kzoo.ops.conv import conv
from kzoo.ops.locally_connected import locally_connected
from kzoo.ops.sizes import after_checks, sizes_of
from kzoo.ops.views import window
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor

MOST_MIXED = 2**20  # weights of all positions, up to which kernels are mixed: twice as fast in mnist1d_low_rank


def low_rank_locally_connected(
    x: Tensor, kernel: Tensor, mixture: Tensor, strides: Size = 1, padding: Padding = "valid", dilations: Size = 1
) -> Tensor:
    """Returns the sum over q of mixture[p, q] times the convolution of x with kernel q, at each output position p.

    Shapes: x (B, *spatial, C), kernel (*size, C, Q, F), in 1 to 3 spatial axes, mixture (*output, Q), or (B, *output,
    Q) for mixtures that depend on the sample; returns (B, *output, F). padding: as `conv`.

    >>> mixture = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    >>> kernel = ops.reshape(ops.convert_to_tensor([2.0, 4.0]), (1, 1, 2, 1))
    >>> low_rank_locally_connected(ops.ones((1, 3, 1)), kernel, mixture)[0, :, 0].numpy()
    array([2., 3., 4.], dtype=float32)
    """
    who = "low_rank_locally_connected"
    x, kernel, mixture = tensors(who, "LowRankLocallyConnected{}D", x, kernel, mixture)
    rank = spatial_rank(who, x.shape)
    fits = len(kernel.shape) == rank + 3 and kernel.shape[-3] == x.shape[-1]
    expected = "kernel (*size, channels, kernels, filters)"
    require(fits, who, expected, x=tuple(x.shape), kernel=tuple(kernel.shape))
    check_one_dtype(who, "x, kernel and mixture", x=x, kernel=kernel, mixture=mixture)
    *size, channels, kernels, filters = kernel.shape
    win = window(who, rank, tuple(size), strides, padding, dilations)
    win.check(who, sizes_of(x))
    wanted = (*win.output(x.shape[1:-1]), kernels)
    given = tuple(mixture.shape)
    batch = given[: -1 - rank]
    fits = len(batch) <= 1 and all(n is None or m is None or n == m for n, m in zip(wanted, given[len(batch) :]))
    fits = fits and len(given) - len(batch) == len(wanted)
    fits = fits and all(n is None or x.shape[0] is None or n == x.shape[0] for n in batch)
    require(fits, who, f"mixture {wanted}, perhaps with a batch axis", x=tuple(x.shape), mixture=given)
    x, places = after_checks(x), math.prod(n or 1 for n in wanted[:-1])
    if not batch and None not in wanted and places * math.prod((*size, channels, filters)) <= MOST_MIXED:
        return locally_connected(x, _mixed_kernels(kernel, mixture), strides, padding, dilations)
    y = conv(x, ops.reshape(kernel, (*size, channels, kernels * filters)), strides, padding, dilations)
    return _mix(y, mixture, shape=(kernels, filters))


def _mixed_kernels(kernel, mixture):
    """Returns the kernel of each position, (*output, *size, C, F)."""
    dtype = sum_dtype(kernel.dtype)
    mixed = ops.tensordot(ops.cast(mixture, dtype), ops.cast(kernel, dtype), [[-1], [len(kernel.shape) - 2]])
    return ops.cast(mixed, kernel.dtype)


@island
def _mix(y, mixture, *, shape):
    """Returns the sums of the responses y (B, *output, kernels * filters), weighted by a mixture (..., kernels)."""
    dtype = sum_dtype(y.dtype)
    responses = ops.reshape(ops.cast(y, dtype), (*ops.shape(y)[:-1], *shape))
    return ops.cast(ops.sum(responses * ops.cast(mixture, dtype)[..., None], -2), y.dtype)
