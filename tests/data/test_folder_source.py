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
