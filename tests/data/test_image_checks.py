"""What the checks of image files find, and that unchanged files are checked once."""

import os

import numpy as np
import pytest
from PIL import Image

from kzoo.data import image_checks
from kzoo.data.image_checks import check_images
from kzoo.data.image_file import HEIF, UNREADABLE
from tests.data.photos import HEIC, mixed_photos


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that are decoded."""
    names, check = [], image_checks._check

    def recording(file, is_mask):
        names.append(file.name)
        return check(file, is_mask)

    monkeypatch.setattr(image_checks, "_check", recording)
    return names


def age(*files):
    """Makes files look as if they had not been changed for a minute."""
    for file in files:
        stamp = file.stat().st_mtime_ns - 60 * 10**9
        os.utime(file, ns=(stamp, stamp))


def test_headers_digests_and_problems(tmp_path):
    root = mixed_photos(tmp_path / "photos", 6)
    (root / "china" / "7.heic").write_bytes(HEIC)
    (root / "china" / "8.jpg").write_bytes((root / "flower" / "0.jpg").read_bytes())
    (root / "china" / "9.jpg").symlink_to("nowhere")
    files = sorted(root.rglob("*.*"))
    found = {file.relative_to(root).as_posix(): checked for file, checked in check_images(root, files).items()}
    problems = {name: checked.problem for name, checked in found.items() if checked.problem}
    assert problems == {"china/1.png": UNREADABLE, "china/7.heic": HEIF, "china/9.jpg": UNREADABLE}
    assert found["china/0.jpg"].header.size == (80, 60)  # upright
    same = [name for name in found if found[name].digest == found["flower/0.jpg"].digest]
    assert same == ["china/8.jpg", "flower/0.jpg"]
    assert found["flower/3.gif"].labels is None


def test_masks_have_their_labels(tmp_path):
    mask = np.zeros((5, 7), "uint8")
    mask[0, 0], mask[4, 6] = 3, 255
    Image.fromarray(mask).save(tmp_path / "1.png")
    Image.fromarray(mask).save(tmp_path / "1.jpg")
    found = check_images(tmp_path, [], sorted(tmp_path.iterdir()))
    assert found[tmp_path / "1.png"].labels == (0, 3, 255) and found[tmp_path / "1.png"].header.size == (5, 7)
    assert found[tmp_path / "1.jpg"].problem.startswith("a JPEG")


def test_a_file_is_decoded_again_only_after_a_change(tmp_path, cache, decoded):
    root = mixed_photos(tmp_path / "photos", 2)
    files = sorted(root.rglob("*.*"))
    age(*files)
    first = check_images(root, files)
    assert sorted(decoded) == ["0.jpg", "0.jpg", "1.png", "1.png"]
    assert check_images(root, files) == first and len(decoded) == 4
    changed = root / "flower" / "0.jpg"
    content = changed.read_bytes()
    changed.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))  # of the same length
    assert check_images(root, files)[changed] != first[changed] and len(decoded) == 5
    assert check_images(root, files) and len(decoded) == 6  # just changed: it may have changed again since
    age(changed)
    check_images(root, files)
    check_images(root, files)
    assert len(decoded) == 7


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": [1, 2, 3, 4]}', "\0"])
def test_a_damaged_cache_is_replaced(tmp_path, cache, decoded, content):
    root = mixed_photos(tmp_path / "photos", 2)
    files = sorted(root.rglob("*.*"))
    age(*files)
    first = check_images(root, files)
    (file,) = cache.iterdir()
    file.write_text(content)
    assert check_images(root, files) == first and len(decoded) == 8
    assert check_images(root, files) == first and len(decoded) == 8


def test_without_a_cache(tmp_path, monkeypatch, decoded):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KZOO_CACHE_DIR", str(tmp_path / "file"))
    root = mixed_photos(tmp_path / "photos", 2)
    files = sorted(root.rglob("*.*"))
    age(*files)
    assert check_images(root, files) == check_images(root, files) and len(decoded) == 8


def test_the_oldest_caches_are_removed(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(image_checks, "FOLDERS", 2)
    for i in range(4):
        (tmp_path / str(i)).mkdir()
        Image.new("L", (2, 2)).save(tmp_path / str(i) / "it.png")
        age(tmp_path / str(i) / "it.png")
        check_images(tmp_path / str(i), [tmp_path / str(i) / "it.png"])
    assert len(list(cache.iterdir())) == 2
