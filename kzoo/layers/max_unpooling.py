"""Max unpooling layers: values return to where they were the maximum.

Source: as `kzoo.ops.max_unpool`.
"""

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_pooling import BasePooling, value_dtype
from kzoo.layers.data_format import from_last, shape_from_last, to_last
from kzoo.ops.max_unpool import check_unpool, default_size, max_unpool
from kzoo.ops.views import as_tuple


class MaxUnpooling(BasePooling):
    """Any rank; use `MaxUnpooling1D`, `2D` or `3D`."""

    def __init__(
        self,
        pool_size=2,
        strides=None,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        output_size=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        who = type(self).__name__
        self.output_size = None if output_size is None else as_tuple(who, "output_size", output_size, self.rank)

    def call(self, inputs):
        values, indices, *reference = self._parts(inputs)
        values, indices = (to_last(x, self.data_format) for x in (values, indices))
        size = self.output_size
        if reference:
            size = ops.shape(to_last(reference[0], self.data_format))[1:-1]
        return from_last(max_unpool(values, indices, size, *self.geometry), self.data_format)

    def compute_output_shape(self, input_shape):
        who, shapes = type(self).__name__, self._parts(input_shape)
        values, indices, *_ = shapes = [self.last_shape(shape) for shape in shapes]
        alike = all(a == b or None in (a, b) for a, b in zip(values, indices))
        require(alike, who, "indices of the values' shape", values=values, indices=indices)
        size = self.output_size or default_size(self.window, values[1:-1])
        if len(shapes) == 3:
            size = shapes[2][1:-1]
        check_unpool(who, self.window, values[1:-1], size, values[-1])
        return shape_from_last((values[0], *size, values[-1]), self.data_format)

    def compute_output_spec(self, inputs):
        parts = self._parts(inputs)
        expected = "integer indices, as MaxPoolingWithArgmax gives them"
        require("int" in str(parts[1].dtype), type(self).__name__, expected, dtype=str(parts[1].dtype))
        return keras.KerasTensor(self.compute_output_shape([x.shape for x in parts]), value_dtype(self, parts[0]))

    def _parts(self, inputs):
        several = isinstance(inputs, (list, tuple)) and not any(n is None or isinstance(n, int) for n in inputs)
        good = several and len(inputs) in (2, 3)
        came = len(inputs) if several else "one"
        require(good, type(self).__name__, "[values, indices] or [values, indices, reference]", inputs=came)
        return list(inputs)

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size}


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling1D(MaxUnpooling):
    """Max unpooling of signals, the partner of `MaxPoolingWithArgmax1D`.

    Shapes: [values (B, L', C), indices (B, L', C) int32] -> (B, L, C); with a third input, a reference (B, L, any),
    its size is taken. Arguments: those of the pool it undoes, and output_size; without it and without a reference
    the smallest size that the pool could have had. Windows may overlap: where they share a maximum, values add up.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.max_unpool`.

    >>> from kzoo.layers import MaxPoolingWithArgmax1D
    >>> x = keras.ops.convert_to_tensor([[[1.0], [5.0], [7.0], [2.0]]])
    >>> MaxUnpooling1D(2)(MaxPoolingWithArgmax1D(2)(x))[0, :, 0].numpy()
    array([0., 5., 7., 0.], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling2D(MaxUnpooling):
    """Max unpooling of images, the partner of `MaxPoolingWithArgmax2D`.

    Shapes: [values (B, H', W', C), indices of that shape, int32] -> (B, H, W, C), or channels first; with a third
    input, a reference, its height and width are taken. Arguments, errors, source: as `MaxUnpooling1D`.

    >>> from kzoo.layers import MaxPoolingWithArgmax2D
    >>> x = keras.ops.ones((1, 45, 5, 3))
    >>> tuple(MaxUnpooling2D(2, padding="same")([*MaxPoolingWithArgmax2D(2, padding="same")(x), x]).shape)
    (1, 45, 5, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class MaxUnpooling3D(MaxUnpooling):
    """Max unpooling of volumes and clips, the partner of `MaxPoolingWithArgmax3D`.

    Shapes: as `MaxUnpooling2D`, with three spatial axes. Arguments, errors, source: as `MaxUnpooling1D`.

    >>> from kzoo.layers import MaxPoolingWithArgmax3D
    >>> x = keras.ops.ones((1, 4, 4, 4, 1))
    >>> tuple(MaxUnpooling3D(2)(MaxPoolingWithArgmax3D(2)(x)).shape)
    (1, 4, 4, 4, 1)
    """

    rank = 3
