"""Stochastic pooling: one cell of each window, drawn in proportion to its activation.

Source: Zeiler & Fergus 2013, "Stochastic pooling for regularization of deep convolutional neural networks",
arXiv:1301.3557.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, tensors, wide
from kzoo.ops.pool_window import pool_window
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
    require("float" in str(noise.dtype), who, "floating noise", dtype=str(noise.dtype))
    return _sample(x, noise, win=win)


def _activations(x, win):
    a = ops.relu(ops.cast(x, wide(x.dtype)))
    return [view for _, view in win.views(win.pad(a), win.output(ops.shape(x)[1:-1]))]


@island
def _expected(x, *, win):
    cells = _activations(x, win)
    total = sum(cells)
    total = ops.where(total == 0, 1, total)
    return ops.cast(sum(a * (a / total) for a in cells), x.dtype)  # a * a could overflow


@island
def _sample(x, noise, *, win):
    cells = _activations(x, win)
    threshold = ops.stop_gradient(ops.cast(noise, cells[0].dtype) * sum(cells))
    running, drawn = 0.0, ops.zeros_like(cells[0])
    for a in cells:
        # while the sum has not passed the threshold, the latest positive cell: rounding can leave no window empty
        drawn = ops.where((running <= threshold) & (a > 0), a, drawn)
        running = running + ops.stop_gradient(a)
    return ops.cast(drawn, x.dtype)
