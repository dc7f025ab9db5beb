"""Loads the splits of a dataset by name, from a folder of images or from a file of arrays."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kzoo.checks import as_bool, is_integer, require
from kzoo.data.dataset_registry import registered_names
from kzoo.data.examples import Examples
from kzoo.data.folder_source import folder_source, list_problems
from kzoo.data.image_files import ImageFiles
from kzoo.data.npz_source import npz_source
from kzoo.data.npz_targets import TargetSettings
from kzoo.data.registered_source import registered_source
from kzoo.data.sizing import Sizing
from kzoo.data.source import TESTS, VALIDATIONS, Source
from kzoo.data.stratified_split import stratified_split
from kzoo.data.tfds_source import tfds_source
from kzoo.task import CLASSES, Task
from kzoo.terminal import say
from kzoo.types import PathLike

NAMED = 5  # classes that a message names


@dataclasses.dataclass(frozen=True)
class Data:
    """The splits of a dataset.

    Shapes: input_shape is that of one example. `validation` and `test` are None where there is no such split, `classes`
    where the dataset does not declare them (label maps) or has several targets, `class_names` where classes have only
    numbers. Of targets that are no classes, `classes` is the number of labels, numbers or channels.
    Attributes: fingerprint, what tells this data from other data: shape, dtype, classes, sizes of the splits, and a
    digest of the files: for arrays of their content, otherwise of the files' names and sizes; of image files also a
    digest of their contents; resize, how images were resized, as `load` names it; image_files, by the names of
    `splits`, None where examples are not in files of their own.
    """

    name: str
    train: Examples
    validation: Examples | None
    test: Examples | None
    classes: int | None
    class_names: tuple[str, ...] | None
    input_shape: tuple[int, ...]
    fingerprint: dict[str, Any] = dataclasses.field(default_factory=dict)
    resize: str | int = "stretch"
    image_files: ImageFiles | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the targets."""
        return self.train.tasks

    def splits(self) -> dict[str, Examples]:
        """Returns the splits that there are, by name."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in found.items() if split is not None}

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Context manager for code that reads batches of any split: errors from reading become Refusals."""
        with contextlib.ExitStack() as stack:
            for split in self.splits().values():
                stack.enter_context(split.errors())
            yield


