"""A folder of photos as a phone leaves it, from the command to train to the prediction of one of its files."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.example_reader import ExampleReader
from kzoo.data.loader import load
from kzoo.training.model_building import build_model
from kzoo.training.run import run
from kzoo.training.run_data import load_data
from tests.data.photos import mixed_photos
from tests.training.conftest import kill_after_an_epoch

SETS = ["model={name: nielsen_1b}", "training.epochs=2", "training.loss=SparseCategoricalCrossentropy"]


def photos_config(root, *sets):
    data = f"data={{folder: '{root}', image_size: [12, 12], validation: 0.25, test: 0.25, batch_size: 4, "
    data += "skip_corrupt: true, preprocess: [{class_name: Rescaling, config: {scale: 0.004}}]}"
    return read_config("small_vgg", [data, *SETS, "export.formats=[]", *sets])


@pytest.fixture
def root(tmp_path):
    return mixed_photos(tmp_path / "photos", 8)


@pytest.mark.large
def test_a_run_is_resumed_on_the_same_photos_only(root, tmp_path, monkeypatch, capsys):
    config = photos_config(root)
    _, whole = run(config, "whole", tmp_path)
    printed = capsys.readouterr().err
    assert "photos: skipped: 1 of the images cannot be read: china/1.png" in printed and "│ flower" in printed
    kill_after_an_epoch(monkeypatch, lambda: run(config, "killed", tmp_path))
    damaged = root / "flower" / "2.webp"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:50])
    with pytest.raises(
        Refusal, match="the data changed since .*: train 6 instead of 7, other files, other contents. Use"
    ):
        run(config, "killed", tmp_path)
    damaged.write_bytes(content)
    _, resumed = run(config, "killed", tmp_path)
    assert [resumed[split] for split in ("train", "validation", "test")] == [
        whole[split] for split in ("train", "validation", "test")
    ]
    damaged.write_bytes(content[:50])
    with pytest.raises(
        Refusal, match="received 2 of 16 that cannot: china/1.png, flower/2.webp .not an image that can"
    ):
        run(photos_config(root, "data.skip_corrupt=false"), "another", tmp_path)
    assert not (tmp_path / "another").exists() and not (tmp_path / ".another.partial").exists()


def test_a_photo_is_the_same_in_training_and_in_predictions(root):
    """Rotated by its Exif data, in any format and of any size."""
    data = load(folder=root, image_size=(12, 12), resize="pad", skip_corrupt=True)
    (names,), (x, _) = data.image_files.names.values(), data.train.numpy()
    assert "china/0.jpg" in names and len(names) == 15
    for name, image in zip(names, x):
        np.testing.assert_array_equal(ExampleReader("test", (12, 12, 3), "pad").read(root / name)[0], image)


def test_the_config_of_the_page_takes_images_and_masks(tmp_path, monkeypatch):
    """Of docs/photos.md."""
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "photos.md").read_text()
    [text] = re.findall(r"```yaml\n(.*?)```", page, flags=re.S)
    Path("masks.yaml").write_text(text)
    draw = np.random.default_rng(0)
    for index in range(10):
        for part, values in (("images", draw.integers(0, 256, (20, 24, 3))), ("masks", draw.integers(0, 3, (20, 24)))):
            path = Path("my_masks", part, f"{index}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype("uint8")).save(path)
    config = read_config("masks.yaml", [])
    data = load_data(config)
    built = build_model(config, data.input_shape, data.classes, data.train)
    assert {name: split.size for name, split in data.splits().items()} == {"train": 6, "validation": 2, "test": 2}
    assert built.output_shape == (None, 64, 64, 3)
