"""Datasets of registered functions, which return arrays, tf.data datasets or a builder of TensorFlow Datasets."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, one_line, require
from kzoo.data.dataset_registry import make_dataset
from kzoo.data.example_checks import ExampleChecks
from kzoo.data.examples import MEMORY, Examples
from kzoo.data.npz_source import NAMES, StoredArrays, npz_source
from kzoo.data.npz_targets import TargetSettings
from kzoo.data.sizing import Sizing
from kzoo.data.source import (
    TESTS,
    VALIDATIONS,
    Source,
    check_classes,
    check_image_size,
    digest,
    resize_images,
    take_chosen,
)
from kzoo.data.tfds_source import tfds_source

SPLITS = ("train", *VALIDATIONS, *TESTS)
BATCH = 256  # examples that are read together


class Pass(NamedTuple):
    """What one pass over a dataset found: its arrays if they fit into memory, its labels if each example has one."""

    arrays: tuple[np.ndarray, ...] | None
    labels: np.ndarray | None
    size: int
    smallest: int
    largest: int
    content: str


def registered_source(
    name: str,
    sizing: Sizing = Sizing(),
    prepare: bool = True,
    targets: TargetSettings = TargetSettings(),
    memory: float = MEMORY,
) -> Source:
    """Returns the `Source` of a registered dataset.

    Arguments: as `tfds_source`; targets, of arrays; memory, in bytes: datasets with a larger split are read again in
    every epoch.
    Raises Refusal if the function of the dataset fails, or if what it returns has not the form that `register` says.
    """
    made, class_names = make_dataset(name)
    if hasattr(made, "as_dataset"):
        return tfds_source(name, sizing, prepare, builder=made)
    who = f"the dataset {name!r}"
    expected = "to be {split: (x, y)}, {split: a tf.data.Dataset} or a builder of TensorFlow Datasets"
    require(isinstance(made, Mapping), who, expected, returned=type(made).__name__)
    known = "train" in made and all(split in SPLITS for split in made)
    require(known, who, f"a split train and perhaps others of {', '.join(SPLITS[1:])}", splits=[*made])
    parts_of = {
        split: value if isinstance(value, tf.data.Dataset) else _as_arrays(who, split, value)
        for split, value in made.items()
    }
    if sizing.length is None and not any(isinstance(value, tf.data.Dataset) for value in parts_of.values()):
        content = digest({split: _digest_arrays(arrays) for split, arrays in parts_of.items()})
        stored = _stored(name, parts_of, content, class_names)
        source = npz_source(stored, sizing, targets)
    else:
        expected = "to be {split: (x, y)} or a builder where data.resize is short_side"
        require(not sizing.crops, who, expected, returned="a tf.data.Dataset")
        ignored = sizing.ignore_label
        datasets = {split: _prepared(who, split, value, sizing) for split, value in parts_of.items()}
        passes = {split: _read(who, split, dataset, ignored, memory) for split, dataset in datasets.items()}
        content = digest({split: each.content for split, each in passes.items()})
        arrays = {split: each.arrays for split, each in passes.items()}
        if None in arrays.values():
            source = _streamed(name, datasets, passes, content)
        else:
            stored = _stored(name, arrays, content, class_names)
            source = npz_source(stored, Sizing(ignore_label=ignored), targets)
    if class_names is None or source.class_names is not None:
        return source
    fits = source.classes is None or source.classes <= len(class_names)
    require(fits, who, f"labels below {len(class_names)}, as there are class_names", largest=(source.classes or 0) - 1)
    return dataclasses.replace(source, classes=len(class_names), class_names=class_names)


def _as_arrays(who, split, value):
    pair = isinstance(value, (tuple, list)) and len(value) in (2, 3)
    expected = f"(x, y), (x, y, weights) or a tf.data.Dataset in its split {split}"
    require(pair, who, expected, received=type(value).__name__)
    x, y, *weight = value
    several = y if isinstance(y, Mapping) else {"": y}
    try:
        arrays = {output: np.asarray(part) for output, part in several.items()}
        return np.asarray(x), arrays if isinstance(y, Mapping) else arrays[""], *map(np.asarray, weight)
    except ValueError as error:  # of lists of several lengths
        raise Refusal(f"{who} expects arrays in its split {split}: {one_line(error, 200)}.") from error


def _stored(name, splits, content, class_names):
    """Returns the arrays of splits by the names that a file would have for them."""
    stored = {} if class_names is None else {NAMES: np.array(class_names)}
    for split, parts in splits.items():
        for letter, part in zip("xyw", parts):
            stored |= {f"{letter}_{split}": part} if isinstance(part, np.ndarray) else _of_outputs(split, part)
    return StoredArrays(name, stored, content)


def _of_outputs(split, targets):
    return {f"y_{split}_{output}": array for output, array in targets.items()}


def _digest_arrays(arrays):
    hashed = hashlib.sha256()
    for array in tf.nest.flatten(arrays):
        hashed.update(f"{array.dtype} {array.shape}".encode())
        if array.dtype.kind in "biuf":  # others are refused later
            hashed.update(np.ascontiguousarray(array).reshape(-1).view("uint8"))
    return hashed.hexdigest()[:16]


def _prepared(who, split, dataset, sizing):
    """Returns the dataset of a split, or of its arrays, with examples of one shape, which is known."""
    if not isinstance(dataset, tf.data.Dataset):
        one = all(isinstance(part, np.ndarray) for part in dataset)
        require(one, who, f"one target in its split {split}, where data.length is set", targets=[*dataset[1]])
        lengths = {len(part) if part.ndim else 0 for part in dataset}
        require(len(lengths) == 1 and 0 not in lengths, who, f"as many x as y in its split {split}", lengths=lengths)
        dataset = tf.data.Dataset.from_tensor_slices(dataset)
    spec = dataset.element_spec
    plain = isinstance(spec, tuple) and len(spec) in (2, 3) and all(isinstance(part, tf.TensorSpec) for part in spec)
    expected = f"single examples (x, y) or (x, y, weight) in its split {split}"
    require(plain, who, expected, element_spec=spec)
    x, y, *_ = spec
    ranked = x.shape.rank is not None and y.shape.rank is not None
    require(ranked, who, f"examples of known rank in its split {split}: use tf.ensure_shape", x=x.shape, y=y.shape)
    batched = y.shape.rank == 1 and y.shape[0] is None
    require(not batched, who, f"single examples in its split {split}, not batches: call unbatch()", y=y.shape)
    infinite = dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    require(not infinite, who, f"examples in its split {split} that come to an end", cardinality="infinite")
    numeric = all(part.dtype.is_floating or part.dtype.is_integer or part.dtype.is_bool for part in spec)
    require(numeric, who, f"numbers in its split {split}", x=x.dtype.name, y=y.dtype.name)
    length, image_size = sizing.length, sizing.image_size
    shape = (length, *(x.shape[1:] or (1,))) if length is not None else tuple(x.shape)
    check_image_size(image_size, shape)

    def prepare(x, y, *weight):
        if image_size is not None and y.shape.rank == x.shape.rank:
            return *sizing.prepare(x, y), *weight
        return resize_images(sizing.cut(x), image_size, sizing.resize), y, *weight

    dataset = dataset.map(prepare, tf.data.AUTOTUNE, deterministic=True)
    shape = tuple(dataset.element_spec[0].shape)
    images = len(shape) in (3, 4) and image_size is None
    remedy = "data.image_size for images that differ in size" if images else "data.length for series that differ in it"
    known = all(part.shape.is_fully_defined() for part in dataset.element_spec)
    require(known, who, f"examples of one shape, or {remedy}", shape=shape)
    return dataset


def _read(who, split, dataset, ignore_label, memory):
    """Returns a `Pass` over a dataset."""
    held, labels, size, limits, hashed = 0, [], 0, [0, 0], hashlib.sha256()
    parts: list | None = []
    try:
        for batch in dataset.batch(BATCH).as_numpy_iterator():
            hashed.update(_digest_arrays(batch).encode())
            size, held = size + len(batch[0]), held + sum(array.nbytes for array in batch)
            if held > memory:
                parts = None
            if parts is not None:
                parts.append(batch)
            known = batch[1] if ignore_label is None else batch[1][batch[1] != ignore_label]
            if batch[1].ndim == 1:
                labels.append(batch[1])
            if known.size:
                limits = [min(limits[0], known.min()), max(limits[1], known.max())]
    except tf.errors.OpError as error:
        raise Refusal(f"{who}: its split {split} cannot be read: {one_line(error, 300)}") from error
    require(size, who, f"at least one example in its split {split}", examples=size)
    arrays = None if parts is None else tuple(np.concatenate(each) for each in zip(*parts))
    smallest, largest = map(int, limits)
    return Pass(arrays, np.concatenate(labels) if labels else None, size, smallest, largest, hashed.hexdigest()[:16])


def _streamed(name, datasets, passes, content):
    """Returns the `Source` of datasets that are too large for memory, in their own order."""
    who, sizes = f"the dataset {name!r}", {split: each.size for split, each in passes.items()}
    specs = {split: dataset.element_spec for split, dataset in datasets.items()}
    shapes = {split: (tuple(x.shape), x.dtype.name, tuple(y.shape)) for split, (x, y, *_) in specs.items()}
    require(len(set(shapes.values())) == 1, who, "examples of one shape and dtype in all splits", **shapes)
    input_shape, dtype, label_shape = shapes["train"]
    y = specs["train"][1]
    smallest = min(each.smallest for each in passes.values())
    labeled = (y.dtype.is_integer or y.dtype.is_bool) and len(label_shape) in (0, 3) and smallest >= 0
    require(labeled, who, "class numbers of at least 0", dtype=y.dtype.name, shape=label_shape, smallest=smallest)
    classes = 1 + max(each.largest for each in passes.values())
    check_classes(classes, sum(sizes.values()), f"{name!r}")

    def prepare(x, y, *weight):
        x = x[..., None] if len(input_shape) in (1, 2) and input_shape[-1] != 1 else x
        y = tf.cast(y, tf.int32) if y.dtype.is_bool else tf.saturate_cast(y, tf.int32)
        return tf.cast(x, "float32") if x.dtype == tf.float64 else x, y, *weight

    def read(split, chosen):
        size = len(range(*chosen.indices(sizes[split]))) if isinstance(chosen, slice) else len(chosen)
        dataset = take_chosen(datasets[split], chosen, sizes[split]).map(prepare, tf.data.AUTOTUNE)
        checks = ExampleChecks(f"the {split} split of {name!r}", None if label_shape else classes)
        return Examples(dataset, size, checks=checks)

    x = datasets["train"].map(prepare).element_spec[0]
    return Source(
        name=name,
        input_shape=tuple(x.shape),
        dtype=x.dtype.name,
        label_shape=label_shape,
        classes=classes,
        class_names=None,
        split_sizes=sizes,
        read=read,
        labels=lambda split: passes[split].labels,
        content=content,
    )
