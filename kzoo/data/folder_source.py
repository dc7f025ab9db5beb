"""Datasets from folders of images: of one folder for each class, or of images and masks; `folder_layout` says how."""

import os

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.example_checks import ExampleChecks
from kzoo.data.examples import Examples
from kzoo.data.folder_layout import find_layout
from kzoo.data.image_checks import check_images
from kzoo.data.image_file import UnreadableImageError, read_image, read_mask
from kzoo.data.image_files import ImageFiles
from kzoo.data.npz_source import check_label_values
from kzoo.data.source import Source, check_image_size, digest, local_path, prepare_example
from kzoo.terminal import SlowCount

NAMED = 8  # files that a message names for each thing that is wrong with them


def folder_source(path, image_size=None, resize="stretch", ignore_label=None, skip_corrupt=False):
    """Returns the `Source` of a folder of images, with its classes in alphabetical order, or of images and masks.

    Images are read by `kzoo.data.image_file`, and each is checked first, by `kzoo.data.image_checks`.
    Its digest covers the names and sizes of the files, and the names of those that are skipped.
    Shapes: images (H, W, 1) if all are grey, otherwise (H, W, 3); H and W as in the files when upright, or
    `image_size`, to which `resize` says how; uint8, or the dtype of deeper grey images. Label maps (H, W, 1).
    Arguments: ignore_label, the label of pixels of masks that have no class; skip_corrupt, whether files that cannot be
    read are left out.
    Raises Refusal if the folder is missing or has no such layout, with a list if there are files that cannot be read,
    or if its images differ in depth, or in size and `image_size` is None, or masks from their images in size.
    """
    root = local_path(path)
    require(root.is_dir(), "load", "folder, a directory", folder=str(path))
    layout = find_layout(root)
    of_masks = layout.classes is None
    check_image_size(image_size, (None, None, 3))
    files = sorted({file for examples in layout.examples.values() for file, _ in examples})
    masks = sorted({mask for examples in layout.examples.values() for _, mask in examples}) if of_masks else []
    checked = check_images(root, files, masks)

    def relative(file):
        return file.relative_to(root).as_posix()

    problems = {relative(file): found.problem for file, found in checked.items() if found.problem is not None}
    if problems and not skip_corrupt:
        raise Refusal(
            f"load expects images that can be read in {path}; received {len(problems)} of {len(checked)} that cannot: "
            f"{list_problems(problems)}; data.skip_corrupt: true leaves them out."
        )
    examples = {
        split: [pair for pair in pairs if not any(checked[part].problem for part in pair if part in checked)]
        for split, pairs in layout.examples.items()
    }
    _check_not_empty(root, examples, layout.classes)
    used = [file for file in files if not checked[file].problem]
    headers = [checked[file].header for file in used]
    sizes = list(dict.fromkeys(header.size for header in headers))
    expected = "image_size=(height, width) for images that differ in size"
    require(len(sizes) == 1 or image_size, "load", expected, folder=str(path), sizes=tuple(sizes[:2]))
    by_dtype = {header.dtype: relative(file) for file, header in zip(used, headers)}
    require(len(by_dtype) == 1, "load", "images of one depth", **by_dtype)
    (dtype,), channels = by_dtype, max(header.channels for header in headers)
    decoded = (*sizes[0], channels) if len(sizes) == 1 else (None, None, channels)
    classes = len(layout.classes) if layout.classes else _count_mask_classes(examples, checked, relative, ignore_label)

    def labels_of(split):
        if of_masks:
            return np.zeros((len(examples[split]), 1, 1), "int32")  # whose number is known, and no label of a class
        return np.array([label for _, label in examples[split]], "int32")

    def of_each(value_of):
        return {split: np.array([value_of(file) for file, _ in pairs]) for split, pairs in examples.items()}

    def read(split, chosen):
        paths, targets = (np.array(part, object)[chosen].tolist() for part in zip(*map(_as_text, examples[split])))
        count = SlowCount(f"images of {root.name}/ are read", len(paths))

        def read_counted(name):
            pixels = read_image(os.fsdecode(name), channels)
            count.tick()
            return pixels

        def prepare(file, target):
            x = tf.numpy_function(read_counted, [file], dtype, stateful=False)
            if of_masks:
                y = tf.numpy_function(lambda name: read_mask(os.fsdecode(name)), [target], tf.int32, stateful=False)
                target = tf.ensure_shape(y, (*decoded[:2], 1))
            return prepare_example(tf.ensure_shape(x, decoded), target, image_size, resize, ignore_label)

        dataset = tf.data.Dataset.from_tensor_slices((paths, targets)).map(prepare, tf.data.AUTOTUNE)
        masks = targets if of_masks else []
        checks = ExampleChecks(find_damage=lambda: _find_damage(paths, masks, decoded))
        return Examples(dataset, len(paths), checks=checks, files=[os.path.relpath(file, root) for file in paths])

    animated = sum(header.animated for header in headers)
    left_out = {**layout.left_out, "files of which only the first frame or page is read": animated}
    content = [(relative(file), file.stat().st_size) for file, found in checked.items() if found.problem is None]
    return Source(
        name=root.name,
        input_shape=(*(image_size or sizes[0]), channels),
        dtype=dtype,
        label_shape=(*(image_size or sizes[0]), 1) if of_masks else (),
        classes=classes,
        class_names=layout.classes,
        split_sizes={split: len(pairs) for split, pairs in examples.items()},
        read=read,
        labels=labels_of,
        content=digest([content, sorted(problems)] if problems else content),
        left_out={what: count for what, count in left_out.items() if count},
        image_files=ImageFiles(
            names=of_each(relative),
            digests=of_each(lambda file: checked[file].digest),
            sizes=of_each(lambda file: checked[file].header.size),
            labels=None if of_masks else {split: labels_of(split) for split in examples},
            contents=digest([found.digest for found in checked.values()]),
            skipped=problems,
        ),
        divided=layout.divided,
    )


