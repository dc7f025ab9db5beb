"""Random crops, of padded images too: each image's crop has a position of its own.

Source: He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", section 4.2, for 4 pixels of padding;
Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 4.1, for
crops of larger images.
"""

from typing import Any

import keras
from keras import ops

from kzoo.augmentation.base_augmentation import BaseAugmentation, check_sides
from kzoo.augmentation.sample_pixels import check_fill, sample_pixels
from kzoo.checks import is_integer, require
from kzoo.layers.field import UPPER_BOUND, Field, Fields, pointwise, whole
from kzoo.types import DataFormat, Shape


@keras.saving.register_keras_serializable("kzoo")
class PadAndCrop(BaseAugmentation):
    """Pads images and crops each at a random position of its own; at inference takes the central crop.

    Shapes: (H, W, C) or (B, H, W, C), or channels first -> (height, width, C) or (B, height, width, C), in the same
    dtype. Label maps in {"images": ..., "segmentation_masks": ...} are cropped with their images.
    All positions are equally likely: a padding of 4 shifts an image by -4 to 4 whole pixels in each direction. Keras's
    `RandomCrop` draws one position for a batch.
    Arguments: padding, in pixels on each side; height and width of the crops, None for those of the image; fill_mode of
    the padding, "constant" (fill_value), "nearest" or "reflect"; fill_value, in the unit of the image; seed;
    data_format.
    Errors: ValueError if a crop is larger than the padded image.

    >>> PadAndCrop(4, seed=1)(keras.ops.ones((2, 32, 32, 3), "uint8")).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(
        self,
        padding: int = 0,
        height: int | None = None,
        width: int | None = None,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        require(is_integer(padding, 0), "PadAndCrop", "padding, an integer of at least 0", padding=padding)
        check_sides("PadAndCrop", height=height, width=width)
        check_fill("PadAndCrop", fill_mode, fill_value)
        self.padding = padding
        self.height = height
        self.width = width
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def draw(self, shape):
        batch, height, width, _ = shape
        counts = [margin + 1 for margin in self._spare(height, width)]
        return [keras.random.randint((batch, 1, 1), 0, n, seed=self.seed_generator) - self.padding for n in counts]

    def at_inference(self, shape):
        _, height, width, _ = shape
        if self.height is None and self.width is None:
            return None
        return [margin // 2 - self.padding for margin in self._spare(height, width)]

    def transform_images(self, images, drawn):
        _, height, width, _ = ops.shape(images)
        height, width = self.output_size(height, width)
        if isinstance(drawn[0], int) and not self.padding:  # at inference: in all export formats
            return images[:, drawn[0] : drawn[0] + height, drawn[1] : drawn[1] + width]
        rows = ops.cast(drawn[0] + ops.arange(height)[None, :, None], "float32")
        columns = ops.cast(drawn[1] + ops.arange(width)[None, None], "float32")
        return sample_pixels(images, rows, columns, self.fill_mode, self.fill_value, "nearest")

    def transform_segmentation_masks(self, masks, drawn):
        return self.transform_images(masks, drawn)

    def output_size(self, height, width):
        return self.height or height, self.width or width

    def _spare(self, height, width):
        """Returns by how many pixels a padded image is higher and wider than its crop."""
        spare = [side + 2 * self.padding - crop for side, crop in zip((height, width), self.output_size(height, width))]
        fits = all(not isinstance(margin, int) or margin >= 0 for margin in spare)
        expected = f"padded images of at least the crop's {self.output_size(height, width)} pixels"
        require(fits, "PadAndCrop", expected, height=height, width=width, padding=self.padding)
        return spare

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        shape = input_shapes[0]
        sides = shape[1:-1] if self.data_format == "channels_last" else shape[2:]
        if self.height is None and self.width is None:
            return pointwise(shape)
        if None in sides:
            return whole(shape, UPPER_BOUND)
        return tuple(Field(1, padding=-first) for first in self.at_inference((1, *sides, 1)))

    def get_config(self):
        own = ("padding", "height", "width", "fill_mode", "fill_value")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
