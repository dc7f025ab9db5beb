"""The base class of the pooling layers: arguments, shapes and the call of the op.

Arguments and defaults are those of `keras.layers.MaxPooling2D`, and `ceil_mode` is PyTorch's.
"""

import math
from typing import Any

from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_channels_last, to_channels_last
from kzoo.types import DataFormat, KnownShape, Padding, Size, Tensor


class BasePooling(BaseWindow):
    """Pooling over sliding windows. Subclasses define rank and op."""

    size_name = "pool_size"

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        ceil_mode: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        strides = pool_size if strides is None else strides
        self.set_window(pool_size, strides, padding, dilation_rate, data_format, ceil_mode)
        self.ceil_mode = self.window.ceil_mode

    @property
    def geometry(self) -> dict[str, Any]:
        """The window's arguments, by the names that the ops have for them."""
        return {
            "ksize": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilations": self.dilation_rate,
            "ceil_mode": self.ceil_mode,
        }

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns one operation for each tap of the window at each value of the output."""
        return math.prod(output_shapes[0][1:]) * math.prod(self.pool_size)

    def op(self, x):
        """Returns channels-last x, pooled."""
        raise NotImplementedError

    def call(self, inputs: Tensor) -> Tensor:
        return from_channels_last(self.op(to_channels_last(inputs, self.data_format)), self.data_format)

    def get_config(self):
        return {**super().get_config(), "ceil_mode": self.ceil_mode}
