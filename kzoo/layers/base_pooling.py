"""What the layers with a pooling window share: their arguments, shapes and the way to the op.

Source: none; arguments and defaults are those of `keras.layers.MaxPooling2D`.
"""

from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_last, to_last


class BasePooling(BaseWindow):
    """One pool over sliding windows: a subclass gives its rank and its op."""

    size_name = "pool_size"

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, dilation_rate=1, **kwargs):
        super().__init__(**kwargs)
        self.set_window(pool_size, pool_size if strides is None else strides, padding, dilation_rate, data_format)

    @property
    def geometry(self):
        """The window as the ops take it."""
        return self.pool_size, self.strides, self.padding, self.dilation_rate

    def op(self, x):
        """The pool of channels-last floating x."""
        raise NotImplementedError

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # no weights: only to refuse in the layer's name, not the op's

    def call(self, inputs):
        return from_last(self.op(to_last(inputs, self.data_format)), self.data_format)


def value_dtype(layer, inputs):
    """The dtype of pooled values: the layer's for floats, which Keras casts to it; integers stay what they are."""
    return layer.compute_dtype if "float" in str(inputs.dtype) else inputs.dtype
