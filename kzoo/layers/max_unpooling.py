"""Max unpooling layers: pooled values return to the positions of the maxima.

Source: as `kzoo.ops.max_unpool`.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_layer import ANY
from kzoo.layers.base_pooling import BasePooling
from kzoo.layers.data_format import from_channels_last, shape_from_channels_last, to_channels_last
from kzoo.layers.field import DATA, transposed_field, window_field
from kzoo.ops.max_unpool import check_duplicates, check_unpool, default_size, max_unpool
from kzoo.ops.views import as_tuple
from kzoo.types import DataFormat, KnownShape, Padding, Shape, Size, Tensor


class MaxUnpooling(BasePooling):
    """Any rank; use `MaxUnpooling1D`, `2D` or `3D`."""

    takes = ANY

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        output_size: Size | None = None,
        duplicates: str = "sum",
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        who = type(self).__name__
        self.output_size = None if output_size is None else as_tuple(who, "output_size", output_size, self.rank)
        check_duplicates(who, duplicates)
        self.duplicates = duplicates

    def call(self, inputs: Tensor) -> Tensor:
        values, indices, *reference = self._parts(inputs)
        values, indices = (to_channels_last(x, self.data_format) for x in (values, indices))
        size = self.output_size
        if reference:
            size = ops.shape(to_channels_last(reference[0], self.data_format))[1:-1]
        y = max_unpool(values, indices, size, **self.geometry, duplicates=self.duplicates)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        who, shapes = type(self).__name__, self._parts(input_shape)
        values, indices, *_ = shapes = [self.channels_last_shape(shape) for shape in shapes]
        same_shape = all(a == b or None in (a, b) for a, b in zip(values, indices))
        require(same_shape, who, "indices of the values' shape", values=values, indices=indices)
        size = self.output_size or default_size(self.window, values[1:-1])
        if len(shapes) == 3:
            size = shapes[2][1:-1]
        check_unpool(who, self.window, values[1:-1], size, values[-1])
        return shape_from_channels_last((values[0], *size, values[-1]), self.data_format)

    def check_dtypes(self, inputs):
        values, indices, *_ = self._parts(inputs)
        super().check_dtypes(values)
        expected = "integer indices, as MaxPoolingWithArgmax returns them"
        require("int" in str(indices.dtype), type(self).__name__, expected, dtype=str(indices.dtype))

    def compute_output_spec(self, inputs):
        parts = self._parts(inputs)
        return keras.KerasTensor(self.compute_output_shape([x.shape for x in parts]), self.value_dtype(parts[0]))

    def _parts(self, inputs):
        several = isinstance(inputs, (list, tuple)) and not any(n is None or isinstance(n, int) for n in inputs)
        count = len(inputs) if several else 1
        expected = "[values, indices] or [values, indices, reference]"
        require(count in (2, 3), type(self).__name__, expected, inputs=count)
        return list(inputs)

    def receptive_field(self, input_shapes: list[Shape]) -> Any:
        """Returns fields for the values and indices, and None for a reference, of which only the size is read."""
        size = self.channels_last_shape(self.compute_output_shape(input_shapes))[1:-1]
        fields = []
        for n, k, stride, dilation, pair in zip(size, *self.window[:4]):
            pool = window_field(n, k, stride, dilation, None if pair is None else pair[0])
            before = (pool.size - pool.last - 1, pool.padding)
            fields.append(transposed_field(k, stride, dilation, before)._replace(status=DATA))
        return [tuple(fields), tuple(fields), None][: len(input_shapes)]

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size, "duplicates": self.duplicates}


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling1D(MaxUnpooling):
    """Reverses max pooling of signals: values return to the positions of their maxima, and all others are zero.

    Shapes: [values (B, L', C), indices (B, L', C) int32] -> (B, L, C), or channels first. A third input, a reference
    (B, L, any), sets the output's size.
    Arguments: those of the `MaxPoolingWithArgmax1D` to reverse; output_size, by default the smallest input size that
    fills the pooling's windows; duplicates, whether values of overlapping windows that share a maximum are added
    ("sum"), or the last in row-major order is kept ("one", as PyTorch, Caffe and SegNet do).
    Indices may be of any origin, each in its sample and channel; without a size, in its own window. Others are refused,
    by graphs when they run; within XLA the outputs of such a sample are NaN, or the lowest integer. Indices of PyTorch,
    Caffe, and TensorFlow's that count the batch, are first to be converted by `kzoo.ops.convert_argmax_indices`.

    >>> from kzoo.layers import MaxPoolingWithArgmax1D
    >>> x = keras.ops.convert_to_tensor([[[1.0], [5.0], [7.0], [2.0]]])
    >>> MaxUnpooling1D(2)(MaxPoolingWithArgmax1D(2)(x))[0, :, 0].numpy()
    array([0., 5., 7., 0.], dtype=float32)
    >>> from kzoo.ops import convert_argmax_indices
    >>> indices = convert_argmax_indices([[[1, 2]]], "torch")  # (batch, channels, pooled)
    >>> MaxUnpooling1D(2)([keras.ops.convert_to_tensor([[[5.0], [7.0]]]), indices])[0, :, 0].numpy()
    array([0., 5., 7., 0.], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling2D(MaxUnpooling):
    """Reverses max pooling of images: values return to the positions of their maxima, and all others are zero.

    Shapes: [values (B, H', W', C), int32 indices of the same shape] -> (B, H, W, C), or channels first. A third input,
    a reference, sets the output's height and width.
    Arguments: as `MaxUnpooling1D`. Of 15 pixels a pool of 2 leaves one over, so that 7 values return to 14 pixels
    unless output_size or a reference says 15; DeconvNet's Caffe layer calls output_size unpool_size.

    >>> from kzoo.layers import MaxPoolingWithArgmax2D
    >>> values, indices = MaxPoolingWithArgmax2D(2)(keras.ops.ones((1, 15, 15, 3)))
    >>> tuple(values.shape), tuple(MaxUnpooling2D(2, output_size=15)([values, indices]).shape)
    ((1, 7, 7, 3), (1, 15, 15, 3))
    >>> x = keras.ops.ones((1, 45, 5, 3))
    >>> tuple(MaxUnpooling2D(2, padding="same")([*MaxPoolingWithArgmax2D(2, padding="same")(x), x]).shape)
    (1, 45, 5, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling3D(MaxUnpooling):
    """Reverses max pooling of volumes: values return to the positions of their maxima, and all others are zero.

    Shapes: as `MaxUnpooling2D`, with three spatial axes.
    Arguments: as `MaxUnpooling1D`.

    >>> from kzoo.layers import MaxPoolingWithArgmax3D
    >>> x = keras.ops.ones((1, 4, 4, 4, 1))
    >>> tuple(MaxUnpooling3D(2)(MaxPoolingWithArgmax3D(2)(x)).shape)
    (1, 4, 4, 4, 1)
    """

    rank = 3
