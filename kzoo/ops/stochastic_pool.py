"""Stochastic pooling: one element of each window, sampled in proportion to its activation.

Source: Zeiler & Fergus 2013, "Stochastic pooling for regularization of deep convolutional neural networks",
arXiv:1301.3557.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, dtype_of, sum_dtype, tensors
from kzoo.ops.large_windows import fold, loop_over_taps, take_taps
from kzoo.ops.lp_pool import norm
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.views import maximum, written_out
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def stochastic_pool(
    x: Tensor,
    ksize: Size,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    noise: Tensor | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Returns an element of each window, sampled with probability a / sum(a), or without noise the expected value.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; noise (B, *output, C), uniform in [0, 1), or None;
    returns (B, *output, C) in x's dtype. Strides default to ksize. a is max(x, 0), as the paper's activations are
    rectified: elements that are not positive are never sampled, and a window without positive ones gives 0. The sample
    is the first element in row-major order at which the running sum exceeds noise * sum; only it receives the gradient.
    Zero padding is never sampled. ceil_mode: as `max_pool_with_argmax`.

    >>> x = [[[1.0], [3.0]]]  # probabilities 1/4 and 3/4
    >>> stochastic_pool(x, 2).numpy().item(), stochastic_pool(x, 2, noise=[[[0.2]]]).numpy().item()
    (2.5, 1.0)
    """
    who = "stochastic_pool"
    (x,) = tensors(who, "StochasticPooling{}D", x)
    check_floating(who, x)
    win = pool_window(who, x, ksize, strides, padding, dilations, ceil_mode)
    x = after_checks(x)
    if noise is None:
        return _expected(x, win=win)
    (noise,) = tensors(who, "StochasticPooling{}D", noise)
    shape = (x.shape[0], *win.output(x.shape[1:-1]), x.shape[-1])
    fits = len(noise.shape) == len(shape) and all(a == b or None in (a, b) for a, b in zip(noise.shape, shape))
    require(fits, who, "noise of the output's shape", noise=tuple(noise.shape), output=shape)
    require("float" in dtype_of(noise), who, "floating noise", dtype=dtype_of(noise))
    return _sample(x, noise, win=win)


def _activations(x, win):
    """Returns each window's activations, the activations divided by a scale, and the scale: the window's maximum.

    Divided, their sum cannot overflow. The scale is 1 where the maximum is 0 or infinite.
    """
    a = ops.relu(ops.cast(x, sum_dtype(x.dtype)))
    elements = [view for _, view in win.views(win.pad(a), win.output(ops.shape(x)[1:-1]))]
    top = ops.stop_gradient(maximum(elements))
    scale = ops.where((top > 0) & (top < float("inf")), top, 1)
    return elements, [element / scale for element in elements], scale


def _shares(x, win):
    """Returns the padded activations, and how much each adds to a mean of its window, which cannot overflow."""
    a = win.pad(ops.relu(ops.cast(x, sum_dtype(x.dtype))))
    return a, a / math.prod(win.size)


@island
def _expected(x, *, win):
    output = win.output(ops.shape(x)[1:-1])
    if not written_out(*win.size):
        _, shares = _shares(x, win)
        total, root = (fold(lambda parts, p=p: norm(parts, p), shares, win, output) for p in (1.0, 2.0))
        return ops.cast(safe_math.divide(root, total) * root * math.prod(win.size), x.dtype)
    _, parts, scale = _activations(x, win)
    total = sum(parts)
    mean = sum(part * part for part in parts) / ops.where(ops.equal(total, 0), 1, total)
    return ops.cast(scale * mean, x.dtype)


@island
def _sample(x, noise, *, win):
    if not written_out(*win.size):
        return ops.cast(_sample_in_loop(x, noise, win), x.dtype)
    elements, parts, _ = _activations(x, win)
    total = ops.stop_gradient(sum(parts))
    threshold, running, drawn = ops.cast(noise, total.dtype) * total, 0.0, ops.zeros_like(total)
    for a, part in zip(elements, parts):
        # The last positive element before which the sum does not exceed the threshold. Rounding of the sum cannot leave
        # a window without one.
        drawn = ops.where((running <= threshold) & (a > 0), a, drawn)
        running = running + ops.stop_gradient(part)
    return ops.cast(ops.where(ops.not_equal(total, total), total, drawn), x.dtype)  # keeps NaN


def _sample_in_loop(x, noise, win):
    """Returns `_sample` with a loop op over the taps."""
    a, shares = _shares(x, win)
    total = ops.stop_gradient(fold(sum, shares, win, win.output(ops.shape(x)[1:-1])))
    threshold = ops.cast(noise, total.dtype) * total

    def step(state, tap, share):
        drawn, running = state
        return ops.where((running <= threshold) & (share > 0), tap, drawn), running + share

    start = ops.zeros_like(total, dtype="int32"), ops.zeros_like(total)
    taps, _ = loop_over_taps(step, shares, win, start)
    return ops.where(ops.not_equal(total, total), total, take_taps(a, taps, win))  # keeps NaN
