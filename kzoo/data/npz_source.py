"""Datasets from one .npz file with Keras's array names: x_train, y_train and, for a test split, x_test, y_test.

Source: keras.datasets.mnist (mnist.npz).
"""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.examples import Examples
from kzoo.data.source import Source, check_image_size, prepare_example

PAIRS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}


def npz_source(path, image_size=None):
    """Returns the `Source` of an .npz file, with the training examples in a fixed random order.

    Shapes: x (N, H, W, C) images or (N, L, 1) series; (N, H, W) and (N, L) gain a channel axis. y (N,), (N, 1) or
    label maps (N, H, W, 1), integers 0..classes-1. float64 inputs become float32.
    Raises Refusal if the file is missing or cannot be read, or if an array is missing, pickled, or of a wrong dtype,
    rank or length.
    """
    file = Path(path).expanduser()
    stored = _read(file, path)
    splits = {}
    for split, (x_name, y_name) in PAIRS.items():
        if x_name in stored or y_name in stored or split == "train":
            for name in (x_name, y_name):
                require(name in stored, "load", f"arrays with {name}", arrays=str(path), found=sorted(stored))
            splits[split] = _as_inputs(x_name, stored[x_name]), _as_labels(y_name, stored[y_name])
            lengths = {name: len(stored[name]) for name in (x_name, y_name)}
            same = len(set(lengths.values())) == 1 and all(lengths.values())
            require(same, "load", f"as many examples in {x_name} as in {y_name}, at least 1", **lengths)
    shapes = {PAIRS[split][0]: x.shape[1:] for split, (x, _) in splits.items()}
    require(len(set(shapes.values())) == 1, "load", "examples of one shape in both splits", **shapes)

    x, y = splits["train"]
    check_image_size(image_size, x.shape[1:])
    # Files are often sorted by class. RandomState, because NumPy guarantees that its numbers never change.
    order = np.random.RandomState(0).permutation(len(x))
    splits["train"] = x[order], y[order]

    def read(split, start, stop):
        x, y = (array[start:stop] for array in splits[split])
        if image_size is None:
            return Examples.from_arrays(x, y)
        dataset = tf.data.Dataset.from_tensor_slices((x, y))
        return Examples(dataset.map(lambda a, b: prepare_example(a, b, image_size), tf.data.AUTOTUNE), len(x))

    return Source(
        name=file.stem,
        input_shape=(*(image_size or x.shape[1:-1]), x.shape[-1]),
        dtype=x.dtype.name,
        label_shape=(*image_size, 1) if image_size and y.ndim > 1 else y.shape[1:],
        classes=1 + max(int(labels.max()) for _, labels in splits.values()),
        class_names=None,
        split_sizes={split: len(labels) for split, (_, labels) in splits.items()},
        read=read,
    )


def _read(file, path):
    """Returns {name: array} for those of the four names that the file contains."""
    require(file.is_file() and zipfile.is_zipfile(file), "load", "arrays, an .npz file", arrays=str(path))
    try:
        with np.load(file, allow_pickle=False) as stored:
            names = [name for pair in PAIRS.values() for name in pair]
            return {name: stored[name] for name in names if name in stored}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        why = f"which cannot be read: {str(error).splitlines()[0]}"
        raise Refusal(f"load expects arrays, an .npz file of plain arrays; received {str(path)!r}, {why}") from error


def _as_inputs(name, x):
    require(x.dtype.kind in "biuf", "load", f"numbers in {name}", dtype=x.dtype.name)
    require(2 <= x.ndim <= 5, "load", f"{name} of rank 2 (series) to 5 (volumes)", shape=x.shape)
    if x.ndim == 2 or (x.ndim == 3 and x.shape[-1] != 1):  # (N, L, 1) is a series with its channel axis
        x = x[..., None]
    return x.astype("float32") if x.dtype == "float64" else x


def _as_labels(name, y):
    require(y.dtype.kind in "biu", "load", f"integers in {name}", dtype=y.dtype.name)
    if y.ndim == 2 and y.shape[1] == 1:  # as in keras.datasets.cifar10
        y = y[:, 0]
    require(y.ndim in (1, 3, 4), "load", f"{name} of shape (N,), one class number per example", shape=y.shape)
    require(y.size == 0 or y.min() >= 0, "load", f"{name} of at least 0", smallest=y.min() if y.size else None)
    return (y[..., None] if y.ndim == 3 else y).astype("int32")
