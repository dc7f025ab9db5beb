"""Layers that compute with floating numbers, and say so before anything runs.

Source: none.
"""

import keras

from kzoo.checks import require


class BaseLayer(keras.layers.Layer):
    """A layer of floating inputs, one or several, cast by Keras; a subclass gives `compute_output_shape`."""

    def compute_output_spec(self, inputs, training=False):
        several = isinstance(inputs, (list, tuple))
        for part in inputs if several else [inputs]:
            require("float" in str(part.dtype), type(self).__name__, "floating inputs", dtype=str(part.dtype))
        shape = [part.shape for part in inputs] if several else inputs.shape
        return keras.KerasTensor(self.compute_output_shape(shape), self.compute_dtype)


def shapes_of(input_shape):
    """The shapes of a layer's inputs, of which it may have one or several, as a list.

    >>> shapes_of((None, 3)), shapes_of([(None, 3), (None, 2)])
    ([(None, 3)], [(None, 3), (None, 2)])
    """
    alone = all(n is None or isinstance(n, int) for n in input_shape)
    return [input_shape] if alone else list(input_shape)
