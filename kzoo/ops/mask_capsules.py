"""All capsules but one set to zero: what a decoder is to draw.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, section 4.1.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.argmax_indices import first_largest, numbers
from kzoo.ops.backend import check_floating, tensors, wide
from kzoo.ops.xla import island


def mask_capsules(x, labels=None):
    """The vector of each sample's label, and 0 in place of all others; without a label the longest one is kept.

    Shapes: x (B, capsules, D) floating, labels (B,) integers or None; returns x's shape and dtype. A label below 0
    means none, one that is no capsule's number keeps nothing. Of several longest the first is kept.
    Errors: ValueError that names the argument, what is expected and what came.

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
    """Refuse what is no list of a known number of capsules."""
    good = len(shape) == 3 and shape[1] is not None and shape[1] > 0
    require(good, who, "capsules (batch, their number, dimension)", shape=tuple(shape))


def check_labels(who, labels):
    """Refuse labels that are no integers."""
    require("int" in str(labels.dtype), who, "integer labels", dtype=str(labels.dtype))


@island
def _mask(x, labels):
    y = ops.cast(x, wide(x.dtype))
    longest = first_largest(ops.sum(y * y, -1))  # a 16-bit square might overflow
    labels = ops.cast(labels, "int32")[:, None]
    kept = ops.where(labels < 0, longest, labels == numbers(x.shape[1]))
    return ops.where(kept[..., None], x, 0)
