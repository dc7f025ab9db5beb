"""Datasets from one .npz file with Keras's array names: x_train, y_train and, for a test split, x_test, y_test.

Other splits are named likewise, x_val and y_val, and w_train, w_val and w_test are weights of the examples.

Source: keras.datasets.mnist (mnist.npz).
"""

import math
import zipfile
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.cropped_examples import CroppedExamples
from kzoo.data.example_checks import find_not_finite
from kzoo.data.examples import Examples
from kzoo.data.source import (
    TESTS,
    VALIDATIONS,
    Source,
    check_classes,
    check_image_size,
    digest,
    local_path,
    prepare_example,
)
from kzoo.memory import available_memory

NAMES = {split: tuple(f"{array}_{split}" for array in "xyw") for split in ("train", *VALIDATIONS, *TESTS)}


class StoredArrays(NamedTuple):
    """Arrays by the names that a file would have for them; `content` is their digest."""

    name: str
    arrays: dict[str, np.ndarray]
    content: str

    def __str__(self) -> str:
        return self.name


def npz_source(path, image_size=None, ignore_label=None, resize="stretch", training_short_side=None):
    """Returns the `Source` of an .npz file, or of `StoredArrays`, with the training examples in a fixed random order.

    Shapes: x (N, H, W, C) images or (N, L, 1) series; (N, H, W) and (N, L) gain a channel axis. y (N,), (N, 1) or
    label maps (N, H, W, 1), whole numbers 0..classes-1. w (N,), if the file has it, weights of the examples of class
    labels. Inputs of more than 32 bits become float32. Pixels of label maps may also be `ignore_label`, an integer that
    is no class.
    The digest covers the content of the arrays, through the checksums that the file stores.
    Raises Refusal if the file is missing or cannot be read, or if an array is missing, pickled, larger than memory, not
    finite, or of a wrong dtype, rank or length.
    """
    if isinstance(path, StoredArrays):
        source_name, stored, content, others = path.name, path.arrays, path.content, []
    else:
        file = local_path(path)
        source_name, (stored, content, others) = file.stem, _read(file, path)
    splits = {}
    for split, (x_name, y_name, w_name) in NAMES.items():
        names = [name for name in (x_name, y_name, w_name) if name in stored]
        if names or split == "train":
            for name in (x_name, y_name):
                require(name in stored, "load", f"arrays with {name}", arrays=str(path), found=sorted(stored))
            x = _as_inputs(x_name, stored[x_name])
            splits[split] = x, _as_labels(y_name, stored[y_name], x.ndim, ignore_label)
            lengths = {name: len(stored[name]) for name in (x_name, y_name)}
            same = len(set(lengths.values())) == 1 and all(lengths.values())
            require(same, "load", f"as many examples in {x_name} as in {y_name}, at least 1", **lengths)
            if w_name in stored:
                splits[split] += (_as_weights(w_name, stored[w_name], splits[split][1]),)
    shapes = {NAMES[split][0]: arrays[0].shape[1:] for split, arrays in splits.items()}
    require(len(set(shapes.values())) == 1, "load", "examples of one shape in all splits", **shapes)

    x, y, *_ = splits["train"]
    check_image_size(image_size, x.shape[1:])
    # Files are often sorted by class. RandomState, because NumPy guarantees that its numbers never change.
    order = np.random.RandomState(0).permutation(len(x))
    splits["train"] = tuple(array[order] for array in splits["train"])

    def read(split, chosen):
        arrays = [array[chosen] for array in splits[split]]
        if image_size is None:
            return Examples.from_arrays(*arrays)
        dataset = tf.data.Dataset.from_tensor_slices(tuple(arrays))

        if not isinstance(resize, str):
            return CroppedExamples(dataset, len(arrays[0]), image_size, resize, training_short_side)

        def prepare(x, y, *weight):
            return *prepare_example(x, y, image_size, resize, ignore_label), *weight

        return Examples(dataset.map(prepare, tf.data.AUTOTUNE), len(arrays[0]))

    return Source(
        name=source_name,
        input_shape=(*(image_size or x.shape[1:-1]), x.shape[-1]),
        dtype=x.dtype.name,
        label_shape=(*image_size, 1) if image_size and y.ndim > 1 else y.shape[1:],
        classes=1 + max(_largest_label(arrays[1], ignore_label) for arrays in splits.values()),
        class_names=None,
        split_sizes={split: len(arrays[0]) for split, arrays in splits.items()},
        read=read,
        labels=lambda split: splits[split][1],
        content=content,
        left_out={f"arrays of other names, such as {others[0]!r}": len(others)} if others else {},
    )


def _read(file, path):
    """Returns {name: array} for those of NAMES that the file contains, their digest, and the other names."""
    require(file.is_file() and zipfile.is_zipfile(file), "load", "arrays, an .npz file", arrays=str(path))
    arrays, place = {}, ""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            found = {name: members.pop(name) for names in NAMES.values() for name in names if name in members}
            need, memory = sum(member.file_size for member in found.values()), available_memory()
            if need > memory:
                raise ValueError(f"its arrays have {need:,} bytes, the free memory {memory:,.0f}")
            for name, member in found.items():
                place = f"{name}: "
                arrays[name] = read_member(archive, member)
    except Exception as error:  # a damaged file can raise any exception
        why = f"which cannot be read: {place}{(str(error) or type(error).__name__).splitlines()[0][:200]}"
        raise Refusal(f"load expects arrays, an .npz file of plain arrays; received {str(path)!r}, {why}") from error
    return arrays, digest({name: (member.CRC, member.file_size) for name, member in found.items()}), sorted(members)


