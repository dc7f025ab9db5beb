"""Dropout that scales at inference instead of in training.

Source: as `kzoo.ops.unscaled_dropout`.
"""

from typing import Any

import keras
from keras import ops

from kzoo.layers.base_layer import BaseLayer, Pointwise, set_seed
from kzoo.ops.unscaled_dropout import check_settings, unscaled_dropout
from kzoo.types import Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class UnscaledDropout(Pointwise, BaseLayer):
    """Sets numbers to zero at random in training and leaves the others as they are; multiplies all at inference.

    Keras's `Dropout` divides by 1 - rate in training instead: with the same weights it gives 1 / (1 - rate) times the
    numbers, so that a recipe of the older form learns otherwise with it.
    Shapes: any -> the same.
    Arguments: rate, the probability that a number is dropped; inference_scale, the factor of all numbers at inference,
    by default 1 - rate, their mean in training; seed.

    >>> layer = UnscaledDropout(0.25)
    >>> layer(keras.ops.ones((1, 2))).numpy()
    array([[0.75, 0.75]], dtype=float32)
    >>> set(layer(keras.ops.ones((9, 9)), training=True).numpy().ravel().tolist()) == {0.0, 1.0}
    True
    """

    def __init__(self, rate: float = 0.5, inference_scale: float | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        check_settings(type(self).__name__, rate, inference_scale)
        self.rate = float(rate)
        self.inference_scale = None if inference_scale is None else float(inference_scale)
        set_seed(self, seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        noise = None
        if training:
            noise = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        return unscaled_dropout(inputs, self.rate, self.inference_scale, noise)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self):
        names = ("rate", "inference_scale", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
