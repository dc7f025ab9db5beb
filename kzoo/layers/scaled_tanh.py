"""LeNet's activation as a layer.

Source: as `kzoo.ops.scaled_tanh`.
"""

import keras

from kzoo.layers.base_layer import BaseLayer
from kzoo.ops.scaled_tanh import check_numbers, scaled_tanh


@keras.saving.register_keras_serializable("kzoo")
class ScaledTanh(BaseLayer):
    """amplitude * tanh(slope * x), by default about 1 at 1 and -1 at -1.

    Shapes: any -> the same. Arguments: amplitude, slope, numbers.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.scaled_tanh`.

    >>> ScaledTanh()(keras.ops.array([[0.0, 1.0]])).numpy().round(3)
    array([[0., 1.]], dtype=float32)
    """

    def __init__(self, amplitude=1.7159, slope=2 / 3, **kwargs):
        super().__init__(**kwargs)
        check_numbers(type(self).__name__, amplitude=amplitude, slope=slope)
        self.amplitude, self.slope = float(amplitude), float(slope)

    def call(self, inputs):
        return scaled_tanh(inputs, self.amplitude, self.slope)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "amplitude": self.amplitude, "slope": self.slope}