def load(
    name: str | None = None,
    *,
    folder: PathLike | None = None,
    arrays: PathLike | None = None,
    validation: float | str = 0,
    test: float = 0,
    image_size: Sequence[int] | None = None,
    length: int | None = None,
    stratify: bool = False,
    ignore_label: int | None = None,
    resize: str | int = "stretch",
    skip_corrupt: bool = False,
    parts: int | None = None,
    task: str | Mapping[str, str] | None = None,
    losses: str | Sequence[str] | Mapping[str, str] | None = None,
    outputs: int | None = None,
    training_short_side: Sequence[int] | None = None,
) -> Data:
    """Returns the splits of one dataset: by `name`, from a `folder` of images or from an .npz file of `arrays`.

    The test split is the dataset's `test`, or its `validation` (or `val`, `valid`, `dev`) if there is no `test` and
    that split is not used for validation, or as `test` says. Lines on stderr say what of the dataset no split contains.
    Arguments: validation, 0 for none; a fraction of the training split in (0, 1) or a number of its examples, taken
    from its end and so the same in every run; or the name of another split of the dataset, where "val", "valid",
    "validation" and "dev" mean the same. test, a fraction of the training split or a number of its examples, taken from
    its end, before those for validation; only where the dataset has no test split. image_size, (height, width), to
    which images are resized. length, in steps or frames, to which series or clips are cropped or padded; only with
    `name`. stratify, whether the part of the training split that is held out has the same share of each class, and at
    least one example of each class that has two; that of a folder of classes without train/ always has. ignore_label,
    the label of pixels of label maps that have no class, such as 255: it does not count as a class. resize, how images
    get the size `image_size`: "stretch" (whatever their proportions), "crop" (the largest central part of its
    proportions), "pad" (whole, in their own proportions, with zeros around them; label maps with ignore_label), or the
    length that the shorter side of images with one label each gets, before a part of image_size is taken: in training
    at a random position of its own for each image and epoch, otherwise in the centre. training_short_side, the least
    and largest length of the shorter side in training, drawn for each image and epoch; only where `resize` is a length.
    skip_corrupt, whether images of a `folder` that cannot be read are left out. parts, how many evenly spaced stretches
    of `length` are taken of each series or clip, one after the other, in place of the middle one; only with `length`.
    task, the kind of task of `arrays`, such as "regression", of several targets {name: kind}; None: as
    `kzoo.task.infer_kind` says from the arrays and from losses, what the loss of each target takes, and outputs, the
    number of the model's outputs.
    Raises Refusal unless exactly one of name, folder and arrays is given, or if the dataset cannot be read.

    >>> digits = load("digits", validation=0.2)
    >>> digits.train.size, digits.validation.size, digits.test.size, digits.input_shape, digits.classes
    (1150, 287, 360, (8, 8, 1), 10)
    """
    sizing = Sizing(image_size, resize, training_short_side, ignore_label, length, parts)
    targets = TargetSettings(task, losses, outputs)
    where: dict[str, Any] = {"folder": folder, "arrays": arrays, "skip_corrupt": skip_corrupt}
    source = open_source(name, **where, sizing=sizing, targets=targets, prepare=True)
    sizes = source.split_sizes
    require("train" in sizes, "load", f"a train split in {source.name!r}", splits=sorted(sizes))

    validation_split = _find_split(validation, source) if isinstance(validation, str) else None
    stratify = as_bool("load", stratify=stratify)
    expected = "stratify only where validation is a part of the training split"
    require(not (stratify and validation_split), "load", expected, validation=validation)
    counts = {"test": _held_out("test", test, sizes["train"])}
    counts["validation"] = 0 if validation_split else _held_out("validation", validation, sizes["train"])
    left = sizes["train"] - sum(counts.values())
    require(left > 0, "load", "test and validation that leave examples for training", **counts)
    has_test = bool(sizes.keys() & {*TESTS})
    require(not (test and has_test), "load", f"test: 0 for {source.name!r}, which has a test split", test=test)
    tests = [split for split in (*TESTS, *VALIDATIONS) if split in sizes and split != validation_split and not test]
    unused = sizes.keys() - {"train", validation_split, *tests[:1]}
    _say_left_out(source, {f"the split {split!r}, which `validation: {split}` uses": sizes[split] for split in unused})

    by_class = stratify or not (source.divided or source.classes is None or source.label_shape)
    parts_of = _hold_out(source, counts, by_class)
    if validation_split:
        parts_of["validation"] = validation_split, slice(None)
    if tests:
        parts_of["test"] = tests[0], slice(None)
    of_parts = {part: source.read(*which) for part, which in parts_of.items()}
    data = Data(
        name=source.name,
        train=of_parts["train"],
        validation=of_parts.get("validation"),
        test=of_parts.get("test"),
        classes=source.classes,
        class_names=source.class_names,
        input_shape=source.input_shape,
        resize=resize,
        image_files=source.image_files and source.image_files.select(parts_of),
    )
    sizes = {name: split.size for name, split in data.splits().items()}
    described: dict[str, Any] = {
        "input_shape": list(source.input_shape),
        "dtype": source.dtype,
        "classes": source.classes,
    }
    if source.tasks and not (len(source.tasks) == 1 and source.tasks[0].of_classes):
        described["targets"] = {task.name: [task.kind, *task.shape] for task in source.tasks}
    fingerprint = {**described, "train": 0, "validation": 0, "test": 0, **sizes, "files": source.content}
    if source.image_files:
        fingerprint["contents"] = source.image_files.contents
    return dataclasses.replace(data, fingerprint=fingerprint)


def specs(
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
) -> tuple[tuple[int, ...], str, int | None]:
    """Returns (input_shape, dtype, classes) of a dataset without preparing or downloading it.

    Arguments: as `load`.

    >>> specs("mnist1d")
    ((40, 1), 'float32', 10)
    """
    sizing = Sizing(image_size, resize, training_short_side, ignore_label, length)
    source = open_source(name, folder=folder, arrays=arrays, sizing=sizing, skip_corrupt=skip_corrupt)
    return source.input_shape, source.dtype, source.classes


def open_source(
    name: str | None = None,
    *,
    folder: PathLike | None = None,
    arrays: PathLike | None = None,
    sizing: Sizing = Sizing(),
    targets: TargetSettings = TargetSettings(),
    skip_corrupt: bool = False,
    prepare: bool = False,
) -> Source:
    """Returns the `Source` that the arguments of `load` select; its files are generated or downloaded if `prepare`."""
    given = {"name": name, "folder": folder, "arrays": arrays}
    given = {key: value for key, value in given.items() if value is not None}
    require(len(given) == 1, "load", "exactly one of name, folder and arrays", **(given or {"name": None}))
    own = arrays is not None or name in registered_names() or targets.task in (None, *CLASSES)
    require(own, "load", f"task: {targets.task} only for arrays", **given)
    skip_corrupt = as_bool("load", skip_corrupt=skip_corrupt)
    require(folder is not None or not skip_corrupt, "load", "skip_corrupt only for a folder", skip_corrupt=skip_corrupt)
    if name is not None:
        registered = name in registered_names()
        source = registered_source(name, sizing, prepare, targets) if registered else tfds_source(name, sizing, prepare)
    else:
        require(sizing.length is None, "load", "length only for a dataset by name", length=sizing.length)
        require(sizing.parts is None, "load", "parts only for a dataset by name", parts=sizing.parts)
        path = folder if arrays is None else arrays
        require(isinstance(path, (str, os.PathLike)), "load", "a path", **given)
        source = npz_source(path, sizing, targets) if folder is None else folder_source(path, sizing, skip_corrupt)
    _check_targets(source, sizing)
    return source


