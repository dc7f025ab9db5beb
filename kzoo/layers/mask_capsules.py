"""Selection of one capsule, for a decoder that reconstructs the input.

Source: as `kzoo.ops.mask_capsules`.
"""

from typing import Any

import keras

from kzoo.checks import require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.field import DATA, Fields, pointwise
from kzoo.ops.mask_capsules import check_capsules, check_labels, mask_capsules
from kzoo.types import KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class MaskCapsules(BaseLayer):
    """Sets all capsules to zero except the labelled one, or the longest where there is no label.

    A decoder after this layer learns what the numbers of each capsule mean, and needs no label at inference.
    Shapes: [capsules (B, K, D), labels (B,) integers] or capsules -> (B, K, D). Without labels, and where a label is
    negative, the longest capsule is kept.

    >>> MaskCapsules()(keras.ops.convert_to_tensor([[[3.0, 4.0], [1.0, 0.0]]])).numpy()
    array([[[3., 4.],
            [0., 0.]]], dtype=float32)
    """

    def __init__(self, **kwargs: Any):  # without it Keras would derive the config from the first call
        super().__init__(**kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return mask_capsules(*self._parts(inputs))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        capsules, *labels = self._parts(input_shape)
        check_capsules(type(self).__name__, capsules)
        require(all(len(x) == 1 for x in labels), type(self).__name__, "labels (batch,)", labels=labels)
        return tuple(capsules)

    def check_dtypes(self, inputs):
        capsules, *labels = self._parts(inputs)
        super().check_dtypes(capsules)
        for part in labels:
            check_labels(type(self).__name__, part)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return pointwise(self._parts(input_shapes)[0], DATA)  # which capsule is the longest depends on all

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0

    def _parts(self, inputs):
        several = isinstance(inputs, (list, tuple)) and not any(n is None or isinstance(n, int) for n in inputs)
        parts = list(inputs) if several else [inputs]
        require(len(parts) in (1, 2), type(self).__name__, "capsules, or [capsules, labels]", inputs=len(parts))
        return parts
