"""Maxout: the maximum of groups of channels.

Source: as `kzoo.ops.maxout`.
"""

from typing import Any

import keras

from kzoo.layers.base_layer import ORDERED, BaseLayer, Pointwise
from kzoo.ops.maxout import check_units, maxout
from kzoo.types import Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class Maxout(Pointwise, BaseLayer):
    """The maximum of each group of channels: after a dense or convolution layer, a learned piecewise linear activation.

    Shapes: (B, ..., num_units * pieces) -> (B, ..., num_units), with the channels on `axis`; any number of axes.
    Arguments: num_units, a divisor of the number of channels; axis, 1 for channels first; order, where the channels of
    unit u are: "interleaved", u, u + num_units, u + 2 * num_units, ..., as in TensorFlow Addons, or "adjacent", from
    u * pieces on. A config without an order, as earlier versions wrote them, means "adjacent".

    >>> x = keras.ops.convert_to_tensor([[1.0, 3.0, 2.0, 0.0]])
    >>> Maxout(2)(x).numpy(), Maxout(2, order="adjacent")(x).numpy()
    (array([[2., 3.]], dtype=float32), array([[3., 2.]], dtype=float32))
    """

    takes = ORDERED

    def __init__(self, num_units: int, axis: int = -1, order: str = "interleaved", **kwargs: Any):
        super().__init__(**kwargs)
        check_units(type(self).__name__, None, num_units, axis, order)
        self.num_units, self.axis, self.order = int(num_units), int(axis), order

    def call(self, inputs: Tensor) -> Tensor:
        return maxout(inputs, self.num_units, self.axis, self.order)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        axis = check_units(type(self).__name__, tuple(input_shape), self.num_units, self.axis, self.order)
        return (*input_shape[:axis], self.num_units, *input_shape[axis + 1 :])

    def get_config(self):
        return {**super().get_config(), "num_units": self.num_units, "axis": self.axis, "order": self.order}

    @classmethod
    def from_config(cls, config):
        return super().from_config({"order": "adjacent", **config})
