"""Random brightness, contrast, saturation and hue of each image.

Source: Howard 2014, "Some improvements on deep convolutional neural network based image classification",
arXiv:1312.5402, section 2.2, and Facebook's fb.resnet.torch, datasets/transforms.lua, for brightness, contrast and
saturation; Smith 1978, "Color gamut transform pairs", for the hue.
"""

from typing import Any

import keras
from keras import ops

from kzoo.augmentation.base_augmentation import BaseAugmentation
from kzoo.augmentation.color_operations import grey_image
from kzoo.augmentation.value_range import as_value_range
from kzoo.checks import is_number, require
from kzoo.types import DataFormat, Tensor


@keras.saving.register_keras_serializable("kzoo")
class ColorJitter(BaseAugmentation):
    """Changes the brightness, contrast, saturation and hue of each image at random; inactive in inference.

    Shapes: (H, W, 3) or (B, H, W, 3), or channels first -> the same, in the same dtype; integers are rounded, and all
    values stay in value_range. Label maps stay as they are.
    Three factors are uniform in [1 - strength, 1 + strength]: an image is multiplied by the first; its difference from
    the mean of its grey pixels by the second; and its difference from its grey image by the third. Their order makes no
    difference. Then the hue of each pixel is turned by a fraction of the colour circle that is uniform in [-hue, hue].
    Arguments: brightness, contrast and saturation, strengths from 0 to 1; hue, from 0 to 0.5; value_range, the values
    of black and white; seed; data_format.

    >>> ColorJitter(hue=0.1, seed=1)(keras.ops.ones((2, 32, 32, 3), "uint8")).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.4,
        hue: float = 0.0,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
        for name, strength in strengths.items():
            most = 0.5 if name == "hue" else 1
            fits = is_number(strength) and 0 <= strength <= most
            require(fits, "ColorJitter", f"{name}, a number from 0 to {most}", **{name: strength})
            setattr(self, name, float(strength))
        self.value_range = as_value_range("ColorJitter", value_range)

    def draw(self, shape):
        require(shape[3] == 3, "ColorJitter", "images of 3 channels", channels=shape[3])

        def uniform(mean, strength):
            size = (shape[0], 1, 1, 1)
            return keras.random.uniform(size, mean - strength, mean + strength, "float32", seed=self.seed_generator)

        factors = [uniform(1, strength) for strength in (self.brightness, self.contrast, self.saturation)]
        return *factors, uniform(0, self.hue)

    def transform_images(self, images, drawn):
        brightness, contrast, saturation, turn = drawn
        black, _ = self.value_range
        x = brightness * (ops.cast(images, "float32") - black)
        grey = grey_image(x)
        mean = ops.mean(grey, (1, 2), keepdims=True)
        x = mean + contrast * (grey + saturation * (x - grey) - mean)
        if self.hue:
            x = turn_hue(x, turn)
        return ops.clip(x + black, *self.value_range)

    def get_config(self):
        own = ("brightness", "contrast", "saturation", "hue", "value_range")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def turn_hue(x: Tensor, turn: Tensor) -> Tensor:
    """Returns colours (..., 3) whose hue is turned by a fraction of the colour circle; largest and least values stay.

    >>> red_to_green = turn_hue(ops.array([[5.0, 1.0, 1.0]]), 1 / 3)
    >>> red_to_green.numpy().round(4)
    array([[1., 5., 1.]], dtype=float32)
    """
    red, green, blue = (x[..., i : i + 1] for i in range(3))
    high, low = ops.max(x, -1, keepdims=True), ops.min(x, -1, keepdims=True)
    span = high - low
    safe = ops.where(span > 0, span, 1)
    of_green, of_blue = 2 + (blue - red) / safe, 4 + (red - green) / safe
    hue = ops.where(high == red, (green - blue) / safe, ops.where(high == green, of_green, of_blue))  # in sixths
    place = ops.mod(hue + 6 * turn + ops.convert_to_tensor([5.0, 3.0, 1.0], x.dtype), 6)
    return high - span * ops.clip(ops.minimum(place, 4 - place), 0, 1)
