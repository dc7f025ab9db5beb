"""The images and the signal that the pictures are drawn from; they come with scikit-learn and MNIST-1D.

All are channels-last float32 arrays with a batch axis; image values lie between 0 and 1.
"""

import functools

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

from kzoo.data.builders.mnist1d import mnist1d


def _crop(name, rows, columns, size):
    picture = Image.fromarray(load_sample_image(name)[slice(*rows), slice(*columns)])
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS), "float32")[None] / 255


@functools.cache
def temple(size=96):
    """A pagoda, sky and water in colour, with edges of all orientations. (1, size, size, 3)."""
    return _crop("china.jpg", (20, 420), (100, 500), size)


@functools.cache
def roof(size=96):
    """A part of `temple` in colour, enlarged: fine railings and tiles. (1, size, size, 3)."""
    return _crop("china.jpg", (100, 260), (240, 400), size)


@functools.cache
def flower(size=96):
    """A dahlia in colour, with few colours and round shapes. (1, size, size, 3)."""
    return _crop("flower.jpg", (40, 400), (180, 540), size)


def grey(x):
    """The luma of colour images (ITU-R BT.601): (B, H, W, 3) -> (B, H, W, 1)."""
    return (np.asarray(x) @ np.array([0.299, 0.587, 0.114], "float32"))[..., None]


@functools.cache
def digits():
    """1797 handwritten digits of 8 x 8 pixels, and their labels: (1797, 8, 8, 1), (1797,)."""
    data = load_digits()
    return (data.images[..., None] / 16).astype("float32"), data.target


def digit(index=0):
    """One of `digits`. (1, 8, 8, 1)."""
    return digits()[0][index : index + 1]


@functools.cache
def signal():
    """One digit of MNIST-1D: 40 samples. (1, 40, 1)."""
    return mnist1d()["train"][0][:1, :, None].astype("float32")