def list_problems(problems):
    """Returns a phrase with the names of files and what is wrong with them, the names of the same problem together.

    >>> list_problems({"a.jpg": "empty", "b.jpg": "cut", "c.jpg": "empty"})
    'a.jpg, c.jpg (empty), b.jpg (cut)'
    """
    names = {reason: [name for name in problems if problems[name] == reason] for reason in problems.values()}
    return ", ".join(
        ", ".join(of_reason[:NAMED])
        + (f" and {len(of_reason) - NAMED} more" if len(of_reason) > NAMED else "")
        + f" ({reason})"
        for reason, of_reason in names.items()
    )


def _check_not_empty(root, examples, classes):
    """Raises Refusal if files that are skipped leave a split empty, or a class without training images."""
    empty = [split for split, pairs in examples.items() if not pairs]
    labels = {label for _, label in examples["train"]}
    empty += [name for label, name in enumerate(classes or ()) if label not in labels]
    require(not empty, "load", f"images that can be read in each split and class of {root}", without_images=empty)


def _count_mask_classes(examples, checked, relative, ignore_label):
    """Returns the number of classes of masks. Raises Refusal if sizes or labels are not what masks have."""
    other_sizes = {
        relative(mask): f"{checked[mask].header.size} for an image of {checked[file].header.size}"
        for pairs in examples.values()
        for file, mask in pairs
        if checked[file].header.size != checked[mask].header.size
    }
    if other_sizes:
        raise Refusal(f"load expects masks of the sizes of their images; received {list_problems(other_sizes)}.")
    labels = {label for pairs in examples.values() for _, mask in pairs for label in checked[mask].labels}
    check_label_values("masks", np.array([sorted(labels)]), ignore_label)
    return 1 + max(labels - {ignore_label})


def _as_text(example):
    """Returns an example with its paths as texts."""
    file, target = example
    return str(file), target if isinstance(target, int) else str(target)


def _find_damage(files, masks, shape):
    """Returns a phrase on the first file that cannot be read, or whose pixels have another shape, or None."""
    readers = {file: (lambda name: read_image(name, shape[-1]), shape) for file in files}
    readers |= dict.fromkeys(masks, (read_mask, (*shape[:2], 1)))
    for file, (read, expected) in readers.items():
        try:
            pixels = read(file)
        except (UnreadableImageError, OSError):
            return f"{file} is damaged"
        if any(known not in (None, size) for known, size in zip(expected, pixels.shape)):
            return f"{file} has {pixels.shape[:2]} pixels where its header says {expected[:2]}"
    return None
