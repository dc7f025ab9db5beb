"""Datasets from folders of images, DIR/train/CLASS/NAME.png and other splits next to train/.

Source: `tfds.ImageFolder`, whose order of the examples this file keeps.
"""

import collections
import os
import random

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.cropped_examples import CroppedExamples
from kzoo.data.example_checks import ExampleChecks
from kzoo.data.examples import Examples
from kzoo.data.image_file import SUFFIXES, UnreadableImageError, read_header, read_image
from kzoo.data.source import (
    TESTS,
    VALIDATIONS,
    Source,
    check_image_size,
    check_utf8,
    digest,
    local_path,
    prepare_example,
)
from kzoo.data.visible_files import is_hidden, visible_files

LAYOUT = "folder with images train/CLASS/NAME.png"


def folder_source(path, image_size=None, resize="stretch", training_short_side=None):
    """Returns the `Source` of a folder of images, with the classes of train/ in alphabetical order.

    Each folder next to train/ with the same classes is a split. Images are read by `kzoo.data.image_file`, at any depth
    below the folder of their class. Hidden files are left out.
    Its digest covers the names and sizes of the images, not their pixels.
    Shapes: images (H, W, 1) if all are grey, otherwise (H, W, 3); H and W as in the files when upright, or
    `image_size`, to which `resize` and training_short_side say how; uint8, or the dtype of deeper grey images.
    Raises Refusal if the folder is missing, has no train/CLASS/ images, a class without training images or a file that
    cannot be read as an image, or if its images differ in depth, or in size and `image_size` is None.
    """
    root = local_path(path)
    require(root.is_dir(), "load", "folder, a directory", folder=str(path))
    files, hidden = visible_files(root)
    for file in files:
        check_utf8(file)
    images = [file for file in files if file.suffix.lower() in SUFFIXES]
    splits = _group(root, images)
    require("train" in splits, "load", LAYOUT, folder=str(path))
    classes = _class_names(root, splits)
    others = {split: splits.pop(split) for split in list(splits) if not splits[split].keys() <= set(classes)}
    for split in others.keys() & {*VALIDATIONS, *TESTS}:
        unknown = min(others[split].keys() - set(classes))
        raise Refusal(f"load expects the classes of train/ in {root / split}; received {unknown!r}.")

    examples = {split: _shuffled(split, by_class, classes) for split, by_class in splits.items()}
    used = sorted(file for split in examples.values() for file, _ in split)
    headers = [_header(file) for file in used]
    check_image_size(image_size, (None, None, 3))
    sizes = list(dict.fromkeys(header.size for header in headers))
    expected = "image_size=(height, width) for images that differ in size"
    require(len(sizes) == 1 or image_size, "load", expected, folder=str(path), sizes=tuple(sizes[:2]))
    by_dtype = {header.dtype: file.relative_to(root).as_posix() for file, header in zip(used, headers)}
    require(len(by_dtype) == 1, "load", "images of one depth", **by_dtype)
    (dtype,), channels = by_dtype, max(header.channels for header in headers)
    decoded = (*sizes[0], channels) if len(sizes) == 1 else (None, None, channels)

    cropped = not isinstance(resize, str)

    def labels_of(split):
        return np.array([label for _, label in examples[split]], "int32")

    def read(split, chosen):
        paths, labels = np.array([str(file) for file, _ in examples[split]])[chosen].tolist(), labels_of(split)[chosen]

        def prepare(file, y):
            x = tf.numpy_function(lambda name: read_image(os.fsdecode(name), channels), [file], dtype, stateful=False)
            return prepare_example(tf.ensure_shape(x, decoded), y, None if cropped else image_size, resize)

        dataset = tf.data.Dataset.from_tensor_slices((paths, labels)).map(prepare, tf.data.AUTOTUNE)
        checks = ExampleChecks(find_damage=lambda: _find_damage(paths, decoded))
        files = [os.path.relpath(file, root) for file in paths]
        if cropped:
            sides = (resize, training_short_side)
            return CroppedExamples(dataset, len(paths), image_size, *sides, checks=checks, files=files)
        return Examples(dataset, len(paths), checks=checks, files=files)

    left_out = {
        "hidden files and folders": hidden,
        "files that are not images": len(files) - len(images),
        "images outside SPLIT/CLASS/": len(images) - sum(map(_count, (*splits.values(), *others.values()))),
        **{f"images of other classes in {split}/": _count(others[split]) for split in sorted(others)},
        "files of which only the first frame or page is read": sum(header.animated for header in headers),
    }
    return Source(
        name=root.name,
        input_shape=(*(image_size or sizes[0]), channels),
        dtype=dtype,
        label_shape=(),
        classes=len(classes),
        class_names=tuple(classes),
        split_sizes={split: len(files) for split, files in examples.items()},
        read=read,
        labels=labels_of,
        content=digest([(file.relative_to(root).as_posix(), file.stat().st_size) for file in used]),
        left_out={what: count for what, count in left_out.items() if count},
    )


def _group(root, images):
    """Returns {split: {class: files}} of the images in SPLIT/CLASS/ and deeper."""
    splits = collections.defaultdict(lambda: collections.defaultdict(list))
    for file in images:
        parts = file.relative_to(root).parts
        if len(parts) > 2:
            splits[parts[0]][parts[1]].append(file)
    return splits


def _count(by_class):
    return sum(map(len, by_class.values()))


def _class_names(root, splits):
    """Returns the sorted names of the folders in train/. Raises Refusal if one of them has no images."""
    folders = {entry for entry in (root / "train").iterdir() if entry.is_dir() and not is_hidden(entry)}
    empty = sorted(str(folder) for folder in folders if folder.name not in splits["train"])
    require(not empty, "load", "images in the folder of each class", without_images=empty)
    return sorted(splits["train"])


def _shuffled(split, by_class, classes):
    """Returns [(file, label)] in the fixed random order of `tfds.ImageFolder`: the tail is a random sample."""
    examples = [(file, classes.index(name)) for name in sorted(by_class) for file in sorted(by_class[name], key=str)]
    random.Random(split).shuffle(examples)
    return examples


def _header(file):
    try:
        return read_header(file)
    except UnreadableImageError as error:
        raise Refusal(f"load expects images in its folder; received {str(file)!r}, {error}.") from error


def _find_damage(files, shape):
    """Returns a phrase on the first file that cannot be read, or whose pixels have another shape, or None."""
    for file in files:
        try:
            pixels = read_image(file, shape[-1])
        except (UnreadableImageError, OSError):
            return f"{file} is damaged"
        if any(known not in (None, size) for known, size in zip(shape, pixels.shape)):
            return f"{file} has {pixels.shape[:2]} pixels where its header says {shape[:2]}"
    return None
