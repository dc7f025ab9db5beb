import io
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.image_file import read_header, read_image
from kzoo.data.loader import load, specs
from kzoo.data.source import resize_images
from tests.data.photos import HEIC, mixed_photos
from tests.data.test_image_file import png


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


def test_folders_without_a_validation_split_say_what_they_have(root, masked):
    def refused(folder, name="val"):
        with pytest.raises(Refusal) as error:
            load(folder=folder, validation=name, ignore_label=255 if folder == masked else None)
        return str(error.value)

    expected = "load expects validation, a fraction such as 0.2, since 'train' has only ant/, cat/, or these folders "
    assert refused(root / "train") == f"{expected}within train/train/ and train/val/; received validation='val'."
    assert "or these folders within road/train/ and road/dev/; received" in refused(masked, "dev")
    shutil.rmtree(root / "test")
    wanted = f"has only a training split, or a folder {root.name}/val/ like {root.name}/train/; received"
    assert wanted in refused(root)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev"])
def test_known_names_of_validation_splits(root, name, capsys):
    fill(root, name, "ant", [1, 2])
    assert load(folder=root).validation is None
    unused = f"{root.name}: left out: the split '{name}', which `validation: {name}` uses (2).\n"
    assert capsys.readouterr().err == unused
    for asked in ("val", "valid", "validation", "dev"):
        assert load(folder=root, validation=asked).validation.numpy()[0][:, 0, 0, 0].tolist() in ([1, 2], [2, 1])
    assert capsys.readouterr().err == ""
    (root / "test" / "cat" / "50.png").unlink()
    assert load(folder=root).test.size == 2


def test_all_formats_and_depths_are_read(root):
    for value, kind in enumerate(("bmp", "gif", "jpeg", "tif", "tiff", "webp", "WEBP"), 200):
        (root / "train" / "cat" / "a" / "b").mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (6, 4), (value,) * 3)
        image.save(
            root / "train" / "cat" / "a" / "b" / f"it{value}.{kind}",
            **({"lossless": True} if "w" in kind.lower() else {}),
        )
    data = load(folder=root)
    x, y = data.train.numpy()
    assert data.class_names == ("ant", "cat") and x.shape == (23, 4, 6, 3)
    assert sorted(x[y == 1, 0, 0, 0]) == [*range(8), *range(200, 207)]


def test_what_is_left_out_is_said(root, capsys):
    for name in (
        "train/.ipynb_checkpoints/1.png",
        "train/cat/._1.png",
        "train/list.csv",
        "train/x.png",
        "more/dog/y.png",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((root / "train" / "cat" / "1.png").read_bytes())
    frames = [Image.new("L", (6, 4), value) for value in (201, 202)]
    frames[0].save(root / "train" / "cat" / "moving.tif", save_all=True, append_images=frames[1:])
    data = load(folder=root)
    assert data.class_names == ("ant", "cat") and data.train.size == 17 and data.test.size == 1
    assert capsys.readouterr().err == (
        f"{root.name}: left out: hidden files and folders (2), files that are not images (1), "
        "images outside SPLIT/CLASS/ (1), images of other classes in more/ (1), "
        "files of which only the first frame or page is read (1).\n"
    )


def test_a_stratified_part_has_each_class(root):
    fill(root, "train", "eel", [200, 201])
    data = load(folder=root, validation=3, stratify=True)
    assert sorted(data.validation.numpy()[1]) == [0, 1, 2]
    seen = np.concatenate([part.numpy()[0][:, 0, 0, 0] for part in (data.train, data.validation)])
    assert sorted(seen) == [*range(8), *range(100, 108), 200, 201]


def test_classes_without_images_are_refused(root):
    (root / "train" / "dog").mkdir()
    (root / "train" / "dog" / "1.svg").touch()
    with pytest.raises(Refusal, match=r"images in the folder of each class; received without_images=\['.*train/dog'\]"):
        load(folder=root)
    fill(root, "train", "dog", [1])
    fill(root, "test", "eel", [1])
    with pytest.raises(Refusal, match="load expects the classes of train/ in .*/test; received 'eel'."):
        load(folder=root)


def test_the_order_is_that_of_image_folder(root):
    """So that a held-out fraction has the examples that it had when TFDS read the folder."""
    import tensorflow_datasets as tfds

    fill(root, "val", "ant", range(60, 69))
    builder = tfds.ImageFolder(str(root))
    for split in ("train", "val"):
        expected = [(x[0, 0, 0], y) for x, y in tfds.as_numpy(builder.as_dataset(split=split, as_supervised=True))]
        data = load(folder=root, validation="val")
        x, y = (data.train if split == "train" else data.validation).numpy()
        assert list(zip(x[:, 0, 0, 0], y)) == expected


def test_examples_know_their_files(root):
    """In their stored order, also of a part of a split."""
    data = load(folder=root, validation=0.25)
    assert data.test.files == ["test/cat/50.png"] and len(data.validation.files) == 4
    for split in (data.train, data.validation):
        x, y = split.numpy()
        names = [f"train/{('ant', 'cat')[label]}/{value}.png" for value, label in zip(x[:, 0, 0, 0], y)]
        assert split.files == names


def test_deep_images_keep_their_values_and_are_not_mixed(root, tmp_path):
    for value in (0, 7, 1000, 65535):
        (tmp_path / "deep" / "train" / "a").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), value, "uint16")).save(tmp_path / "deep" / "train" / "a" / f"{value}.png")
    data = load(folder=tmp_path / "deep")
    assert specs(folder=tmp_path / "deep") == ((4, 6, 1), "uint16", 1)
    assert sorted(data.train.numpy()[0][:, 1, 1, 0]) == [0, 7, 1000, 65535]
    resized = load(folder=tmp_path / "deep", image_size=(2, 2)).train.numpy()[0]
    assert resized.dtype == "uint16" and sorted(resized[:, 1, 1, 0]) == [0, 7, 1000, 65535]
    fill(tmp_path / "deep", "train", "b", [1])
    with pytest.raises(Refusal, match="images of one depth; received uint16='train/a/.*png', uint8='train/b/1.png'"):
        load(folder=tmp_path / "deep")


