"""Mean subtraction: inputs minus the mean of the training examples, not divided by their deviation.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section
2, and He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", section 4.2, of each pixel; Simonyan &
Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", section 2.1, of each channel.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.adapt_batches import adapt_batches
from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.ops.views import as_plain
from kzoo.types import Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class MeanSubtraction(Pointwise, BaseLayer):
    """Subtracts the mean of the training examples, of each channel or of each pixel, which `adapt` computes.

    Shapes: (B, ...) -> the same.
    Weights: mean, of the input's sizes along `axis`; not trained, and zeros until `adapt` computes it.
    Arguments: axis, the axis or axes along which means differ, as in `keras.layers.Normalization`: -1 for a mean of
    each channel, (1, 2, 3) of each pixel and channel of images, None for one mean. Given means are subtracted by
    `keras.layers.Rescaling(1.0, offset)`.

    >>> layer = MeanSubtraction()
    >>> layer.adapt(keras.ops.array([[1.0, 4.0], [3.0, 6.0]]))
    >>> layer(keras.ops.zeros((1, 2))).numpy()
    array([[-2., -5.]], dtype=float32)
    """

    def __init__(self, axis: int | Sequence[int] | None = -1, **kwargs: Any):
        super().__init__(**kwargs)
        axes = axis if isinstance(axis, (tuple, list)) else [] if axis is None else [axis]
        good = all(is_integer(each) and each != 0 for each in axes) and len(set(axes)) == len(axes)
        require(good, type(self).__name__, "axis, distinct integers other than 0, the batch's", axis=axis)
        self.axis = as_plain(axis)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        shape = [input_shape[axis] for axis in self._kept(input_shape)]
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False, autocast=False)

    def adapt(self, data: Tensor | Iterable[Tensor]) -> None:
        """Computes the mean, in float64.

        Arguments: data, an array (N, ...) or an iterable of such batches.
        """
        total, count = 0.0, 0
        for batch in adapt_batches(self, data):
            total += batch.sum(self._averaged(batch.shape))
            count += batch.size // total.size
        self.mean.assign(total / count)

    def call(self, inputs: Tensor) -> Tensor:
        mean = ops.expand_dims(self.mean, self._averaged(inputs.shape))
        return ops.cast(ops.cast(inputs, mean.dtype) - mean, inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who, sizes = type(self).__name__, [input_shape[axis] for axis in self._kept(input_shape)]
        if self.built:
            mean = tuple(self.mean.shape)
            fits = all(size in (None, known) for size, known in zip(sizes, mean, strict=True))
            require(fits, who, f"an input that its mean of shape {mean} fits", shape=tuple(input_shape))
        else:
            require(None not in sizes, who, "known sizes on its axis", axis=self.axis, shape=tuple(input_shape))
        return tuple(input_shape)

    def _kept(self, input_shape):
        """Returns the axes along which means differ, in ascending order."""
        rank, axes = len(input_shape), self.axis if isinstance(self.axis, tuple) else (self.axis,)
        kept = sorted(axis + rank if axis < 0 else axis for axis in axes if axis is not None)
        inside = all(0 < axis < rank for axis in kept) and len(set(kept)) == len(kept)
        expected = "an input with the axes in axis, which are not the batch's"
        require(inside, type(self).__name__, expected, axis=self.axis, shape=tuple(input_shape))
        return kept

    def _averaged(self, input_shape):
        """Returns the axes whose positions, and examples, share a mean."""
        kept = self._kept(input_shape)
        return tuple(axis for axis in range(len(input_shape)) if axis not in kept)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
