"""CutMix: a box of each image comes from another one, and the label counts both by their areas.

Source: Yun, Han, Oh, Chun, Choe & Yoo 2019, "CutMix: Regularization strategy to train strong classifiers with
localizable features", arXiv:1905.04899, section 3, and the authors' program, train.py, for the pixels of a box; French
et al. 2020, "Semi-supervised semantic segmentation needs strong, varied perturbations", for label maps.
"""

from typing import Any

import keras
from keras import ops

from kzoo.augmentation.base_mixing import BaseMixing, check_alpha, draw_beta
from kzoo.checks import is_number, require
from kzoo.layers.data_format import as_data_format
from kzoo.types import DataFormat


@keras.saving.register_keras_serializable("kzoo")
class CutMix(BaseMixing):
    """Replaces a random box of each image by that of another of its batch, and mixes the labels by their areas.

    Shapes: {"images": (B, H, W, C), "labels": (B, classes)} -> the same, images in their own dtype. Label maps in
    "segmentation_masks" get the same box instead of labels.
    The box has 1 - lambda of the image's area, lambda from Beta(alpha, alpha), and the image's proportions; its centre
    is uniform in the image, whose border cuts it. Labels count the pixels that are left.
    Arguments: alpha; probability, of an image to get a box: 0.5 on CIFAR and 1 on ImageNet in the paper; seed;
    data_format.

    >>> pair = {"images": keras.ops.stack([keras.ops.zeros((4, 4, 1)), keras.ops.ones((4, 4, 1))])}
    >>> mixed = CutMix(seed=1)({**pair, "labels": keras.ops.eye(2)})
    >>> bool(keras.ops.all(keras.ops.mean(mixed["images"], (1, 2, 3)) == mixed["labels"][:, 1]))
    True
    """

    mixes_label_maps = True

    def __init__(
        self,
        alpha: float = 1.0,
        probability: float = 1.0,
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(seed, **kwargs)
        self.alpha = check_alpha("CutMix", alpha)
        fits = is_number(probability) and 0 < probability <= 1
        require(fits, "CutMix", "probability, a number above 0 and at most 1", probability=probability)
        self.probability = float(probability)
        self.data_format = as_data_format("CutMix", data_format)

    def draw(self, shape):
        """Returns four tensors (B,), the boxes in whole pixels: first row, row after the last, and so for columns."""
        require(len(shape) == 4, "CutMix", "images (B, H, W, C)", shape=tuple(shape))
        count, seed = shape[0], self.seed_generator
        kept = draw_beta(self.alpha, count, seed)
        boxed = keras.random.uniform((count,), seed=seed) < self.probability
        ratio = ops.where(boxed, ops.sqrt(1 - kept), 0.0)
        ends = []
        for side in self._sides(shape):
            half = ops.cast(ratio * ops.cast(side, "float32"), "int32") // 2
            centre = keras.random.randint((count,), 0, side, seed=seed)
            ends += [ops.clip(centre - half, 0, side), ops.clip(centre + half, 0, side)]
        return ends

    def own_share(self, drawn, shape):
        top, bottom, left, right = drawn
        height, width = self._sides(shape)
        return 1 - ops.cast((bottom - top) * (right - left), "float32") / ops.cast(height * width, "float32")

    def mix_images(self, images, others, drawn):
        top, bottom, left, right = (end[:, None] for end in drawn)
        rows, columns = (ops.arange(side)[None] for side in self._sides(ops.shape(images)))
        in_rows = (top <= rows) & (rows < bottom)
        in_columns = (left <= columns) & (columns < right)
        inside = in_rows[:, :, None] & in_columns[:, None]
        channel = -1 if self.data_format == "channels_last" else 1
        return ops.where(ops.expand_dims(inside, channel), others, images)

    def _sides(self, shape):
        return shape[1:3] if self.data_format == "channels_last" else shape[2:]

    def get_config(self):
        own = ("alpha", "probability", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
