"""Local response normalisation, in AlexNet's form and in Caffe's.

Source: as `kzoo.ops.local_response_normalization`.
"""

import keras

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, check_channels, from_last, to_last
from kzoo.ops.local_response_normalization import as_response, local_response_normalization


@keras.saving.register_keras_serializable("kzoo")
class LocalResponseNormalization(BaseLayer):
    """Each channel divided by (bias + alpha * energy of its neighbours)^beta.

    Shapes: (B, ..., C) -> the same, or channels first; any number of axes. Units: channels.
    Arguments: depth_radius, neighbours on either side; bias, alpha, beta, by default AlexNet's; divide_by_size: alpha
    over 2 depth_radius + 1, as in Caffe, whose `local_size: 5, alpha: 1e-4, k: 1` is bias=1, divide_by_size=True;
    data_format.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.local_response_normalization`.

    >>> tuple(LocalResponseNormalization()(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 9, 8, 3)
    """

    def __init__(
        self,
        depth_radius=2,
        bias=2.0,
        alpha=1e-4,
        beta=0.75,
        divide_by_size=False,
        data_format=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        as_response(type(self).__name__, depth_radius, bias, alpha, beta, divide_by_size)
        self.depth_radius, self.bias, self.alpha, self.beta = int(depth_radius), float(bias), float(alpha), float(beta)
        self.divide_by_size = bool(divide_by_size)
        self.data_format = as_data_format(type(self).__name__, data_format)

    def build(self, input_shape):
        check_channels(type(self).__name__, input_shape, self.data_format)

    def call(self, inputs):
        settings = (self.depth_radius, self.bias, self.alpha, self.beta, self.divide_by_size)
        return from_last(local_response_normalization(to_last(inputs, self.data_format), *settings), self.data_format)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        names = ("depth_radius", "bias", "alpha", "beta", "divide_by_size", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