def _check_targets(source, sizing):
    """Raises Refusal unless the targets of a dataset are such that its examples can get this size."""
    maps, ignored, shape = source.has_maps, sizing.ignore_label, source.label_shape
    expected = "ignore_label only for label maps"
    require(ignored is None or maps, "load", expected, ignore_label=ignored, label_shape=shape)
    fits = not sizing.crops or (len(source.input_shape) == 3 and not maps)
    expected = "images with one label each where resize is the length of the shorter side"
    require(fits, "load", expected, input_shape=source.input_shape, label_shape=shape)
    known = sizing.resize != "pad" or not maps or ignored is not None
    require(known, "load", "ignore_label for the pixels that resize: pad adds to label maps", ignore_label=ignored)


def _hold_out(source, counts, by_class):
    """Returns {part: ("train", which of its examples)}, slices or arrays of indices, of train and what is held out."""
    labels = source.labels("train") if by_class and any(counts.values()) else None
    stays, stop, parts = None, source.split_sizes["train"], {}
    for part, count in counts.items():
        if not count:
            continue
        if labels is None:
            stop, parts[part] = stop - count, ("train", slice(stop - count, stop))
        else:
            one = len(source.tasks) < 2 and all(task.of_classes for task in source.tasks)
            require(one, "load", "one label per example to stratify", tasks=[task.kind for task in source.tasks])
            require(labels.ndim == 1, "load", "one label per example to stratify", label_shape=source.label_shape)
            stays = np.arange(stop) if stays is None else stays
            kept, held = stratified_split(labels[stays], count, part)
            stays, parts[part] = stays[kept], ("train", stays[held])
    return {"train": ("train", slice(0, stop) if stays is None else stays), **parts}


def _find_split(name, source):
    """Returns the split of a dataset that `validation` names."""
    same = (name, *VALIDATIONS) if name in VALIDATIONS else (name,)
    found = [split for split in same if split in source.split_sizes and split != "train"]
    require(found, "load", f"validation, {_possible_validation(name, source)}", validation=name)
    return found[0]


def _possible_validation(name, source):
    """Returns a phrase on what `validation` may be for a dataset without a split of this name."""
    others = sorted({*source.split_sizes} - {"train"})
    if others:
        return f"one of the splits {others}"
    fraction = f"a fraction such as 0.2, since {source.name!r} has"
    if source.image_files is None or source.divided:
        added = f", or a folder {source.name}/{name}/ like {source.name}/train/" if source.image_files else ""
        return f"{fraction} only a training split{added}"
    names = ("images", "masks") if source.class_names is None else source.class_names
    folders = ", ".join(f"{each}/" for each in names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    return f"{fraction} only {folders}, or these folders within {source.name}/train/ and {source.name}/{name}/"


def _say_left_out(source, unused):
    """Prints what of a dataset is not used, if there is anything: one line, and one on files that cannot be read."""
    left_out = {**source.left_out, **dict(sorted(unused.items()))}
    if left_out:
        say(f"{source.name}: left out: " + ", ".join(f"{what} ({count:,})" for what, count in left_out.items()) + ".")
    if source.image_files and source.image_files.skipped:
        skipped = source.image_files.skipped
        say(f"{source.name}: skipped: {len(skipped):,} of the images cannot be read: {list_problems(skipped)}.")


def _held_out(part, wanted, size):
    """Returns how many of `size` training examples `load`'s argument `validation` or `test` holds out."""
    ok = not isinstance(wanted, bool) and isinstance(wanted, (int, float)) and 0 <= wanted < size
    ok = ok and (wanted < 1 or is_integer(wanted, 1))
    named = " or a split's name" if part == "validation" else ""
    choices = "0, a fraction below 1" + ("," if named else " or") + f" a number below the {size} training examples"
    require(ok, "load", f"{part}, {choices}{named}", **{part: wanted})
    return wanted if wanted >= 1 or wanted == 0 else min(max(1, round(wanted * size)), size - 1)
