"""Stochastic pooling: one cell of each window, drawn in proportion to its activation.

Source: Zeiler & Fergus 2013, "Stochastic pooling for regularization of deep convolutional neural networks",
arXiv:1301.3557.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, dtype_of, tensors, wide
from kzoo.ops.pool_window import pool_window
from kzoo.ops.views import largest
from kzoo.ops.xla import island


def stochastic_pool(x, ksize, strides=None, padding="valid", dilations=1, noise=None):
    """A cell of each window, drawn with probability a / (sum of a), or without noise the mean with these weights.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; noise (B, *output, C), uniform in [0, 1), or None;
    returns (B, *output, C) in x's dtype. Strides default to ksize. Units: cells.
    a is max(x, 0), as the paper's activations are rectified: a cell that is not positive is never drawn, and a window
    without a positive one gives 0. The first cell in row-major order whose running sum exceeds noise * sum is the one;
    it alone receives the gradient. Cells that padding by zeros made are never drawn.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> x = [[[1.0], [3.0]]]  # probabilities 1/4 and 3/4
    >>> stochastic_pool(x, 2).numpy().item(), stochastic_pool(x, 2, noise=[[[0.2]]]).numpy().item()
    (2.5, 1.0)
    """
    who = "stochastic_pool"
    (x,) = tensors(who, "StochasticPooling{}D", x)
    check_floating(who, x)
    win = pool_window(who, x, ksize, strides, padding, dilations)
    if noise is None:
        return _expected(x, win=win)
    (noise,) = tensors(who, "StochasticPooling{}D", noise)
    shape = (x.shape[0], *win.output(x.shape[1:-1]), x.shape[-1])
    fits = len(noise.shape) == len(shape) and all(a == b or None in (a, b) for a, b in zip(noise.shape, shape))
    require(fits, who, "noise of the output's shape", noise=tuple(noise.shape), output=shape)
    require("float" in dtype_of(noise), who, "floating noise", dtype=dtype_of(noise))
    return _sample(x, noise, win=win)


def _activations(x, win):
    """The activations of each window; these over the largest, so that no sum overflows; and that, 1 where it is 0."""
    a = ops.relu(ops.cast(x, wide(x.dtype)))
    cells = [view for _, view in win.views(win.pad(a), win.output(ops.shape(x)[1:-1]))]
    top = ops.stop_gradient(largest(cells))
    scale = ops.where((top > 0) & (top < float("inf")), top, 1)
    return cells, [cell / scale for cell in cells], scale


@island
def _expected(x, *, win):
    _, parts, scale = _activations(x, win)
    total = sum(parts)
    mean = sum(part * part for part in parts) / ops.where(total == 0, 1, total)
    return ops.cast(scale * mean, x.dtype)


@island
def _sample(x, noise, *, win):
    cells, parts, _ = _activations(x, win)
    total = ops.stop_gradient(sum(parts))
    threshold, running, drawn = ops.cast(noise, total.dtype) * total, 0.0, ops.zeros_like(total)
    for a, part in zip(cells, parts):
        # while the sum has not passed the threshold, the latest positive cell: rounding can leave no window empty
        drawn = ops.where((running <= threshold) & (a > 0), a, drawn)
        running = running + ops.stop_gradient(part)
    return ops.cast(ops.where(total != total, total, drawn), x.dtype)  # noqa: PLR0124 (NaN is not swallowed)