def read_member(archive, member):
    """Returns the array of a member. Raises ValueError if it is none, or if it declares more or less than it holds."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = getattr(np.lib.format, f"read_array_header_{version[0]}_0", None)
        if read_header is None:
            raise ValueError(f"its format has version {version}")
        shape, _, dtype = read_header(file)
        declared, held = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
        if declared != held and not dtype.hasobject:
            raise ValueError(f"it declares shape {shape} of {dtype}, {declared:,} bytes, but holds {held:,}")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _as_inputs(name, x):
    require(x.dtype.kind in "biuf", "load", f"numbers in {name}", dtype=x.dtype.name)
    require(2 <= x.ndim <= 5, "load", f"{name} of rank 2 (series) to 5 (volumes)", shape=x.shape)
    if x.ndim == 2 or (x.ndim == 3 and x.shape[-1] != 1):  # (N, L, 1) is a series with its channel axis
        x = x[..., None]
    wide = x.dtype.kind == "f" and x.dtype.itemsize > 4
    with np.errstate(over="ignore"):
        x = x.astype("float32" if wide else x.dtype.newbyteorder("="), copy=False)
    index = find_not_finite(x)
    received = {} if index is None else {f"{name}[{index[0]}]": float(x[index])}
    require(index is None, "load", f"finite {x.dtype.name} numbers in {name}", **received)
    return x


def _as_labels(name, y, x_rank, ignore_label):
    y = _as_integers(name, y)
    if y.ndim == 2 and y.shape[1] == 1:  # as in keras.datasets.cifar10
        y = y[:, 0]
    if _is_one_hot(y, x_rank):
        raise Refusal(f"load expects class numbers in {name}; received one-hot ones: store np.argmax({name}, axis=-1).")
    labeled = y.ndim in (1, 3, 4) and 0 not in y.shape[1:]
    require(labeled, "load", f"{name} of shape (N,), one class number per example", shape=y.shape)
    if y.size:
        check_label_values(name, y, ignore_label)
    return (y[..., None] if y.ndim == 3 else y).astype("int32")


def _is_one_hot(y, x_rank):
    """Returns whether the last axis of labels holds a 1 for the class and 0 for the others.

    Labels of rank 4 may also be the label maps of volumes, whose inputs have rank 5.
    """
    shaped = y.ndim in (2, 4, 5) and y.shape[-1] > 1 and not (y.ndim == 4 and x_rank == 5) and y.size
    return bool(shaped) and y.min() == 0 and y.max() == 1 and bool((y.sum(-1) == 1).all())


def check_label_values(name, y, ignore_label):
    """Raises Refusal unless labels count classes; for usual codes of label maps the message says what to do."""
    labels = y if ignore_label is None else y[y != ignore_label]
    require(labels.size, "load", f"{name} with labels other than ignore_label", ignore_label=ignore_label)
    smallest, largest = int(labels.min()), int(labels.max())
    remedy = f"; set ignore_label: {smallest} if it means unlabelled" if y.ndim > 1 and ignore_label is None else ""
    require(smallest >= 0, "load", f"{name} of at least 0{remedy}", smallest=smallest)
    if largest == 255:
        occurs = np.zeros(256, bool)
        occurs[labels] = True
        others = np.flatnonzero(occurs)[:-1].tolist()
        require(others != [0], "load", f"labels 0 and 1 in {name}: divide it by 255", labels=[0, 255])
        gap = y.ndim > 1 and max(others, default=-1) < 128
        remedy = "; set ignore_label: 255 if it means unlabelled"
        require(not gap, "load", f"{name} without a large gap between its labels{remedy}", largest=[*others[-1:], 255])
    check_classes(1 + largest, len(y), f"{name}, labels")


def _largest_label(y, ignore_label):
    return int(y.max() if ignore_label is None else y[y != ignore_label].max())


def _as_integers(name, y):
    """Returns labels that are integers, or floats without a fraction, as integers."""
    require(y.dtype.kind in "biuf", "load", f"integers in {name}", dtype=y.dtype.name)
    if y.dtype.kind != "f":
        return y
    with np.errstate(invalid="ignore", over="ignore"):
        whole = (y == np.rint(y)) & (np.abs(y) < 2**53)  # beyond, floats do not tell neighbours apart
    if not whole.all():
        index = np.unravel_index(np.argmin(whole), y.shape)
        place = ", ".join(map(str, index))
        require(False, "load", f"whole numbers in {name}", **{f"{name}[{place}]": float(y[index])})
    return y.astype("int64")


def _as_weights(name, w, y):
    """Returns the weights of examples whose labels are `y` as float32."""
    require(w.dtype.kind in "biuf", "load", f"numbers in {name}", dtype=w.dtype.name)
    w = w[:, 0] if w.shape == (len(y), 1) else w
    fits = y.ndim == 1 and w.shape == y.shape
    require(
        fits, "load", f"{name} of shape (N,), one weight per example with one label", weights=w.shape, labels=y.shape
    )
    w = w.astype("float32")
    good = np.isfinite(w) & (w >= 0)
    bad = {} if good.all() else {f"{name}[{np.argmin(good)}]": float(w[np.argmin(good)])}
    require(not bad, "load", f"finite numbers of at least 0 in {name}", **bad)
    require(w.any(), "load", f"{name} that is not 0 everywhere", largest=0)
    return w
