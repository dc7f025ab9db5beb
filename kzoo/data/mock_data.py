"""Random data in the shape of a real set, for dry runs and tests of plumbing.

Source: none.
"""

import numpy as np

from kzoo.checks import is_integer, require
from kzoo.data.examples import Examples
from kzoo.data.loader import Data, facts


def mock(input_shape, classes, size=64, dtype="float32", label_shape=(), name="mock", class_names=None):
    """`Data` of noise: `size` examples in each of train, validation and test, the same at each call.

    Shapes: x (size, *input_shape), y (size, *label_shape). `classes` None gives labels 0 and 1, and stays None.
    Units: floats are normal with standard deviation 1, integers 0..255 or as far as the dtype goes.
    Errors: ValueError if input_shape is no tuple of integers above 0, or size or classes is no integer above 0.

    >>> mock((8, 8, 3), 10, dtype="uint8").train.numpy()[0].shape
    (64, 8, 8, 3)
    """
    known = isinstance(input_shape, (tuple, list)) and all(is_integer(side, 1) for side in input_shape)
    require(known, "mock", "input_shape, sizes above 0", input_shape=input_shape)
    require(is_integer(size, 1), "mock", "size, an integer above 0", size=size)
    require(classes is None or is_integer(classes, 1), "mock", "classes, an integer above 0 or None", classes=classes)

    def split(seed):
        draw = np.random.default_rng(seed)
        if np.issubdtype(np.dtype(dtype), np.integer):
            x = draw.integers(0, min(256, np.iinfo(dtype).max + 1), (size, *input_shape)).astype(dtype)
        else:
            x = draw.normal(size=(size, *input_shape)).astype(dtype)
        return Examples.from_arrays(x, draw.integers(0, classes or 2, (size, *label_shape)).astype("int32"))

    return Data(name, split(0), split(1), split(2), classes, class_names, tuple(input_shape))


def mock_like(name=None, *, folder=None, arrays=None, image_size=None, length=None, size=64):
    """`mock` in the shape of the set that `load` would give, which need not be prepared.

    Shapes: one example's as in the set. Errors: Refusal as `specs`.

    >>> mock_like("mnist1d").input_shape
    (40, 1)
    """
    like = facts(name, folder=folder, arrays=arrays, image_size=image_size, length=length)
    return mock(like.input_shape, like.classes, size, like.dtype, like.label_shape, like.name, like.class_names)
