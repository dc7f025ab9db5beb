"""The base of augmentation layers that crop a random box of each image and resize it."""

from typing import Any

from keras import ops

from kzoo.augmentation.base_augmentation import BaseAugmentation, check_sides
from kzoo.augmentation.sample_pixels import sample_pixels
from kzoo.layers.field import UPPER_BOUND, Fields, pointwise, whole
from kzoo.types import DataFormat, Shape


class BaseBoxCrop(BaseAugmentation):
    """Resizes a box of each image; a subclass draws the boxes, and has `central_box` for inference.

    Boxes: (B, 4) of float32, top, left, height and width in pixels, which need not be whole.
    """

    def __init__(
        self,
        height: int | None = None,
        width: int | None = None,
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        check_sides(type(self).__name__, height=height, width=width)
        self.height = height
        self.width = width

    def central_box(self, height, width):
        """Returns the height and width of the box that is taken from the centre of an image at inference."""
        raise NotImplementedError

    def at_inference(self, shape):
        if self.height is None and self.width is None:
            return None
        height, width = (ops.cast(side, "float32") for side in shape[1:3])
        box = self.central_box(height, width)
        return ops.tile(ops.stack([(height - box[0]) / 2, (width - box[1]) / 2, box[0], box[1]])[None], (shape[0], 1))

    def transform_images(self, images, drawn):
        return resize_boxes(images, drawn, self.output_size(*ops.shape(images)[1:3]))

    def transform_segmentation_masks(self, masks, drawn):
        height, width = self.output_size(*ops.shape(masks)[1:3])
        rows = _centres(drawn[:, 0], drawn[:, 2], height)[:, :, None]
        columns = _centres(drawn[:, 1], drawn[:, 3], width)[:, None]
        return sample_pixels(masks, rows, columns, "nearest", interpolation="nearest")

    def output_size(self, height, width):
        return self.height or height, self.width or width

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        resizes = self.height is not None or self.width is not None
        return whole(input_shapes[0], UPPER_BOUND) if resizes else pointwise(input_shapes[0])

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


def resize_boxes(x, boxes, size):
    """Returns boxes of images resized bilinearly to one size; areas are averaged when shrinking.

    Shapes: x (B, H, W, C), boxes (B, 4) -> (B, *size, C) of float32.

    >>> resize_boxes(ops.reshape(ops.arange(4.0), (1, 2, 2, 1)), ops.array([[0.0, 0, 2, 2]]), (1, 1)).numpy().item()
    1.5
    """
    _, height, width, _ = ops.shape(x)
    rows = _resampling_matrix(boxes[:, 0], boxes[:, 2], size[0], height)
    columns = _resampling_matrix(boxes[:, 1], boxes[:, 3], size[1], width)
    return ops.einsum("bjw,biwc->bijc", columns, ops.einsum("bih,bhwc->biwc", rows, ops.cast(x, "float32")))


def _centres(first, length, count):
    """Returns the positions (B, count) of the centres of `count` equal parts of a stretch of pixels."""
    steps = (ops.arange(count, dtype="float32") + 0.5) / ops.cast(count, "float32")
    return first[:, None] + length[:, None] * steps - 0.5


def _resampling_matrix(first, length, count, size):
    """Returns the weights (B, count, size) of pixels in the resized ones: triangles as wide as two steps or pixels."""
    spread = ops.maximum(length / ops.cast(count, "float32"), 1.0)[:, None, None]
    distance = ops.arange(size, dtype="float32") - _centres(first, length, count)[:, :, None]
    weight = ops.relu(1 - ops.abs(distance) / spread)
    return weight / ops.sum(weight, axis=-1, keepdims=True)
