import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.loader import load, specs


def fill(root, split, name, values, size=(6, 4), mode="L"):
    """Writes images of one grey value each; `size` is (width, height), as in PIL."""
    (root / split / name).mkdir(parents=True, exist_ok=True)
    for value in values:
        colour = value if mode == "L" else (value, 0, 0)
        Image.new(mode, size, colour).save(root / split / name / f"{value}.png")


@pytest.fixture
def root(tmp_path):
    fill(tmp_path, "train", "cat", range(8))
    fill(tmp_path, "train", "ant", range(100, 108))
    fill(tmp_path, "test", "cat", [50])
    return tmp_path


def test_reads_classes_and_images(root):
    data = load(folder=root)
    assert (data.classes, data.class_names, data.input_shape, data.test.size) == (2, ("ant", "cat"), (4, 6, 1), 1)
    x, y = data.train.numpy()
    assert (x.shape, x.dtype, y.dtype) == ((16, 4, 6, 1), np.uint8, np.int32)
    assert sorted(x[y == 0, 0, 0, 0]) == list(range(100, 108)) and sorted(x[y == 1, 0, 0, 0]) == list(range(8))
    assert specs(folder=str(root)) == ((4, 6, 1), "uint8", 2)


def test_validation_mixes_classes_and_never_changes(root):
    one, other = (load(folder=root, validation=6) for _ in range(2))
    np.testing.assert_array_equal(one.validation.numpy()[0], other.validation.numpy()[0])
    seen = np.concatenate([part.numpy()[0][:, 0, 0, 0] for part in (one.train, one.validation)])
    assert sorted(seen) == [*range(8), *range(100, 108)]
    assert set(one.validation.numpy()[1]) == {0, 1}


def test_color_images_have_three_channels(root):
    fill(root, "train", "cat", [200], mode="RGB")
    data = load(folder=root)
    assert data.input_shape == (4, 6, 3)
    assert [200, 0, 0] in data.train.numpy()[0][:, 0, 0].tolist()


def test_sizes_that_differ_need_a_size(root):
    fill(root, "train", "cat", [201], size=(3, 9))
    with pytest.raises(Refusal, match=r"image_size=\(height, width\) for images that differ .*\(\(4, 6\), \(9, 3\)\)"):
        load(folder=root)
    data = load(folder=root, image_size=(5, 5))
    x, _ = data.train.numpy()
    assert x.shape == (17, 5, 5, 1) and data.input_shape == (5, 5, 1)
    assert sorted(x[:, 2, 2, 0]) == [*range(8), *range(100, 108), 201]


def test_val_is_a_validation_split(root):
    fill(root, "val", "ant", [1, 2])
    assert load(folder=root, validation="val").validation.size == 2
    assert load(folder=root).test.size == 1


def test_refusals(tmp_path, root):
    with pytest.raises(Refusal, match="load expects folder, a directory; received folder='nowhere'"):
        load(folder="nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refusal, match="folder with images train/CLASS/NAME.png; received folder='.*empty'"):
        load(folder=tmp_path / "empty")
    fill(tmp_path / "flat", "test", "cat", [1])
    with pytest.raises(Refusal, match="folder with images train/CLASS/NAME.png; received folder='.*flat'"):
        load(folder=tmp_path / "flat")
    (root / "train" / "cat" / "note.png").write_text("text")
    with pytest.raises(Refusal, match="load expects images in its folder; received '.*note.png', not an image"):
        load(folder=root)


def png(width, height, pixels=b""):
    """Returns a grey PNG whose header declares a size, whatever the size of its pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def encoded(kind, size=(6, 4)):
    file = io.BytesIO()
    Image.effect_noise(size, 50).save(file, kind)
    return file.getvalue()


def flip(content, index):
    return content[:index] + bytes([content[index] ^ 255]) + content[index + 1 :]


BAD_HEADERS = {  # refused from their first bytes, whatever the split
    "gif": (encoded("GIF"), "GIF, neither JPEG nor PNG"),
    "webp": (encoded("WEBP"), "WEBP, neither JPEG nor PNG"),
    "empty": (b"", "not an image"),
    "bomb": (png(20_000, 20_000), "an image of more than 178,956,970 pixels"),
    "no_header": (flip(encoded("PNG"), 1), "not an image"),
}
BAD_PIXELS = {
    "cut_png": encoded("PNG")[:-30],
    "cut_jpeg": encoded("JPEG")[:-8],
    "flipped_png": flip(encoded("PNG"), 50),
    "too_few_pixels": png(6, 4),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_damaged_headers_are_refused_on_loading(root, case):
    content, words = BAD_HEADERS[case]
    (root / "test" / "cat" / "bad.png").write_bytes(content)
    with pytest.raises(Refusal, match=f"^load expects images in its folder; received '.*bad.png', {words}.$"):
        load(folder=root)


@pytest.mark.parametrize("case", BAD_PIXELS)
@pytest.mark.parametrize("memory", [2**30, 0], ids=["memory", "stream"])
def test_damaged_pixels_name_the_file_on_reading(root, case, memory, monkeypatch):
    monkeypatch.setattr("kzoo.data.examples.MEMORY", memory)
    (root / "test" / "cat" / "bad.png").write_bytes(BAD_PIXELS[case])
    data = load(folder=root)
    with pytest.raises(Refusal, match="^load expects files that can be read; .*/bad.png is damaged.$"), data.errors():
        list(data.test.once(5))


def test_what_is_no_regular_file_is_refused(root):
    bad = root / "train" / "cat" / "bad.png"
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path)):
        make(bad)
        with pytest.raises(Refusal, match="received '.*bad.png', not an image"):
            load(folder=root)
        bad.rmdir() if bad.is_dir() else bad.unlink()


def test_names_that_are_not_utf_8_are_refused(root):
    for place in (b"train/cat/\xff.png", b"train/cat/\xff.txt", b"train/\xff", b"\xff"):
        path = os.fsencode(root) + b"/" + place
        os.mkdir(path)
        with pytest.raises(Refusal, match=r"load expects a path in UTF-8; received '.*\\udcff"):
            load(folder=root)
        os.rmdir(path)


def test_the_digest_covers_names_and_sizes(root):
    digests = [load(folder=root).fingerprint["files"]]
    (root / "test" / "cat" / "50.png").rename(root / "test" / "cat" / "51.png")
    digests.append(load(folder=root).fingerprint["files"])
    fill(root, "train", "new", [1])
    data = load(folder=root)
    digests += [data.fingerprint["files"], load(folder=root).fingerprint["files"]]
    assert len(set(digests[:3])) == 3 and digests[2] == digests[3] and data.fingerprint["classes"] == 3
