"""Maxout: the largest of several channels.

Source: as `kzoo.ops.maxout`.
"""

import keras

from kzoo.layers.base_pooling import value_dtype
from kzoo.ops.maxout import check_units, maxout


@keras.saving.register_keras_serializable("kzoo")
class Maxout(keras.layers.Layer):
    """The largest of each unit's channels: after a dense or convolution layer, a convex function learned in pieces.

    Shapes: (B, ..., num_units * pieces) -> (B, ..., num_units), the channels on `axis`, any number of axes.
    Arguments: num_units, a divisor of the channels; axis, 1 with channels first; as TensorFlow Addons had them.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.maxout`.

    >>> tuple(Maxout(48)(keras.ops.ones((1, 9, 8, 96))).shape)
    (1, 9, 8, 48)
    """

    def __init__(self, num_units, axis=-1, **kwargs):
        super().__init__(**kwargs)
        check_units(type(self).__name__, None, num_units, axis)
        self.num_units, self.axis = int(num_units), int(axis)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def call(self, inputs):
        return maxout(inputs, self.num_units, self.axis)

    def compute_output_shape(self, input_shape):
        axis = check_units(type(self).__name__, tuple(input_shape), self.num_units, self.axis)
        return (*input_shape[:axis], self.num_units, *input_shape[axis + 1 :])

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), value_dtype(self, inputs))

    def get_config(self):
        return {**super().get_config(), "num_units": self.num_units, "axis": self.axis}
