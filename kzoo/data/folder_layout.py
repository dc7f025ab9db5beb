"""The layouts of folders of images: which files are the examples of which split, and of which class or with which mask.

Source: `tfds.ImageFolder`, whose order of the examples this file keeps.
"""

import collections
import random
import unicodedata
from pathlib import Path
from typing import NamedTuple

from kzoo.checks import Refusal, require
from kzoo.data.image_file import PHOTO_SUFFIXES
from kzoo.data.source import TESTS, VALIDATIONS, check_utf8
from kzoo.data.visible_files import is_hidden, visible_files

LAYOUT = "folder with images CLASS/NAME.jpg or train/CLASS/NAME.jpg, or with images/ and masks/"
IMAGES, MASKS = "images", "masks"
SPLIT_NAMES = {"train", "training", *TESTS, "testing", *VALIDATIONS}  # in lower case; not names of classes


class FolderLayout(NamedTuple):
    """The examples of a folder: {split: [(image, number of its class, or its mask)]}, in a fixed random order.

    Images and masks are named by their paths in the folder.
    classes: their names, None where there are masks; divided: whether the folder has splits, or only `train`, which
    holds all its images; left_out: {what: how many} of what else the folder holds.
    """

    examples: dict[str, list[tuple[str, int | str]]]
    classes: tuple[str, ...] | None
    divided: bool
    left_out: dict[str, int]


def find_layout(root: Path) -> FolderLayout:
    """Returns the layout of a folder.

    The folder is of classes, CLASS/NAME.jpg at any depth below the class, or of images and masks, images/NAME.jpg and
    masks/NAME.png with the same names up to the suffix; or it holds such folders for train/ and further splits.
    Hidden files are left out. Names are compared in Unicode's composed form, in which macOS does not write them.
    Raises Refusal for other layouts, for a class without images, and for classes that train/ does not have.
    """
    files, hidden = visible_files(root)
    for file in files:
        check_utf8(file)
    images = [file for file in files if file.suffix.lower() in PHOTO_SUFFIXES]
    known = {"hidden files and folders": hidden, "files that are not images": len(files) - len(images)}
    divided = (root / "train").is_dir()
    find = _find_masks if _has_masks(root / "train" if divided else root) else _find_classes
    found = find(root, images, divided)
    return found._replace(examples=_shuffled(found.examples, root), left_out={**known, **found.left_out})


def _has_masks(folder):
    return (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()


def _find_classes(root, images, divided):
    splits = _group(root, images, divided)
    require("train" in splits, "load", LAYOUT, folder=str(root))
    classes = _class_names(root / "train" if divided else root, splits["train"])
    if not divided:
        named = [name for name in classes if name.lower() in SPLIT_NAMES]
        require(not named, "load", f"{LAYOUT}, so that train/ is the name of the training split", folders=named)
        require(len(classes) > 1, "load", "folders of two classes or more", folder=str(root), classes=classes)
    others = {split: splits.pop(split) for split in list(splits) if not splits[split].keys() <= set(classes)}
    for split in others.keys() & {*VALIDATIONS, *TESTS}:
        unknown = min(others[split].keys() - set(classes))
        raise Refusal(f"load expects the classes of train/ in {root / split}; received {unknown!r}.")
    outside = len(images) - sum(map(_count, (*splits.values(), *others.values())))
    left_out = {
        f"images outside {'SPLIT/' if divided else ''}CLASS/": outside,
        **{f"images of other classes in {split}/": _count(others[split]) for split in sorted(others)},
    }
    examples = {
        split: [(file, classes.index(name)) for name in sorted(by_class) for file in sorted(by_class[name], key=str)]
        for split, by_class in splits.items()
    }
    return FolderLayout(examples, tuple(classes), divided, left_out)


def _group(root, images, divided):
    """Returns {split: {class: files}} of the images in SPLIT/CLASS/, or in CLASS/, and deeper."""
    splits = collections.defaultdict(lambda: collections.defaultdict(list))
    for file in images:
        parts = file.relative_to(root).parts if divided else ("train", *file.relative_to(root).parts)
        if len(parts) > 2:
            splits[parts[0]][_composed(parts[1])].append(file)
    return splits


def _composed(name):
    return unicodedata.normalize("NFC", name)


def _count(by_class):
    return sum(map(len, by_class.values()))


def _class_names(folder, by_class):
    """Returns the sorted names of the classes' folders. Raises Refusal if one of them has no images."""
    folders = [entry for entry in folder.iterdir() if entry.is_dir() and not is_hidden(entry)]
    empty = sorted(str(entry) for entry in folders if _composed(entry.name) not in by_class)
    require(not empty, "load", "images in the folder of each class", without_images=empty)
    return sorted(by_class)


def _shuffled(examples, root):
    """Returns examples with names for paths, shuffled as `tfds.ImageFolder` does: the tail is a random sample."""

    def named(part):
        return part if isinstance(part, int) else part.relative_to(root).as_posix()

    shuffled = {split: [(named(file), named(target)) for file, target in pairs] for split, pairs in examples.items()}
    for split, pairs in shuffled.items():
        random.Random(split).shuffle(pairs)
    return shuffled


def _find_masks(root, images, divided):
    folders = {entry.name: entry for entry in root.iterdir() if _has_masks(entry)} if divided else {"train": root}
    examples, without_mask, without_image = {}, 0, 0
    for split, folder in folders.items():
        of_images, of_masks = (_by_stem(folder / part, images) for part in (IMAGES, MASKS))
        both = sorted(of_images.keys() & of_masks.keys())
        example = {part: next(iter(files.values()), None) for part, files in ((IMAGES, of_images), (MASKS, of_masks))}
        received = {part: file and file.name for part, file in example.items()}
        require(both, "load", f"images and masks of the same names in {folder}", **received)
        examples[split] = [(of_images[stem], of_masks[stem]) for stem in both]
        without_mask += len(of_images) - len(both)
        without_image += len(of_masks) - len(both)
    used = without_mask + without_image + 2 * sum(map(len, examples.values()))
    left_out = {"images without a mask": without_mask, "masks without an image": without_image}
    return FolderLayout(examples, None, divided, {**left_out, "images elsewhere": len(images) - used})


def _by_stem(folder, images):
    """Returns {path in the folder without suffix: file}. Raises Refusal if two files differ in their suffix only."""
    found: dict[str, Path] = {}
    for file in images:
        if file.is_relative_to(folder):
            stem = _composed(file.relative_to(folder).with_suffix("").as_posix())
            both = [found[stem].name, file.name] if stem in found else []
            require(not both, "load", f"names in {folder} that differ not only in their suffix", files=both)
            found[stem] = file
    return found
