"""Random data in the shape of a real dataset, for dry runs and for tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kzoo.checks import is_integer, require
from kzoo.data.examples import Examples
from kzoo.data.loader import Data, open_source
from kzoo.data.npz_targets import TargetSettings
from kzoo.data.sizing import Sizing
from kzoo.task import Task
from kzoo.types import PathLike


def mock(
    input_shape: Sequence[int],
    classes: int | None,
    size: int = 64,
    dtype: str = "float32",
    label_shape: Sequence[int] = (),
    name: str = "mock",
    class_names: tuple[str, ...] | None = None,
    tasks: Sequence[Task] = (),
) -> Data:
    """Returns `Data` of noise: `size` examples in each of train, validation and test, the same at each call.

    Shapes: x (size, *input_shape), y (size, *label_shape). If `classes` is None, labels are 0 and 1. With `tasks`
    targets are theirs: labels, 0 and 1, or numbers from `low` to `high`; of several tasks y is a dict.
    Floats have standard deviation 1 and mean 0; integers are 0..255, or up to the largest of their dtype.

    >>> mock((8, 8, 3), 10, dtype="uint8").train.numpy()[0].shape
    (64, 8, 8, 3)
    """
    known = isinstance(input_shape, (tuple, list)) and all(is_integer(side, 1) for side in input_shape)
    require(known, "mock", "input_shape, sizes above 0", input_shape=input_shape)
    require(is_integer(size, 1), "mock", "size, an integer above 0", size=size)
    require(classes is None or is_integer(classes, 1), "mock", "classes, an integer above 0 or None", classes=classes)

    def split(seed):
        rng = np.random.default_rng(seed)
        if np.issubdtype(np.dtype(dtype), np.integer):
            x = rng.integers(0, min(256, np.iinfo(dtype).max + 1), (size, *input_shape)).astype(dtype)
        else:
            x = rng.normal(size=(size, *input_shape)).astype(dtype)
        if not tasks:
            return Examples.from_arrays(x, rng.integers(0, classes or 2, (size, *label_shape)).astype("int32"))
        y = {task.name: _targets(rng, task, size) for task in tasks}
        return Examples.from_arrays(x, y.get("", y), tasks=tasks)

    return Data(name, split(0), split(1), split(2), classes, class_names, tuple(input_shape))


def _targets(rng, task, size):
    shape = (size, *task.shape)
    if task.of_classes or task.kind == "multilabel":
        labels = rng.integers(0, task.size if task.of_classes and task.size else 2, shape)
        return labels.astype("int32" if task.of_classes else "float32")
    return rng.uniform(*((-1, 1) if task.low is None else (task.low, task.high)), shape).astype("float32")


def mock_like(
    name: str | None = None,
    *,
    folder: PathLike | None = None,
    arrays: PathLike | None = None,
    image_size: Sequence[int] | None = None,
    length: int | None = None,
    ignore_label: int | None = None,
    resize: str | int = "stretch",
    training_short_side: Sequence[int] | None = None,
    skip_corrupt: bool = False,
    size: int = 64,
    **targets: Any,
) -> Data:
    """Returns `mock` data in the shape of a dataset, which is neither prepared nor downloaded.

    Arguments: size, as `mock`; the others, among them task, losses and outputs, as `load`.

    >>> mock_like("mnist1d").input_shape
    (40, 1)
    """
    where: dict[str, Any] = {"folder": folder, "arrays": arrays, "skip_corrupt": skip_corrupt}
    sizing = Sizing(image_size, resize, training_short_side, ignore_label, length)
    like = open_source(name, **where, sizing=sizing, targets=TargetSettings(**targets))
    names = like.name, like.class_names, like.tasks
    return mock(like.input_shape, like.classes, size, like.dtype, like.label_shape, *names)
