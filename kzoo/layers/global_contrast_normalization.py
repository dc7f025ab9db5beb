"""Global contrast normalization.

Source: as `kzoo.ops.global_contrast_normalization`.
"""

from typing import Any

import keras

from kzoo.checks import require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.field import Fields, whole
from kzoo.ops.global_contrast_normalization import as_contrast, global_contrast_normalization
from kzoo.types import KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class GlobalContrastNormalization(BaseLayer):
    """Subtracts the mean of each image and divides by the norm or the standard deviation of all its values.

    Shapes: (B, ...) -> the same, of rank 2 or more.
    Arguments: scale, a factor of the result (55 in pylearn2's CIFAR-10); use_std, whether the divisor is the standard
    deviation, with the number of values minus 1, instead of the norm; sqrt_bias, added to its square; min_divisor, an
    image whose divisor over scale is smaller is not divided.

    >>> GlobalContrastNormalization(scale=55.0)(keras.ops.array([[0.0, 2.0]])).numpy().round(2)
    array([[-38.89,  38.89]], dtype=float32)
    """

    def __init__(
        self,
        scale: float = 1.0,
        use_std: bool = False,
        sqrt_bias: float = 0.0,
        min_divisor: float = 1e-8,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.contrast = as_contrast(type(self).__name__, scale, use_std, sqrt_bias, min_divisor)

    def call(self, inputs: Tensor) -> Tensor:
        return global_contrast_normalization(inputs, **self.contrast)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        require(len(input_shape) >= 2, type(self).__name__, "an input of rank 2 or more", shape=tuple(input_shape))
        return tuple(input_shape)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0  # as of other normalizations

    def get_config(self):
        return {**super().get_config(), **self.contrast}
