"""Conversion of the argmax indices of other libraries to those of `max_pool_with_argmax`.

Source: the documentation of `tf.nn.max_pool_with_argmax`; PyTorch's MaxPool2d and MaxUnpool2d; Caffe's
src/caffe/layers/pooling_layer.cpp, whose masks SegNet's upsampling layer reads.
"""

import math
from collections.abc import Sequence

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import dtype_of, spatial_rank, tensors
from kzoo.ops.views import as_tuple
from kzoo.types import Tensor

__all__ = ["convert_argmax_indices"]

SOURCES = ("tensorflow", "torch", "caffe")


def convert_argmax_indices(indices: Tensor, source: str, size: Sequence[int] | int | None = None) -> Tensor:
    """Returns argmax indices of another library as those of `max_pool_with_argmax`.

    Shapes: indices (B, *pooled, C) of "tensorflow", (B, C, *pooled) of "torch" and "caffe"; returns (B, *pooled, C)
    int32.
    source: "tensorflow", for `tf.nn.max_pool_with_argmax(..., include_batch_in_index=True)`, which counts the samples
    before: `((sample * H + row) * W + column) * C + channel`; "torch" and "caffe", which count the positions of one
    channel: `row * W + column`, in Caffe as floats. Without the batch TensorFlow's indices need no conversion.
    size: the spatial size of the pool's input, which "tensorflow" needs.

    >>> convert_argmax_indices([[[[0, 3]]], [[[10, 9]]]], "tensorflow", (2, 2)).numpy().tolist()
    [[[[0, 3]]], [[[2, 1]]]]
    >>> convert_argmax_indices([[[[0]], [[3]]]], "torch").numpy().tolist()
    [[[[0, 7]]]]
    """
    who = "convert_argmax_indices"
    require(source in SOURCES, who, f"source, one of {SOURCES}", source=source)
    (indices,) = tensors(who, "MaxUnpooling{}D", indices)
    layout = "(batch, *pooled, channels)" if source == "tensorflow" else "(batch, channels, *pooled)"
    rank = spatial_rank(who, indices.shape, f"indices {layout}")
    good = "int" in dtype_of(indices) or source == "caffe"
    require(good, who, "integer indices", dtype=dtype_of(indices))
    if source == "tensorflow":
        spatial: tuple[int, ...] = as_tuple(who, "size", size, rank)
        channels = indices.shape[-1]
        require(channels is not None, who, "a known number of channels", shape=tuple(indices.shape))
        samples = ops.arange(ops.shape(indices)[0], dtype=dtype_of(indices))
        before = samples * ops.cast(math.prod(spatial) * channels, indices.dtype)
        return ops.cast(indices - ops.reshape(before, (-1, *[1] * (rank + 1))), "int32")
    indices = ops.cast(ops.moveaxis(indices, 1, -1), "int32")
    channels = ops.shape(indices)[-1]
    return indices * channels + ops.arange(channels, dtype="int32")
