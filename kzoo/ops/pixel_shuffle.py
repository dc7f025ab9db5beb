"""Pixel shuffling: channels become pixels of a larger image, and the inverse.

Source: Shi et al. 2016, "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
neural network", arXiv:1609.05158; the names of the channel orders are those of ONNX's DepthToSpace.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import spatial_rank, tensors
from kzoo.ops.sizes import after_checks, require_size, sizes_of
from kzoo.ops.views import as_tuple
from kzoo.types import Size, Tensor

__all__ = ["pixel_shuffle", "pixel_unshuffle"]

ORDERS = ("CRD", "DCR")


def pixel_shuffle(x: Tensor, factor: Size, order: str = "CRD") -> Tensor:
    """Returns x with each group of prod(factor) channels laid out as a block of pixels.

    Shapes: x (B, *spatial, C * prod(factor)), in 1 to 3 spatial axes, of any dtype; returns (B, *spatial * factor, C).
    factor: an integer, or one for each axis. order: "CRD" takes a block's pixels from neighbouring channels, as
    PyTorch's `pixel_shuffle`; "DCR" from channels C apart, as `tf.nn.depth_to_space`.

    >>> pixel_shuffle([[[1.0, 2.0], [3.0, 4.0]]], 2)[0, :, 0].numpy()
    array([1., 2., 3., 4.], dtype=float32)
    """
    who = "pixel_shuffle"
    (x,) = tensors(who, "PixelShuffle{}D", x)
    block = as_factor(who, factor, order, spatial_rank(who, x.shape))
    channels, rank = shuffled_channels(who, x.shape[-1], block), len(block)
    batch, *spatial, _ = ops.shape(x)
    if order == "CRD":
        blocks, channel_axis, first = (channels, *block), rank + 1, rank + 2
    else:
        blocks, channel_axis, first = (*block, channels), 2 * rank + 1, rank + 1
    y = ops.reshape(x, (batch, *spatial, *blocks))
    pairs = [axis for i in range(rank) for axis in (1 + i, first + i)]
    y = ops.transpose(y, (0, *pairs, channel_axis))
    return ops.reshape(y, (batch, *(n * f for n, f in zip(spatial, block)), channels))


def pixel_unshuffle(x: Tensor, factor: Size, order: str = "CRD") -> Tensor:
    """Returns x with each block of `factor` pixels laid out as channels: the inverse of `pixel_shuffle`.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes of sizes that are multiples of `factor`; returns
    (B, *spatial / factor, C * prod(factor)). Arguments as there.

    >>> pixel_unshuffle([[[1.0], [2.0], [3.0], [4.0]]], 2)[0].numpy()
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    who = "pixel_unshuffle"
    (x,) = tensors(who, "PixelUnshuffle{}D", x)
    block = as_factor(who, factor, order, spatial_rank(who, x.shape))
    check_blocks(who, sizes_of(x), block)
    x, rank = after_checks(x), len(block)
    batch, *spatial, channels = ops.shape(x)
    output = [n // f for n, f in zip(spatial, block)]
    y = ops.reshape(x, (batch, *(size for pair in zip(output, block) for size in pair), channels))
    outer, inner = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
    last = (2 * rank + 1, *inner) if order == "CRD" else (*inner, 2 * rank + 1)
    return ops.reshape(ops.transpose(y, (0, *outer, *last)), (batch, *output, channels * math.prod(block)))


def as_factor(who, factor, order, rank):
    """Returns the factor of each axis as a tuple, after checking it and the order of the channels."""
    require(order in ORDERS, who, f"order, one of {ORDERS}", order=order)
    return as_tuple(who, "factor", factor, rank)


def shuffled_channels(who, channels, factor):
    """Returns the number of channels after shuffling; None if it is unknown before."""
    require(channels is not None, who, "a known number of channels", channels=channels)
    count = math.prod(factor)
    require(channels % count == 0, who, f"channels in groups of {count}", channels=channels, factor=factor)
    return channels // count


def check_blocks(who, spatial, factor):
    """Raises Refusal unless each known size is a multiple of its factor."""
    for axis, (size, step) in enumerate(zip(spatial, factor)):
        if size is not None:
            require_size(size % step == 0, who, f"a multiple of {step} on spatial axis {axis}", size=size)
