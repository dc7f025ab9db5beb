"""LeCun's scaled hyperbolic tangent as a layer.

Source: as `kzoo.ops.scaled_tanh`.
"""

from typing import Any

import keras

from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.ops.scaled_tanh import check_numbers, scaled_tanh
from kzoo.types import Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class ScaledTanh(Pointwise, BaseLayer):
    """LeCun's activation amplitude * tanh(slope * x), by default nearly 1 at 1 and -1 at -1.

    Shapes: the output has the input's shape.
    Arguments: amplitude and slope, numbers.

    >>> ScaledTanh()(keras.ops.array([[0.0, 1.0]])).numpy().round(3)
    array([[0., 1.]], dtype=float32)
    """

    def __init__(self, amplitude: float = 1.7159, slope: float = 2 / 3, **kwargs: Any):
        super().__init__(**kwargs)
        check_numbers(type(self).__name__, amplitude=amplitude, slope=slope)
        self.amplitude, self.slope = float(amplitude), float(slope)

    def call(self, inputs: Tensor) -> Tensor:
        return scaled_tanh(inputs, self.amplitude, self.slope)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "amplitude": self.amplitude, "slope": self.slope}
