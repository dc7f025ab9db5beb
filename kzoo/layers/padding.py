"""Padding layers, with zeros or from the sample itself.

Source: as `kzoo.ops.pad`.
"""

import keras

from kzoo.checks import is_number, require
from kzoo.layers.base_pooling import value_dtype
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.pad import MODES, as_pairs, check_pairs, pad


class Padding(keras.layers.Layer):
    """Any rank; use `Padding1D`, `2D` or `3D`."""

    rank = None

    def __init__(self, padding=1, mode="zeros", constant_values=0.0, data_format=None, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.padding = as_pairs(who, "padding", padding, self.rank)
        require(mode in MODES, who, f"mode, one of {MODES}", mode=mode)
        require(is_number(constant_values), who, "constant_values, a number", constant_values=constant_values)
        self.mode, self.constant_values = mode, float(constant_values)
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def call(self, inputs):
        y = pad(to_last(inputs, self.data_format), self.padding, self.mode, self.constant_values)
        return from_last(y, self.data_format)

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        batch, *spatial, channels = shape_to_last(who, input_shape, self.rank, self.data_format)
        check_pairs(who, self.padding, self.mode, spatial)
        size = (None if n is None else n + sum(pair) for n, pair in zip(spatial, self.padding))
        return shape_from_last((batch, *size, channels), self.data_format)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), value_dtype(self, inputs))

    def get_config(self):
        names = ("padding", "mode", "constant_values", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kzoo")
class Padding1D(Padding):
    """Cells before and after a signal.

    Shapes: (B, L, C) -> (B, L', C). Units: cells.
    Arguments: padding, an integer for both sides, or ((before, after),); mode: "zeros" (with constant_values),
    "circular", "reflect" or "replicate"; data_format.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.pad`.

    >>> Padding1D(2, "reflect")(keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1)))[0, :, 0].numpy()
    array([2., 1., 0., 1., 2., 1., 0.], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class Padding2D(Padding):
    """Cells added around an image: zeros or a value, mirrored, repeated, or from the other side.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first. Arguments: padding, an integer, or one integer or pair an
    axis; else as `Padding1D`. Errors, source: as `Padding1D`.

    >>> tuple(Padding2D((1, (0, 2)), "circular")(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 11, 10, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class Padding3D(Padding):
    """Cells around a volume or clip.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first. Arguments, errors, source: as `Padding2D`.

    >>> tuple(Padding3D(1, "replicate")(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 6, 6, 6, 1)
    """

    rank = 3
