"""Datasets from folders of images: of one folder for each class, or of images and masks; `folder_layout` says how."""

import os

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.example_checks import ExampleChecks
from kzoo.data.folder_layout import find_layout
from kzoo.data.image_checks import check_images
from kzoo.data.image_file import UnreadableImageError, read_image, read_mask
from kzoo.data.image_files import ImageFiles
from kzoo.data.npz_targets import check_label_values
from kzoo.data.sizing import Sizing
from kzoo.data.source import Source, check_image_size, digest, local_path
from kzoo.terminal import Progress

NAMED = 8  # files that a message names for each thing that is wrong with them


def folder_source(path, sizing=Sizing(), skip_corrupt=False):
    """Returns the `Source` of a folder of images, with its classes in alphabetical order, or of images and masks.

    Images are read by `kzoo.data.image_file`, and each is checked first, by `kzoo.data.image_checks`.
    Its digest covers the names and sizes of the files, and the names of those that are skipped.
    Shapes: images (H, W, 1) if all are grey, otherwise (H, W, 3); H and W as in the files when upright, or
    sizing.image_size; uint8, or the dtype of deeper grey images. Label maps (H, W, 1).
    Arguments: skip_corrupt, whether files that cannot be read are left out.
    Raises Refusal if the folder is missing or has no such layout, with a list if there are files that cannot be read,
    or if its images differ in depth, or in size and there is no image_size, or masks from their images in size.
    """
    root = local_path(path)
    require(root.is_dir(), "load", "folder, a directory", folder=str(path))
    image_size = sizing.image_size
    check_image_size(image_size, (None, None, 3))
    layout = find_layout(root)
    checked = _check_files(root, layout)
    problems = {name: found.problem for name, found in checked.items() if found.problem is not None}
    if problems and not skip_corrupt:
        raise Refusal(
            f"load expects images that can be read in {path}; received {len(problems)} of {len(checked)} that cannot: "
            f"{list_problems(problems)}; data.skip_corrupt: true leaves them out."
        )
    examples = {
        split: [pair for pair in pairs if not any(part in problems for part in pair)]
        for split, pairs in layout.examples.items()
    }
    _check_not_empty(root, examples, layout.classes)
    headers = {
        name: checked[name].header for name in sorted({name for pairs in examples.values() for name, _ in pairs})
    }
    sizes = list(dict.fromkeys(header.size for header in headers.values()))
    expected = "image_size=(height, width) for images that differ in size"
    require(len(sizes) == 1 or image_size, "load", expected, folder=str(path), sizes=tuple(sizes[:2]))
    by_dtype = {header.dtype: name for name, header in headers.items()}
    require(len(by_dtype) == 1, "load", "images of one depth", **by_dtype)
    (dtype,), channels = by_dtype, max(header.channels for header in headers.values())
    decoded, size = (*(sizes[0] if len(sizes) == 1 else (None, None)), channels), tuple(image_size or sizes[0])
    of_masks = layout.classes is None
    content = [(name, (root / name).stat().st_size) for name in checked if name not in problems]
    animated = sum(header.animated for header in headers.values())
    left_out = {**layout.left_out, "files of which only the first frame or page is read": animated}

    def of_each(value_of):
        return {split: np.array([value_of(*pair) for pair in pairs]) for split, pairs in examples.items()}

    # of masks no label of a class is known before they are read, only their number
    labels = of_each(lambda name, label: np.zeros((1, 1), "int32") if of_masks else np.int32(label))
    return Source(
        name=root.name,
        input_shape=(*size, channels),
        dtype=dtype,
        label_shape=(*size, 1) if of_masks else (),
        classes=_count_mask_classes(examples, checked, sizing.ignore_label) if of_masks else len(layout.classes),
        class_names=layout.classes,
        split_sizes={split: len(pairs) for split, pairs in examples.items()},
        read=_reader(root, examples, decoded, dtype, of_masks, sizing),
        labels=labels.__getitem__,
        content=digest([content, sorted(problems)] if problems else content),
        left_out={what: count for what, count in left_out.items() if count},
        image_files=ImageFiles(
            names=of_each(lambda name, _: name),
            digests=of_each(lambda name, _: checked[name].digest),
            sizes=of_each(lambda name, _: headers[name].size),
            labels=None if of_masks else labels,
            contents=digest([found.digest for found in checked.values()]),
            skipped=problems,
        ),
        divided=layout.divided,
    )


def _check_files(root, layout):
    """Returns {name: CheckedImage} of the images of a layout, sorted, and then of its masks."""
    pairs = [pair for of_split in layout.examples.values() for pair in of_split]
    masks = {mask for _, mask in pairs} if layout.classes is None else ()
    images, masks = ([root / name for name in sorted(names)] for names in ({name for name, _ in pairs}, masks))
    return {file.relative_to(root).as_posix(): found for file, found in check_images(root, images, masks).items()}


def _reader(root, examples, decoded, dtype, of_masks, sizing):
    """Returns the function `read` of a `Source`. decoded: the shape of the images, sizes None if they differ."""

    def read(split, chosen):
        names, targets = (np.array(part, object)[chosen].tolist() for part in zip(*examples[split]))
        files, masks = ([str(root / name) for name in part] for part in (names, targets if of_masks else ()))
        progress = Progress(f"images of {root.name}/ are read", len(files))

        def read_counted(file):
            pixels = read_image(os.fsdecode(file), decoded[-1])
            progress.tick()
            return pixels

        def prepare(file, target):
            x = tf.numpy_function(read_counted, [file], dtype, stateful=False)
            if of_masks:
                y = tf.numpy_function(lambda mask: read_mask(os.fsdecode(mask)), [target], tf.int32, stateful=False)
                target = tf.ensure_shape(y, (*decoded[:2], 1))
            return sizing.prepare(tf.ensure_shape(x, decoded), target)

        dataset = tf.data.Dataset.from_tensor_slices((files, masks or targets)).map(prepare, tf.data.AUTOTUNE)
        checks = ExampleChecks(find_damage=lambda: _find_damage(files, masks, decoded))
        return sizing.examples(dataset, len(files), checks=checks, files=names)

    return read


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


def _count_mask_classes(examples, checked, ignore_label):
    """Returns the number of classes of masks. Raises Refusal if sizes or labels are not what masks have."""
    other_sizes = {
        mask: f"{checked[mask].header.size} for an image of {checked[name].header.size}"
        for pairs in examples.values()
        for name, mask in pairs
        if checked[name].header.size != checked[mask].header.size
    }
    if other_sizes:
        raise Refusal(f"load expects masks of the sizes of their images; received {list_problems(other_sizes)}.")
    labels = {label for pairs in examples.values() for _, mask in pairs for label in checked[mask].labels}
    check_label_values("masks", np.array([sorted(labels)]), ignore_label)
    return 1 + max(labels - {ignore_label})


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
