"""Images for TensorBoard: the augmented inputs that training sees, and pictures of a run's results."""

import random
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kzoo.config.config import Config
from kzoo.data.examples import Examples
from kzoo.files import remove
from kzoo.training.model_batches import training_batches
from kzoo.training.run_data import sample

INPUTS = 16


def write_augmented_inputs(config: Config, model: keras.Model, train: Examples, seed: int, board: Path) -> None:
    """Writes training images as `data.augment` makes them into the folder `board`/inputs; nothing for other examples.

    The states of Python's and NumPy's random numbers stay as they are.
    """
    if len(train.input_shape) != 3 or train.input_shape[-1] not in (1, 3):
        return
    states = random.getstate(), np.random.get_state()
    few = Examples.from_arrays(*sample(train, INPUTS))
    batch = config.data.model_copy(update={"batch_size": few.size})
    batches = training_batches(config.model_copy(update={"data": batch}), model, few, seed, steps=1)
    images = next(iter(batches))[0].numpy().astype("float32")
    random.setstate(states[0])
    np.random.set_state(states[1])
    _write(board / "inputs", {"augmented inputs": displayable(images)}, step=0)


def write_pictures(folder: Path, pictures: Mapping[str, Path], step: int) -> None:
    """Writes those of the .png files {tag: file} that exist into a folder of TensorBoard, which is replaced."""
    images = {tag: tf.io.decode_png(file.read_bytes(), 3)[None] for tag, file in pictures.items() if file.is_file()}
    if images:
        _write(folder, images, step)


def displayable(images: np.ndarray) -> np.ndarray:
    """Returns images as uint8: of values from 0 to 1, of bytes, or of another range, which is stretched.

    >>> displayable(np.array([0.0, 1.0])).tolist(), displayable(np.array([0.0, 300.0, -300.0])).tolist()
    ([0, 255], [128, 255, 0])
    """
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 255:
        low, high = 0.0, 1.0 if high <= 1 else 255.0
    return np.round(255 * (images - low) / ((high - low) or 1)).astype("uint8")


def _write(folder, images, step):
    remove(folder)
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for tag, image in images.items():
            tf.summary.image(tag, image, step, max_outputs=len(image))
    writer.close()
