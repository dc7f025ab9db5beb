"""The targets of an .npz file: checked and converted as their task needs, and described by it."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from kzoo.checks import Refusal, require
from kzoo.data.example_checks import find_not_finite
from kzoo.data.source import check_classes, resize_images
from kzoo.task import Task

FLAGS = "0 and 1, for each label whether it is there"


@dataclasses.dataclass(frozen=True)
class TargetSettings:
    """What is known of the targets of arrays before they are read. Arguments: as `kzoo.data.load`."""

    task: str | Mapping[str, str] | None = None
    losses: str | Sequence[str] | Mapping[str, str] | None = None
    outputs: int | None = None


def convert_target(kind, name, y, x_rank, ignore_label=None, chosen=False, takes=None):
    """Returns targets (N, ...) as a kind of task needs them: labels as int32, flags and numbers as float32.

    Arguments: name, of the array in messages; x_rank, the rank of the inputs; chosen, whether the kind is not only a
    guess; takes, what the loss takes, for messages. Images of 8 or 16 bits keep their dtype.
    Raises Refusal for another shape or dtype, and with the first number that is not one of the task.

    >>> convert_target("regression", "y_train", np.array([0.5, 2]), 3).tolist()
    [[0.5], [2.0]]
    """
    if kind == "multilabel":
        return _as_flags(name, y)
    if kind in ("regression", "image"):
        return _as_values(name, y, kind, x_rank, chosen)
    return _as_labels(name, y, x_rank, ignore_label, ", which the loss takes as classes" if takes else "")


def as_finite(name, x):
    """Returns an array with floats of at most 32 bits. Raises Refusal with the first number that is not finite."""
    wide = x.dtype.kind == "f" and x.dtype.itemsize > 4
    with np.errstate(over="ignore"):
        x = x.astype("float32" if wide else x.dtype.newbyteorder("="), copy=False)
    index = find_not_finite(x)
    received = {} if index is None else {f"{name}[{index[0]}]": float(x[index])}
    require(index is None, "load", f"finite {x.dtype.name} numbers in {name}", **received)
    return x


def _as_flags(name, y):
    """Returns 0 and 1 for each label of an example as float32, (N, k)."""
    require(y.dtype.kind in "biuf", "load", f"{FLAGS}, in {name}", dtype=y.dtype.name)
    y = y[:, None] if y.ndim == 1 else y
    require(y.ndim == 2 and y.shape[1], "load", f"{name} of shape (N, labels)", shape=y.shape)
    wrong = ~((y == 0) | (y == 1))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        require(False, "load", f"{FLAGS}, in {name}", **{f"{name}{list(index)}": float(y[index])})
    return y.astype("float32")


def _as_values(name, y, kind, x_rank, chosen):
    """Returns numbers for each example as float32, (N, k); images of 8 or 16 bits keep their dtype."""
    require(y.dtype.kind in "biuf", "load", f"numbers in {name}", dtype=y.dtype.name)
    if not chosen and kind == "regression" and _is_one_hot(y, x_rank):
        raise Refusal(f"load expects class numbers in {name}; received one-hot ones: store np.argmax({name}, axis=-1).")
    if kind == "regression":
        y = y[:, None] if y.ndim == 1 else y
        require(y.ndim == 2 and y.shape[1], "load", f"{name} of shape (N,) or (N, numbers)", shape=y.shape)
        with np.errstate(over="ignore"):
            return as_finite(name, y.astype("float32"))
    if y.ndim == 2 or (y.ndim == 3 and x_rank == 4):  # as inputs gain a channel axis
        y = y[..., None]
    require(3 <= y.ndim <= 5 and 0 not in y.shape, "load", f"{name} of images, signals or volumes", shape=y.shape)
    small = y.dtype.kind == "f" or y.dtype.itemsize <= 2
    return as_finite(name, y if small else y.astype("float32"))


def _as_labels(name, y, x_rank, ignore_label, why=""):
    y = _as_integers(name, y, why)
    if y.ndim == 2 and y.shape[1] == 1:  # as in keras.datasets.cifar10
        y = y[:, 0]
    if _is_one_hot(y, x_rank):
        raise Refusal(f"load expects class numbers in {name}; received one-hot ones: store np.argmax({name}, axis=-1).")
    labeled = y.ndim in (1, 3, 4) and 0 not in y.shape[1:]
    require(labeled, "load", f"{name} of shape (N,), one class number per example{why}", shape=y.shape)
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


def _as_integers(name, y, why=""):
    """Returns labels that are integers, or floats without a fraction, as integers."""
    require(y.dtype.kind in "biuf", "load", f"integers in {name}", dtype=y.dtype.name)
    if y.dtype.kind != "f":
        return y
    with np.errstate(invalid="ignore", over="ignore"):
        whole = (y == np.rint(y)) & (np.abs(y) < 2**53)  # beyond, floats do not tell neighbours apart
    if not whole.all():
        index = np.unravel_index(np.argmin(whole), y.shape)
        place = ", ".join(map(str, index))
        require(False, "load", f"whole numbers in {name}{why}", **{f"{name}[{place}]": float(y[index])})
    return y.astype("int64")


def describe_task(kind, target, arrays, names=None, ignore_label=None):
    """Returns the `Task` of a target with the converted arrays of all splits and perhaps an array of names.

    Raises Refusal unless there is one name for each class, label or number; a class may have no example.

    >>> describe_task("multilabel", "", [np.float32([[0, 1], [1, 1]])], np.array(["cat", "dog"])).names
    ('cat', 'dog')
    """
    task = Task(kind, arrays[0].shape[1:], name=target)
    if task.of_classes:
        size = 1 + max(_largest_label(array, ignore_label) for array in arrays)
        task = dataclasses.replace(task, size=size if names is None else max(size, names.size))
    else:
        ends = {"low": min(float(array.min()) for array in arrays), "high": max(float(array.max()) for array in arrays)}
        task = dataclasses.replace(task, size=arrays[0].shape[-1], **ends)
    if names is None:
        return task
    good = names.dtype.kind == "U" and names.shape == (task.size,) and kind != "image"
    who = f"y_names_{target}" if target else "y_names"
    require(good, "load", f"{who} of {task.size} texts, one each", shape=names.shape, dtype=names.dtype.name)
    return dataclasses.replace(task, names=tuple(map(str, names)))


def resized_task(task, image_size):
    """Returns the task of targets whose maps or images are resized."""
    maps = len(task.shape) == 3
    return dataclasses.replace(task, shape=(*image_size, task.shape[-1])) if maps else task


def resize_target(task, x, y, sizing):
    """Returns one target of an example whose image x is resized: label maps and images are, too."""
    if task.kind == "image" and len(task.shape) == 3:
        return resize_images(y, sizing.image_size, sizing.resize)
    return sizing.prepare(x, y)[1] if task.kind == "segmentation" else y
