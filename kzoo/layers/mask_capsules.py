"""One capsule of several, for a decoder.

Source: as `kzoo.ops.mask_capsules`.
"""

import keras

from kzoo.checks import require
from kzoo.ops.mask_capsules import check_capsules, check_labels, mask_capsules


@keras.saving.register_keras_serializable("kzoo")
class MaskCapsules(keras.layers.Layer):
    """Keeps the capsule of a sample's label, or else the longest, and sets all others to 0.

    Shapes: [capsules (B, K, D), labels (B,) integers] -> (B, K, D); of the capsules alone, and where a label is below
    0, the longest is kept. A decoder that is trained behind it learns what each capsule's numbers mean, and what it is
    fed at inference needs no label. Weights: none.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.mask_capsules`.

    >>> MaskCapsules()(keras.ops.convert_to_tensor([[[3.0, 4.0], [1.0, 0.0]]])).numpy()
    array([[[3., 4.],
            [0., 0.]]], dtype=float32)
    """

    def __init__(self, **kwargs):  # without one Keras would guess a config
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # no weights: only to refuse in the layer's name, not the op's

    def call(self, inputs):
        return mask_capsules(*self._parts(inputs))

    def compute_output_shape(self, input_shape):
        capsules, *labels = self._parts(input_shape)
        check_capsules(type(self).__name__, capsules)
        require(all(len(x) == 1 for x in labels), type(self).__name__, "labels (batch,)", labels=labels)
        return tuple(capsules)

    def compute_output_spec(self, inputs):
        capsules, *labels = self._parts(inputs)
        require("float" in str(capsules.dtype), type(self).__name__, "floating capsules", dtype=str(capsules.dtype))
        for part in labels:
            check_labels(type(self).__name__, part)
        shape = self.compute_output_shape([x.shape for x in (capsules, *labels)])
        return keras.KerasTensor(shape, self.compute_dtype)

    def _parts(self, inputs):
        several = isinstance(inputs, (list, tuple)) and not any(n is None or isinstance(n, int) for n in inputs)
        parts = list(inputs) if several else [inputs]
        require(len(parts) in (1, 2), type(self).__name__, "capsules, or [capsules, labels]", inputs=len(parts))
        return parts
