"""The base class of layers with a sliding window: the window's arguments, their checks, and the output shape."""

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, shape_from_channels_last, shape_to_channels_last
from kzoo.layers.field import Fields, window_field
from kzoo.ops.pool_window import check_pool
from kzoo.ops.views import as_plain, as_tuple, window
from kzoo.types import Shape


class BaseWindow(BaseLayer):
    """A layer with a sliding window. Subclasses define `rank` and `size_name` and call `set_window` in `__init__`."""

    rank: int
    size_name: str  # "kernel_size" or "pool_size"

    def set_window(self, size, strides, padding, dilation_rate, data_format, ceil_mode=False):
        """Checks the window's arguments and stores them as attributes with Keras's names."""
        who = type(self).__name__
        size = as_tuple(who, self.size_name, size, self.rank)
        setattr(self, self.size_name, size)
        self.strides = as_tuple(who, "strides", strides, self.rank)
        self.padding = as_plain(padding)
        self.dilation_rate = as_tuple(who, "dilation_rate", dilation_rate, self.rank)
        self.data_format = as_data_format(who, data_format)
        names = (self.size_name, "strides", "padding", "dilation_rate")
        self.window = window(who, self.rank, size, self.strides, padding, self.dilation_rate, names, ceil_mode)

    def channels_last_shape(self, input_shape):
        """Returns the input's shape in channels-last order, after checking its rank."""
        return shape_to_channels_last(type(self).__name__, input_shape, self.rank, self.data_format)

    def output_shape(self, input_shape, channels):
        """Returns the output's shape in the layer's data format; unknown sizes are None."""
        batch, *spatial, _ = self.channels_last_shape(input_shape)
        return shape_from_channels_last((batch, *self.window.output(spatial), channels), self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns a pooling layer's output shape: as many channels as the input. Filters override this.

        ValueError if a window lies wholly in the padding.
        """
        _, *spatial, channels = self.channels_last_shape(input_shape)
        check_pool(type(self).__name__, self.window, spatial)
        return self.output_shape(input_shape, channels)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        """Returns what a position sees of the layer's input: a `Field` for each spatial axis."""
        window, spatial = self.window, self.channels_last_shape(input_shapes[0])[1:-1]
        before = [None if pair is None else pair[0] for pair in window.pads]
        return tuple(map(window_field, spatial, window.size, window.strides, window.dilations, before))

    def get_config(self):
        names = (self.size_name, "strides", "padding", "dilation_rate", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