def test_images_are_turned_upright(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    for file in [*root.rglob("*.png")]:
        Image.open(file).rotate(90, expand=True).save(file, exif=exif)
    assert load(folder=root).input_shape == (4, 6, 1)
    assert load(folder=root).train.numpy()[0].shape == (16, 4, 6, 1)


def test_refusals(tmp_path, root):
    with pytest.raises(Refusal, match="load expects folder, a directory; received folder='nowhere'"):
        load(folder="nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refusal, match="folder with images CLASS/NAME.jpg or train/.*; received folder='.*empty'"):
        load(folder=tmp_path / "empty")
    fill(tmp_path / "flat", "test", "cat", [1])
    with pytest.raises(Refusal, match=r"train/ is the name of the training split; received folders=\['test'\]"):
        load(folder=tmp_path / "flat")
    (root / "train" / "cat" / "note.png").write_text("text")
    with pytest.raises(Refusal, match=unreadable("train/cat/note.png", of=18)):
        load(folder=root)
    for image_size in (5, (0, 5)):
        with pytest.raises(Refusal, match=r"image_size, \(height, width\) in pixels"):
            load(folder=root, image_size=image_size)


def unreadable(name, reason="not an image that can be read", of=18):
    """Returns the pattern of the message on one file that cannot be read."""
    received = f"received 1 of {of} that cannot: {name} .{reason}.; data.skip_corrupt: true leaves them out."
    return f"^load expects images that can be read in .*; {received}$"


def encoded(kind, size=(6, 4)):
    file = io.BytesIO()
    Image.effect_noise(size, 50).save(file, kind)
    return file.getvalue()


def flip(content, index):
    return content[:index] + bytes([content[index] ^ 255]) + content[index + 1 :]


BAD_HEADERS = {  # refused from their first bytes, whatever the split
    "ppm": (encoded("PPM"), "not an image that can be read"),
    "empty": (b"", "not an image that can be read"),
    "bomb": (png(20_000, 20_000), "an image of more than 178,956,970 pixels"),
    "no_header": (flip(encoded("PNG"), 1), "not an image that can be read"),
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
    with pytest.raises(Refusal, match=unreadable("test/cat/bad.png", words)):
        load(folder=root)


@pytest.mark.parametrize("case", BAD_PIXELS)
def test_damaged_pixels_are_refused_on_loading(root, case):
    (root / "test" / "cat" / "bad.png").write_bytes(BAD_PIXELS[case])
    with pytest.raises(Refusal, match=unreadable("test/cat/bad.png")):
        load(folder=root)


@pytest.mark.parametrize("case", BAD_PIXELS)
@pytest.mark.parametrize("memory", [2**30, 0], ids=["memory", "stream"])
def test_pixels_that_are_damaged_later_name_the_file_on_reading(root, case, memory, monkeypatch):
    monkeypatch.setattr("kzoo.data.examples.MEMORY", memory)
    fill(root, "test", "cat", [51])
    data = load(folder=root)
    (root / "test" / "cat" / "51.png").rename(root / "test" / "cat" / "bad.png")
    (root / "test" / "cat" / "51.png").write_bytes(BAD_PIXELS[case])
    with pytest.raises(Refusal, match="^load expects files that can be read; .*/51.png is damaged.$"), data.errors():
        list(data.test.once(5))


def test_what_is_no_regular_file_is_refused(root):
    bad = root / "train" / "cat" / "bad.png"
    for make in (os.mkfifo, lambda path: os.symlink("nowhere", path)):
        make(bad)
        with pytest.raises(Refusal, match=unreadable("train/cat/bad.png")):
            load(folder=root)
        bad.unlink()


def test_names_that_are_not_utf_8_are_refused(root):
    for place in (b"train/cat/\xff.png", b"train/cat/\xff.txt", b"train/\xff/a.png", b"\xff"):
        path = os.fsencode(root) + b"/" + place
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "wb").close()
        with pytest.raises(Refusal, match=r"load expects a path in UTF-8; received '.*\\udcff"):
            load(folder=root)
        os.remove(path)


def test_files_that_cannot_be_read_are_listed_by_what_is_wrong(root):
    for i in range(10):
        (root / "train" / "cat" / f"bad{i}.jpg").write_bytes(b"")
    (root / "train" / "ant" / "new.HEIC").write_bytes(HEIC)
    with pytest.raises(Refusal) as refused:
        load(folder=root)
    message = str(refused.value)
    assert message.startswith(f"load expects images that can be read in {root}; received 11 of 28 that cannot: ")
    assert "train/ant/new.HEIC (a HEIC or AVIF photo, which kzoo does not read: convert it to JPEG), " in message
    assert "train/cat/bad7.jpg and 2 more (not an image that can be read); data.skip_corrupt: true" in message


def test_files_that_cannot_be_read_are_skipped_on_request(root, capsys):
    before = load(folder=root, validation=4)
    (root / "train" / "cat" / "bad.png").write_bytes(encoded("PNG")[:-30])
    (root / "train" / "ant" / "new.heic").write_bytes(HEIC)
    data = load(folder=root, validation=4, skip_corrupt=True)
    reasons = "train/ant/new.heic (a HEIC or AVIF photo, which kzoo does not read: convert it to JPEG), "
    reasons += "train/cat/bad.png (not an image that can be read)"
    assert capsys.readouterr().err == f"{root.name}: skipped: 2 of the images cannot be read: {reasons}.\n"
    assert (data.train.size, data.validation.size, data.test.size) == (12, 4, 1)
    assert data.image_files.skipped.keys() == {"train/ant/new.heic", "train/cat/bad.png"}
    assert [data.fingerprint[key] == before.fingerprint[key] for key in ("train", "files")] == [True, False]
    (root / "train" / "ant" / "new.heic").unlink()
    assert load(folder=root, validation=4, skip_corrupt=True).fingerprint["files"] != data.fingerprint["files"]
    for file in (root / "test" / "cat").iterdir():
        file.write_bytes(b"")
    with pytest.raises(Refusal, match=r"images that can be read in each split and class .*without_images=\['test'\]"):
        load(folder=root, skip_corrupt=True)


def test_skip_corrupt_is_for_folders():
    with pytest.raises(Refusal, match="load expects skip_corrupt only for a folder; received skip_corrupt=True"):
        load("digits", skip_corrupt=True)


def test_mixed_photos_are_split_by_class(tmp_path, capsys):
    root = mixed_photos(tmp_path / "photos", 12)
    data = load(folder=root, image_size=(16, 16), resize="crop", validation=4, test=0.25, skip_corrupt=True)
    sizes = {name: np.bincount(split.numpy()[1]).tolist() for name, split in data.splits().items()}
    assert sizes == {"train": [6, 7], "validation": [2, 2], "test": [3, 3]}
    assert (data.input_shape, data.class_names, data.train.dtype) == ((16, 16, 3), ("china", "flower"), "uint8")
    assert "skipped: 1 of the images cannot be read: china/1.png" in capsys.readouterr().err
    names = [name for part in data.image_files.names.values() for name in part]
    assert len(set(names)) == len(names) == 23
    again = load(folder=root, image_size=(16, 16), resize="crop", test=0.25, skip_corrupt=True)
    assert again.image_files.names["test"].tolist() == data.image_files.names["test"].tolist()
    for part, names in data.image_files.names.items():
        for name, x in zip(names, data.splits()[part].numpy()[0]):
            expected = resize_images(tf.constant(read_image(root / name, 3)), (16, 16), "crop")
            np.testing.assert_array_equal(x, expected)
    assert data.image_files.sizes["train"].tolist() == [
        list(read_header(root / name).size) for name in data.image_files.names["train"]
    ]


def test_parts_of_class_folders_have_each_class(tmp_path):
    root = mixed_photos(tmp_path / "photos", 6)
    fewer = "validation of 2 to 9 examples, so that both parts have each class; received held_out=1"
    with pytest.raises(Refusal, match=fewer):
        load(folder=root, image_size=(8, 8), validation=1, skip_corrupt=True)
    with pytest.raises(Refusal, match="load expects test of 2 to 9 examples"):
        load(folder=root, image_size=(8, 8), test=1, skip_corrupt=True)


@pytest.fixture
def masked(tmp_path):
    """A folder of four photos and masks of three classes, whose left halves have class 1, and 255 at the border."""
    (tmp_path / "road" / "images").mkdir(parents=True)
    (tmp_path / "road" / "masks").mkdir()
    for i in range(4):
        Image.new("RGB", (8, 6), (i, 100, 200)).save(tmp_path / "road" / "images" / f"{i}.jpg")
        mask = np.zeros((6, 8), "uint8")
        mask[:, :4], mask[0, 7], mask[5] = 1, 2, 255
        image = Image.fromarray(mask, "P" if i % 2 else "L")
        if i % 2:
            image.putpalette(np.arange(768) % 256)
        image.save(tmp_path / "road" / "masks" / f"{i}.png")
    return tmp_path / "road"


@pytest.mark.parametrize("memory", [2**30, 0], ids=["memory", "stream"])
def test_masks_are_label_maps(masked, memory, monkeypatch):
    monkeypatch.setattr("kzoo.data.examples.MEMORY", memory)
    data = load(folder=masked, ignore_label=255, validation=1, test=1)
    assert (data.input_shape, data.classes, data.class_names) == ((6, 8, 3), 3, None)
    assert (data.train.size, data.validation.size, data.test.size) == (2, 1, 1)
    expected = np.zeros((6, 8, 1), "int32")
    expected[:, :4], expected[0, 7], expected[5] = 1, 2, 255
    for split in data.splits().values():
        for y in split.numpy()[1]:
            np.testing.assert_array_equal(y, expected)
    assert specs(folder=masked, ignore_label=255) == ((6, 8, 3), "uint8", 3)
    smaller = load(folder=masked, ignore_label=255, image_size=(9, 4), resize="pad").train.numpy()[1]
    assert smaller.shape == (4, 9, 4, 1) and set(smaller[:, 0].ravel()) == {255}
    before = data.fingerprint
    swap = [masked / "masks" / name for name in ("0.png", "1.png")]
    swap[0].write_bytes(swap[1].read_bytes())
    changed = load(folder=masked, ignore_label=255, validation=1, test=1).fingerprint
    assert changed["contents"] != before["contents"]


def test_masks_that_do_not_fit_are_refused(masked):
    with pytest.raises(Refusal, match="set ignore_label: 255 if it means unlabelled"):
        load(folder=masked)
    Image.new("L", (6, 8)).save(masked / "masks" / "2.png")
    sizes = r"masks of the sizes of their images; received masks/2.png .\(8, 6\) for an image of \(6, 8\)"
    with pytest.raises(Refusal, match=sizes):
        load(folder=masked, ignore_label=255)
    Image.new("RGB", (8, 6)).save(masked / "masks" / "2.png")
    colours = "received 1 of 8 that cannot: masks/2.png .an image of colours: save masks as grey levels or palette"
    with pytest.raises(Refusal, match=colours):
        load(folder=masked, ignore_label=255)
    assert load(folder=masked, ignore_label=255, skip_corrupt=True).train.size == 3
    for file in (masked / "masks").iterdir():
        Image.new("L", (8, 6), 255).save(file)
    Image.new("L", (8, 6), 0).save(file)
    with pytest.raises(Refusal, match="load expects labels 0 and 1 in masks: divide it by 255"):
        load(folder=masked)


def test_masks_that_are_damaged_later_name_the_file(masked):
    data = load(folder=masked, ignore_label=255)
    (masked / "masks" / "1.png").write_bytes(b"")
    with pytest.raises(Refusal, match="files that can be read; .*masks/1.png is damaged"), data.errors():
        data.train.preload()


def test_the_digests_cover_names_sizes_and_contents(root):
    digests = [load(folder=root).fingerprint["files"]]
    (root / "test" / "cat" / "50.png").rename(root / "test" / "cat" / "51.png")
    digests.append(load(folder=root).fingerprint["files"])
    fill(root, "train", "new", [1])
    data = load(folder=root)
    digests += [data.fingerprint["files"], load(folder=root).fingerprint["files"]]
    assert len(set(digests[:3])) == 3 and digests[2] == digests[3] and data.fingerprint["classes"] == 3
    file = root / "train" / "new" / "1.png"
    size = file.stat().st_size
    values = iter(range(2, 256))
    Image.new("L", (6, 4), next(values)).save(file)
    while file.stat().st_size != size:
        Image.new("L", (6, 4), next(values)).save(file)
    changed = load(folder=root)
    assert changed.fingerprint["files"] == digests[3]
    assert changed.fingerprint["contents"] != data.fingerprint["contents"]
