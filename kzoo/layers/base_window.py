"""What every layer with a sliding window shares: its geometry, read and checked once, and the shapes that follow.

Source: none.
"""

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, shape_from_last, shape_to_last
from kzoo.ops.pool_window import check_pool
from kzoo.ops.views import as_plain, as_tuple, window


class BaseWindow(BaseLayer):
    """A subclass gives its rank and what it calls the window's size, and calls `set_window` first."""

    rank = None
    size_name = None  # "kernel_size" or "pool_size"

    def set_window(self, size, strides, padding, dilation_rate, data_format):
        """Check and keep the geometry, under the names that Keras gives its parts."""
        who = type(self).__name__
        size = as_tuple(who, self.size_name, size, self.rank)
        setattr(self, self.size_name, size)
        self.strides = as_tuple(who, "strides", strides, self.rank)
        self.padding = as_plain(padding)
        self.dilation_rate = as_tuple(who, "dilation_rate", dilation_rate, self.rank)
        self.data_format = as_data_format(who, data_format)
        names = (self.size_name, "strides", "padding", "dilation_rate")
        self.window = window(who, self.rank, size, self.strides, padding, self.dilation_rate, names)

    def last_shape(self, input_shape):
        """The input's shape with channels last, its rank checked."""
        return shape_to_last(type(self).__name__, input_shape, self.rank, self.data_format)

    def output_shape(self, input_shape, channels):
        """The output's shape in the layer's data format, None where it is unknown."""
        batch, *spatial, _ = self.last_shape(input_shape)
        return shape_from_last((batch, *self.window.output(spatial), channels), self.data_format)

    def compute_output_shape(self, input_shape):
        """As many channels as before, and every window on some cell; filters have others."""
        _, *spatial, channels = self.last_shape(input_shape)
        check_pool(type(self).__name__, self.window, spatial)
        return self.output_shape(input_shape, channels)

    def get_config(self):
        names = (self.size_name, "strides", "padding", "dilation_rate", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
