"""Layers that compute with floating numbers, and say so before anything runs.

Source: none.
"""

import keras

from kzoo.checks import require


class Floating(keras.layers.Layer):
    """A layer of one floating input, cast by Keras to the layer's dtype; a subclass gives `compute_output_shape`."""

    def compute_output_spec(self, inputs, training=False):
        require("float" in str(inputs.dtype), type(self).__name__, "floating inputs", dtype=str(inputs.dtype))
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)
