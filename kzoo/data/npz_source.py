"""A data set in one .npz file with Keras's names: x_train, y_train, and x_test, y_test if there is a test split.

Source: keras.datasets.mnist (mnist.npz).
"""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.examples import Examples
from kzoo.data.source import Source, check_image_size, tidy

PAIRS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}


def arrays(path, image_size=None):
    """The Source of an .npz file; its training examples are put into one fixed random order.

    Shapes: x (N, H, W, C) images, (N, L, 1) or (N, L) series, (N, H, W) images without a channel axis, which they
    gain, as series do; y (N,), (N, 1) or maps (N, H, W, 1).
    Units: x as stored (float64 becomes float32), y whole numbers 0..classes-1.
    Errors: Refusal if the file is missing, broken or no .npz, an array is missing, pickled, of another kind or rank,
    or the shapes and lengths do not agree.
    """
    file = Path(path).expanduser()
    stored = _read(file, path)
    splits = {}
    for split, (x_name, y_name) in PAIRS.items():
        if x_name in stored or y_name in stored or split == "train":
            for name in (x_name, y_name):
                require(name in stored, "load", f"arrays with {name}", arrays=str(path), found=sorted(stored))
            splits[split] = _images(x_name, stored[x_name]), _labels(y_name, stored[y_name])
            lengths = {name: len(stored[name]) for name in (x_name, y_name)}
            same = len(set(lengths.values())) == 1 and all(lengths.values())
            require(same, "load", f"as many rows in {x_name} as in {y_name}, and some", **lengths)
    shapes = {PAIRS[split][0]: x.shape[1:] for split, (x, _) in splits.items()}
    require(len(set(shapes.values())) == 1, "load", "examples of one shape in both splits", **shapes)

    x, y = splits["train"]
    check_image_size(image_size, x.shape[1:])
    # RandomState, because NumPy promises never to change its numbers; files are often sorted by class.
    order = np.random.RandomState(0).permutation(len(x))
    splits["train"] = x[order], y[order]

    def examples(split, start, stop):
        x, y = (array[start:stop] for array in splits[split])
        if image_size is None:
            return Examples.from_arrays(x, y)
        slices = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: tidy(a, b, image_size), tf.data.AUTOTUNE)
        return Examples(slices, len(x))

    return Source(
        name=file.stem,
        input_shape=(*(image_size or x.shape[1:-1]), x.shape[-1]),
        dtype=x.dtype.name,
        label_shape=(*image_size, 1) if image_size and y.ndim > 1 else y.shape[1:],
        classes=1 + max(int(labels.max()) for _, labels in splits.values()),
        class_names=None,
        sizes={split: len(labels) for split, (_, labels) in splits.items()},
        examples=examples,
    )


def _read(file, path):
    """{name: array} of the four names the file may hold."""
    require(file.is_file() and zipfile.is_zipfile(file), "load", "arrays, an .npz file", arrays=str(path))
    try:
        with np.load(file, allow_pickle=False) as stored:
            names = [name for pair in PAIRS.values() for name in pair]
            return {name: stored[name] for name in names if name in stored}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        why = f"which cannot be read: {str(error).splitlines()[0]}"
        raise Refusal(f"load expects arrays, an .npz file of plain arrays; received {str(path)!r}, {why}") from error


def _images(name, x):
    require(x.dtype.kind in "biuf", "load", f"numbers in {name}", dtype=x.dtype.name)
    require(2 <= x.ndim <= 5, "load", f"{name} of rank 2 (series) to 5 (volumes)", shape=x.shape)
    if x.ndim == 2 or (x.ndim == 3 and x.shape[-1] != 1):  # (N, L, 1) is a series that has its channel
        x = x[..., None]
    return x.astype("float32") if x.dtype == "float64" else x


def _labels(name, y):
    require(y.dtype.kind in "biu", "load", f"whole numbers in {name}", dtype=y.dtype.name)
    if y.ndim == 2 and y.shape[1] == 1:  # as keras.datasets.cifar10 has them
        y = y[:, 0]
    require(y.ndim in (1, 3, 4), "load", f"{name} of shape (N,), one class number an example", shape=y.shape)
    require(y.size == 0 or y.min() >= 0, "load", f"{name} from 0", smallest=y.min() if y.size else None)
    return (y[..., None] if y.ndim == 3 else y).astype("int32")
