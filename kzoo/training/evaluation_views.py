"""Evaluation by the mean of a model's outputs over several views of each example: crops, scales and clips.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section
4.1, for the crops of four corners and the centre and their mirror images; Simonyan & Zisserman 2015, "Very deep
convolutional networks for large-scale image recognition", sections 3.2 and 4, for scales and a grid of 5 x 5 crops;
Simonyan & Zisserman 2014, "Two-stream convolutional networks for action recognition in videos", section 5, for frames.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.augmentation.base_box_crop import BaseBoxCrop, resize_boxes
from kzoo.augmentation.pad_and_crop import PadAndCrop
from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.training.keras_objects import class_of

CENTRE, ENDS, FIFTHS = [(0.5, 0.5)], (0.0, 1.0), (0.0, 0.25, 0.5, 0.75, 1.0)
FIVE = [(row, column) for row in ENDS for column in ENDS] + CENTRE
GRID = [(row, column) for row in FIFTHS for column in FIFTHS]
CROPS = {1: (CENTRE, False), 5: (FIVE, False), 10: (FIVE, True), 50: (GRID, True)}  # positions; with mirror images
CROPPING = (keras.layers.CenterCrop, keras.layers.RandomCrop, PadAndCrop, BaseBoxCrop)


class MeanOfViews(keras.layers.Layer):
    """The mean of a model's outputs over views of its input, which are computed one after the other.

    Shapes: x (B, clips * steps, ...) if there are several clips, or (B, ...) -> a list of outputs (B, classes).
    Arguments: head, the model up to the images that are cropped; tail, the model from their crops on; boxes (N, 4), as
    `resize_boxes` takes them; size, of the crops; mirrored, whether each crop is seen mirrored too; clips, how many.
    Without boxes the whole output of `head` is one view.
    """

    def __init__(self, head: keras.Model, tail: keras.Model, boxes: Any, size: Any, mirrored: bool, clips: int):
        super().__init__(dtype="float32", autocast=False)
        self.head, self.tail = head, tail
        self.boxes, self.size, self.mirrored, self.clips = boxes, size, mirrored, clips

    def call(self, x):
        crops = len(self.boxes) if self.boxes is not None else 1

        def add(view, totals):
            seen = self.head(self._clip(x, view // crops), training=False)
            if self.boxes is not None:
                box = ops.take(ops.convert_to_tensor(self.boxes), view % crops, axis=0)
                seen = resize_boxes(seen, ops.tile(box[None], (ops.shape(x)[0], 1)), self.size)
            for each in [seen, ops.flip(seen, axis=2)] if self.mirrored else [seen]:
                outputs = keras.tree.flatten(self.tail(each, training=False))
                totals = [total + ops.cast(output, "float32") for total, output in zip(totals, outputs)]
            return totals

        zeros = [ops.zeros((ops.shape(x)[0], output.shape[-1])) for output in self.tail.outputs]
        totals = ops.fori_loop(0, self.clips * crops, add, zeros)
        return [total / (self.clips * crops * (1 + self.mirrored)) for total in totals]

    def _clip(self, x, number):
        if self.clips == 1:
            return x
        steps = x.shape[1] // self.clips
        start = [0, number * steps, *[0] * (len(x.shape) - 2)]
        return ops.slice(x, start, (ops.shape(x)[0], steps, *x.shape[2:]))


def average_views(config: Config, model: keras.Model) -> keras.Model | None:
    """Returns a model of the mean outputs over the views that config.evaluation says; None without this part.

    It shares the layers of `model`, and its outputs have the same names. Crops have the size and take the place of
    those of the first layer in data.preprocess that crops; with data.resize: short_side and no such layer, those of
    data.image_size of central squares, which `square_images` loads.
    Raises Refusal if the model has other inputs than examples, outputs for each pixel, or no layer that crops as asked.
    """
    views = config.evaluation
    if views is None:
        return None
    plain = (config.data.inputs, set(config.data.targets or ["y"])) == (["x"], {"y"})
    require(plain, "evaluation", "data.inputs of x and data.targets of y", inputs=config.data.inputs)
    shapes = [tuple(output.shape) for output in model.outputs]
    per_example = all(len(shape) == 2 for shape in shapes)
    require(per_example, "evaluation", "a model with one label per example, not label maps", output=shapes[0])
    image: Any
    size: Any = None
    head, tail, boxes = keras.layers.Identity(), model, None
    input_shape, squares = model.input_shape[1:], square_images(config)
    if views.crops > 1 or views.scales:
        crop = _crop_layer(config, model)
        if squares is not None:
            image, size = squares.data.image_size, config.data.image_size
            input_shape = (*image, input_shape[-1])
        else:
            require(crop is not None, "evaluation", "data.preprocess with a layer that crops", crops=views.crops)
            image, size = crop.input.shape[1:3], tuple(crop.output.shape[1:3])
            head, tail = keras.Model(model.inputs, crop.input), keras.Model(crop.output, model.outputs)
        require(None not in image, "evaluation", "images of one size, without data.training_sizes", image=image)
        boxes = crop_boxes(image, size, views.crops, views.scales)
    clips, (steps, *shape) = views.frames or 1, input_shape
    x = keras.Input((steps if clips == 1 else steps * clips, *shape))
    means = MeanOfViews(head, tail, boxes, size, CROPS[views.crops][1], clips)(x)
    named = zip(means, model.output_names)
    return keras.Model(x, [keras.layers.Identity(name=name)(mean) for mean, name in named], name=model.name)


def square_images(config: Config) -> Config | None:
    """Returns a config with the central squares of its images, from which views are cropped; None if not needed."""
    data, views = config.data, config.evaluation
    crops_in_model = any(issubclass(class_of("layer", spec), CROPPING) for spec in data.preprocess)
    if views is None or data.short_side is None or crops_in_model or (views.crops == 1 and views.scales is None):
        return None
    square = {"image_size": [data.short_side] * 2, "resize": "crop", "short_side": None, "training_short_side": None}
    return config.model_copy(update={"data": data.model_copy(update=square)})


def _crop_layer(config, model):
    """Returns the first layer of data.preprocess that crops images, or None."""
    names = [spec.config.get("name", f"preprocess{i + 1}") for i, spec in enumerate(config.data.preprocess)]
    layers = [model.get_layer(name) for name in names]
    layer = next((layer for layer in layers if isinstance(layer, CROPPING)), None)
    last = layer is None or layer.data_format == "channels_last"
    require(last, "evaluation", "a crop of images with channels last", data_format=getattr(layer, "data_format", None))
    return layer


def crop_boxes(
    image: Sequence[int], size: Sequence[int], crops: int = 10, scales: Sequence[int] | None = None
) -> np.ndarray:
    """Returns the boxes (N, 4) of an image that crops show: top, left, height and width in its pixels.

    Arguments: image and size, (height, width) of the image and of a crop; crops, a key of CROPS; scales, the lengths of
    the shorter side of the image when it is cropped, None for its own.
    Raises Refusal unless the crops fit into the images and, if several positions are asked for, are smaller than one.

    >>> crop_boxes((8, 8), (6, 6), 5).tolist()[:2]
    [[0.0, 0.0, 6.0, 6.0], [0.0, 2.0, 6.0, 6.0]]
    >>> crop_boxes((8, 8), (6, 6), 1, scales=[8, 16]).tolist()
    [[1.0, 1.0, 6.0, 6.0], [2.5, 2.5, 3.0, 3.0]]
    """
    positions, boxes = np.array(CROPS[crops][0]), []
    scaled = [[round(side * scale / min(image)) for side in image] for scale in scales or [min(image)]]
    spare = np.array(scaled) - size
    fits = (spare >= 0).all() and (len(positions) == 1 or spare.any())
    images = ", ".join(" x ".join(map(str, sides)) for sides in scaled)
    require(fits, "evaluation", f"crops that are smaller than the images, {images} pixels", size=tuple(size))
    for sides, margins in zip(scaled, spare):
        pixel = np.array(image) / sides
        boxes += [[*first, *(size * pixel)] for first in positions * margins // 1 * pixel]
    return np.array(boxes, "float32")
