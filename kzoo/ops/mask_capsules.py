"""Capsule masking: all capsules except one set to zero, as the input of a decoder.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, section 4.1.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.argmax_indices import argmax_mask, int32_range
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.xla import island
from kzoo.types import Tensor


def mask_capsules(x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Returns x with all vectors except that of each sample's label set to 0; without labels the longest one is kept.

    Shapes: x (B, capsules, D) floating, labels (B,) integers or None; returns x's shape and dtype. A negative label
    means no label; a label of at least the number of capsules keeps none. Of several longest vectors the first is kept.

    >>> mask_capsules([[[3.0, 4.0], [1.0, 0.0]]], [1]).numpy()
    array([[[0., 0.],
            [1., 0.]]], dtype=float32)
    """
    (x,) = tensors("mask_capsules", "MaskCapsules", x)
    check_floating("mask_capsules", x)
    check_capsules("mask_capsules", x.shape)
    if labels is None:
        return _mask(x, ops.full_like(x[:, 0, 0], -1, dtype="int32"))
    (labels,) = tensors("mask_capsules", "MaskCapsules", labels)
    check_labels("mask_capsules", labels)
    alike = len(labels.shape) == 1 and (None in (*labels.shape, x.shape[0]) or labels.shape[0] == x.shape[0])
    require(alike, "mask_capsules", "a label for each sample", labels=tuple(labels.shape), x=tuple(x.shape))
    return _mask(x, labels)


def check_capsules(who, shape):
    """Raises a ValueError unless the shape is (batch, capsules, dimension) with a known number of capsules."""
    good = len(shape) == 3 and shape[1] is not None and shape[1] > 0
    require(good, who, "capsules (batch, their number, dimension)", shape=tuple(shape))


def check_labels(who, labels):
    """Raises a ValueError unless labels are integers."""
    require("int" in str(labels.dtype), who, "integer labels", dtype=str(labels.dtype))


@island
def _mask(x, labels):
    y = ops.cast(x, sum_dtype(x.dtype))
    longest = argmax_mask(ops.sum(y * y, -1))  # in y's dtype, as 16-bit squares may overflow
    labels = ops.cast(labels, "int32")[:, None]
    kept = ops.where(labels < 0, longest, ops.equal(labels, int32_range(x.shape[1])))
    return ops.where(kept[..., None], x, 0)
