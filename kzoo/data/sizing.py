"""How the examples of a dataset get one size: images are resized or cropped, series and clips cut to a length."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kzoo.checks import is_integer, require
from kzoo.data.cropped_examples import CroppedExamples
from kzoo.data.example_checks import INT32
from kzoo.data.examples import Examples
from kzoo.data.source import RESIZES, crop_or_pad, prepare_example, spread_parts


@dataclasses.dataclass(frozen=True)
class Sizing:
    """The size that examples get, and how.

    Arguments: as `kzoo.data.load`, which describes them.
    Raises Refusal if they contradict each other.

    >>> x, y = Sizing(image_size=(4, 4), resize="crop").prepare(tf.ones((6, 9, 1)), tf.constant(3))
    >>> x.shape, y.dtype
    (TensorShape([4, 4, 1]), tf.int32)
    """

    image_size: Sequence[int] | None = None
    resize: str | int = "stretch"
    training_short_side: Sequence[int] | None = None
    ignore_label: int | None = None
    length: int | None = None
    parts: int | None = None

    def __post_init__(self):
        if isinstance(self.image_size, list):
            object.__setattr__(self, "image_size", tuple(self.image_size))
        ignored = self.ignore_label
        in_range = ignored is None or (is_integer(ignored) and INT32.min < ignored < INT32.max)
        require(in_range, "load", "ignore_label, an integer within int32, or None", ignore_label=ignored)
        expected = f"resize, one of {', '.join(RESIZES)} or the length of the shorter side"
        require(is_integer(self.resize, 1) or self.resize in RESIZES, "load", expected, resize=self.resize)
        sized = self.resize == "stretch" or self.image_size is not None
        expected = f"image_size=(height, width) where resize is {self.resize}"
        require(sized, "load", expected, image_size=self.image_size)
        self._check_short_sides()

    def _check_short_sides(self):
        """Raises Refusal unless crops of image_size fit into images whose shorter sides have these lengths."""
        size, resize, training = self.image_size, self.resize, self.training_short_side
        if isinstance(resize, str):
            require(training is None, "load", "a length as resize for training_short_side", resize=resize)
            return
        crop = max(size) if isinstance(size, tuple) and all(map(is_integer, size)) else 0
        require(crop <= resize, "load", f"an image_size of at most the shorter side, {resize}", image_size=size)
        pair = isinstance(training, (tuple, list)) and len(training) == 2
        pair = pair and all(is_integer(side, 1) for side in training)
        fits = training is None or (pair and crop <= training[0] <= training[1])
        expected = f"training_short_side, two ascending integers of at least {crop}"
        require(fits, "load", expected, training_short_side=training)

    @property
    def crops(self) -> bool:
        """Whether training images are cropped at random, and so stay in their own proportions until then."""
        return not isinstance(self.resize, str)

    def cut(self, x: tf.Tensor) -> tf.Tensor:
        """Returns a series or clip with the length, or with as many stretches of it as `parts` says."""
        if self.length is None:
            return x
        return crop_or_pad(x, self.length) if self.parts is None else spread_parts(x, self.length, self.parts)

    def prepare(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns an example with its size and its label as int32; images that are cropped stay as they are."""
        return prepare_example(self.cut(x), y, None if self.crops else self.image_size, self.resize, self.ignore_label)

    def examples(self, dataset: tf.data.Dataset, size: int, **options: Any) -> Examples:
        """Returns the `Examples` of a dataset of prepared (x, y), with `options` of that class."""
        if self.crops:
            sides: Any = (self.image_size, self.resize, self.training_short_side)
            return CroppedExamples(dataset, size, *sides, **options)
        return Examples(dataset, size, **options)
