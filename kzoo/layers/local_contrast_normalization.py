"""Local contrast normalisation.

Source: as `kzoo.ops.local_contrast_normalization`.
"""

import keras

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.backend import spatial_rank
from kzoo.ops.gaussian_pool import as_sigma
from kzoo.ops.local_contrast_normalization import check_padding, local_contrast_normalization, odd_size
from kzoo.ops.views import as_plain, window


@keras.saving.register_keras_serializable("kzoo")
class LocalContrastNormalization(BaseLayer):
    """Subtracts the local mean, and divides by the local deviation or by the image's average one if that is larger.

    Shapes: (B, *spatial, C) -> (B, *output, C), or channels first, in 1 to 3 spatial axes. Units: cells.
    Arguments: kernel_size, odd, an integer or one an axis; padding "same" or "valid"; sigma of the Gaussian window, by
    default a quarter of kernel_size; data_format.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.local_contrast_normalization`.

    >>> tuple(LocalContrastNormalization(9, padding="valid")(keras.ops.ones((1, 151, 151, 1))).shape)
    (1, 143, 143, 1)
    """

    def __init__(self, kernel_size=9, padding="same", sigma=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        # an integer fits any number of axes, which only the input tells
        rank = len(kernel_size) if isinstance(kernel_size, (tuple, list)) else 1
        odd_size(who, "kernel_size", kernel_size, rank)
        check_padding(who, padding)
        self.kernel_size, self.padding, self.sigma = as_plain(kernel_size), padding, as_plain(sigma)
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def call(self, inputs):
        x = to_last(inputs, self.data_format)
        y = local_contrast_normalization(x, self.kernel_size, self.padding, self.sigma)
        return from_last(y, self.data_format)

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        rank = spatial_rank(who, input_shape, "an input (batch, *spatial, channels)")
        batch, *spatial, channels = shape_to_last(who, input_shape, rank, self.data_format)
        size = odd_size(who, "kernel_size", self.kernel_size, rank)
        as_sigma(who, self.sigma, size)
        win = window(who, rank, size, 1, self.padding, 1, ("kernel_size", "strides", "padding", "dilations"))
        win.check(who, spatial)
        return shape_from_last((batch, *win.output(spatial), channels), self.data_format)

    def get_config(self):
        names = ("kernel_size", "padding", "sigma", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
