"""Which files of a folder are the examples of which split; the pixels are those of test_folder_source.py."""

import os
import unicodedata

import pytest

from kzoo.checks import Refusal
from kzoo.data.folder_layout import find_layout


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(root):
    """Returns {split: sorted (image, class or mask)}."""
    return {split: sorted(pairs) for split, pairs in find_layout(root).examples.items()}


def test_class_folders_are_the_training_split(tmp_path):
    touch(tmp_path, "cat/1.jpg", "cat/deep/2.PNG", "ant/1.jpg", "ant/3.heic")
    layout = find_layout(tmp_path)
    assert layout.classes == ("ant", "cat") and not layout.divided
    assert found(tmp_path) == {"train": [("ant/1.jpg", 0), ("ant/3.heic", 0), ("cat/1.jpg", 1), ("cat/deep/2.PNG", 1)]}


def test_train_divides_a_folder(tmp_path):
    touch(tmp_path, "train/cat/1.jpg", "train/ant/1.jpg", "val/ant/2.jpg")
    layout = find_layout(tmp_path)
    assert layout.classes == ("ant", "cat") and layout.divided
    assert found(tmp_path) == {"train": [("train/ant/1.jpg", 0), ("train/cat/1.jpg", 1)], "val": [("val/ant/2.jpg", 0)]}


@pytest.mark.parametrize("split", ["", "train/", "test/"])
def test_images_and_masks_of_the_same_names(tmp_path, split):
    touch(tmp_path, f"{split}images/a/1.jpg", f"{split}images/2.jpg", f"{split}masks/a/1.png", f"{split}masks/2.png")
    touch(tmp_path, f"{split}images/3.jpg", f"{split}masks/4.png", f"{split}masks/5.png", "6.png")
    if split == "test/":
        touch(tmp_path, "train/images/1.jpg", "train/masks/1.png")
    layout = find_layout(tmp_path)
    assert layout.classes is None and layout.divided == bool(split)
    pairs = [(f"{split}images/2.jpg", f"{split}masks/2.png"), (f"{split}images/a/1.jpg", f"{split}masks/a/1.png")]
    assert found(tmp_path)[split.rstrip("/") or "train"] == pairs
    counts = {what: count for what, count in layout.left_out.items() if count}
    assert counts == {"images without a mask": 1, "masks without an image": 2, "images elsewhere": 1}


def test_what_phones_and_systems_leave_in_folders(tmp_path):
    touch(tmp_path, "a/1.jpg", "a/._1.jpg", "a/Thumbs.db", "a/.DS_Store", "b/1.jpg", "b/1.mov", "__MACOSX/a/2.jpg")
    touch(tmp_path, "start.jpg")
    assert found(tmp_path) == {"train": [("a/1.jpg", 0), ("b/1.jpg", 1)]}
    counts = {what: count for what, count in find_layout(tmp_path).left_out.items() if count}
    assert counts == {"hidden files and folders": 3, "files that are not images": 2, "images outside CLASS/": 1}


def test_names_that_macos_decomposes_are_the_same(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Käfer") for form in ("NFC", "NFD"))
    assert composed != decomposed
    touch(tmp_path, f"train/{composed}/1.jpg", "train/猫/1.jpg", f"test/{decomposed}/2.jpg")
    assert find_layout(tmp_path).classes == (composed, "猫")
    assert found(tmp_path)["test"] == [(f"test/{decomposed}/2.jpg", 0)]
    touch(tmp_path, f"masked/images/{composed}.jpg", f"masked/masks/{decomposed}.png")
    assert len(find_layout(tmp_path / "masked").examples["train"]) == 1


def test_links_are_followed(tmp_path):
    touch(tmp_path, "elsewhere/1.jpg", "photos/a/1.jpg")
    os.symlink(tmp_path / "elsewhere", tmp_path / "photos" / "b")
    os.symlink(tmp_path / "photos" / "a" / "1.jpg", tmp_path / "photos" / "a" / "2.jpg")
    os.symlink(tmp_path / "photos", tmp_path / "photos" / "a" / "loop")
    assert found(tmp_path / "photos") == {"train": [("a/1.jpg", 0), ("a/2.jpg", 0), ("b/1.jpg", 1)]}


@pytest.mark.parametrize(
    "names, words",
    [
        (["1.jpg"], "folder with images CLASS/NAME.jpg or train/CLASS/NAME.jpg, or with images/ and masks/; received"),
        (["a/1.jpg"], r"folders of two classes or more; received folder='.*', classes=\['a'\]"),
        (["a/1.jpg", "b/1.jpg", "c/1.txt"], r"images in the folder of each class; received without_images=\['.*/c'\]"),
        (["Training/a/1.jpg", "Test/a/1.jpg"], r"so that train/ is the name of the training split; .*\['Test', 'Train"),
        (["images/1.jpg", "masks/1_mask.png"], "of the same names in .*; received images='1.jpg', masks='1_mask.png'"),
        (["images/1.jpg", "masks/1.txt"], "images and masks of the same names in .*images='1.jpg', masks=None"),
        (["images/1.jpg", "images/1.png", "masks/1.png"], r"not only in their suffix; received files=\['1.jpg', '1.p"),
        (["train/a/1.jpg", "val/b/1.jpg"], "load expects the classes of train/ in .*/val; received 'b'."),
    ],
)
def test_refusals(tmp_path, names, words):
    touch(tmp_path, *names)
    with pytest.raises(Refusal, match=words):
        find_layout(tmp_path)
