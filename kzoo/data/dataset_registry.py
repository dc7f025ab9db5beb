"""The names of datasets: kzoo's own, and those that a program or a module of --import registers."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kzoo.checks import Refusal, require
from kzoo.user_modules import describe_problem

BUILDERS = {  # {dataset: its builder's class in kzoo/data/builders/DATASET.py}
    "digits": "Digits",
    "mnist1d": "Mnist1d",
    "moving_digits": "MovingDigits",
    "tones": "Tones",
}


class RegisteredDataset(NamedTuple):
    """A function that returns the splits of a dataset, and the names of its classes or None."""

    function: Callable[[], Any]
    class_names: tuple[str, ...] | None


_DATASETS: dict[str, RegisteredDataset] = {}


def register(name: str, function: Callable[[], Any], class_names: Sequence[str] | None = None) -> None:
    """Registers a dataset: `data: {name: NAME}` in a config and `kzoo.data.load(NAME)` then call `function`.

    The function takes no argument and returns the same examples in the same order whenever it is called: {split:
    (x, y)} or {split: (x, y, weights)} of arrays, {split: a tf.data.Dataset} of single examples, or a builder of
    TensorFlow Datasets. Arrays have the shapes and dtypes that .npz files have; y may be {output: y}, for a model of
    several outputs. Splits are "train" and perhaps "validation" (or "val", "valid", "dev") and "test". A
    `tf.data.Dataset` is read once to count its examples; images of several sizes need data.image_size, series of
    several lengths data.length. A name of TensorFlow Datasets is replaced.
    class_names: the names of classes 0, 1, ...; a builder has its own.
    Raises Refusal for a name that is taken.

    >>> register("zeros", lambda: {"train": ([[0.0], [0.0]], [0, 1])})
    >>> from kzoo.data import load
    >>> load("zeros").train.size, _DATASETS.pop("zeros").class_names
    (2, None)
    """
    plain = isinstance(name, str) and re.fullmatch(r"[\w-]+", name)
    require(plain, "register", "name, of letters, digits, - and _", name=name)
    require(name not in BUILDERS and name not in _DATASETS, "register", "a name not yet taken", name=name)
    require(callable(function), "register", "function, which returns the splits", function=function)
    names = None if class_names is None else tuple(class_names)
    texts = names is None or (not isinstance(class_names, str) and names and all(isinstance(n, str) for n in names))
    require(texts, "register", "class_names, a list of texts, or None", class_names=class_names)
    _DATASETS[name] = RegisteredDataset(function, names)


def registered_names() -> list[str]:
    """Returns the names of the registered datasets."""
    return sorted(_DATASETS)


def make_dataset(name: str) -> tuple[Any, tuple[str, ...] | None]:
    """Returns what the function of a registered dataset returns, and the names of its classes.

    Raises Refusal, which says where, if the function raises an exception.
    """
    function, class_names = _DATASETS[name]
    try:
        return function(), class_names
    except Exception as error:  # of any class: it is the user's code
        raise Refusal(f"the dataset {name!r} cannot be made: {describe_problem(error)}.") from error
