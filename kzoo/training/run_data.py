"""The data of a config: its splits, mock data of the same shapes, and samples for exports and plots."""

import contextlib
import dataclasses
from typing import Any

import numpy as np

from kzoo.checks import Refusal, require
from kzoo.config.config import Config
from kzoo.data.examples import Examples
from kzoo.data.loader import Data, load
from kzoo.data.mock_data import mock_like
from kzoo.training.tasks import target_options

VERIFICATION_EXAMPLES, VERIFICATION_BYTES = 1000, 2**28  # limits of the examples that an export is verified on


def load_data(config: Config, parts: int | None = None) -> Data:
    """Returns the splits of a config's dataset; with `parts` of each video or signal, as `kzoo.data.loader.load`."""
    keys = ("validation", "test", "stratify")
    held_out: dict[str, Any] = {key: getattr(config.data, key) for key in keys}
    with _errors():
        data, names = load(**_source(config), **held_out, parts=parts), config.data.class_names
    if names is None:
        return data
    expected = f"one name for each of the {data.classes} classes"
    require(data.classes in (None, len(names)), "data.class_names", expected, names=len(names))
    return dataclasses.replace(data, class_names=tuple(names))


def load_mock_data(config: Config, size: int) -> Data:
    """Returns `size` random examples per split in the shapes of a config's dataset, which need not be prepared."""
    with _errors():
        return mock_like(**_source(config), size=size)


@contextlib.contextmanager
def _errors():
    """Context manager: the errors of `kzoo.data.load` speak of the config's part `data`, which has its arguments."""
    try:
        yield
    except Refusal as refusal:
        function, expects, rest = str(refusal).partition(" expects ")
        if function != "load":
            raise
        raise Refusal(f"data{expects}{rest}") from refusal


def _source(config):
    keys = ("name", "folder", "arrays", "image_size", "length", "ignore_label", "training_short_side", "skip_corrupt")
    given = {key: getattr(config.data, key) for key in keys}
    return {**given, "resize": config.data.resizing, **target_options(config)}


def sample(split: Examples, count: int = 10_000) -> tuple[np.ndarray, Any]:
    """Returns the first examples of a split and their labels, at most `count`; several targets are {name: array}."""
    with split.errors():
        x, y = next(iter(split.once(min(count, split.size))))
    return x.numpy(), {k: v.numpy() for k, v in y.items()} if isinstance(y, dict) else y.numpy()


def verification_data(data: Data, examples: Any = None, targets: Any = None) -> dict[str, Any]:
    """Returns the keyword arguments of `kzoo.export.exporter.export` that come from the data of a run.

    examples, targets: a `sample` of the test split, if there is one already.
    """
    example_bytes = 4 * int(np.prod(data.input_shape))
    count = max(1, min(VERIFICATION_EXAMPLES, VERIFICATION_BYTES // example_bytes))
    if examples is None:
        examples, targets = sample(data.test or data.train, count)
    return {
        "examples": examples[:count],
        "targets": targets[:count] if data.tasks[0].of_classes and not isinstance(targets, dict) else None,
        "labels": data.class_names if data.tasks[0].kind != "regression" else None,
        "images": None if data.train.dtype == "uint8" else False,
        "resize": data.resize,
        "representative": sample(data.train, count)[0],
    }
