"""Label maps of a segmentation model: shares of the classes, and the files that `kzoo predict --maps` writes."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.cli import main
from kzoo.export.label_maps import MapWriter, class_colours, class_shares, encode_label_map, names_of_maps, resize_map
from kzoo.export.predict import predict
from kzoo.export.predictor import Predictor
from kzoo.export.record_writers import Target
from kzoo.training.predict_files import predict_files

COLOURS = np.round(255 * class_colours(3)[:, :3]).astype("uint8")


def segment(x):
    """Returns scores whose largest is that of class 2 where red is bright, else of class 0."""
    bright = (x[..., :1] > 100).astype("float32")
    return np.concatenate([1 - bright, 0 * bright, bright], -1)


def read(file):
    with Image.open(file) as image:
        return np.asarray(image)


@pytest.fixture
def photo(tmp_path):
    """A photo of 4 x 6 pixels whose right half is red."""
    pixels = np.zeros((4, 6, 3), "uint8")
    pixels[:, 3:, 0] = 200
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png", pixels


@pytest.mark.parametrize("size", [(None, None), (2, 2)], ids=["any size", "2 x 2"])
def test_maps_of_a_photo_have_its_size(photo, size, tmp_path):
    file, pixels = photo
    (found,) = predict(Predictor((*size, 3), None, segment), [file])
    MapWriter(tmp_path / "maps", [file]).write(file, None, found.output, found.classes)
    wanted = np.repeat([[0, 0, 0, 2, 2, 2]], 4, 0)
    numbers = np.load(tmp_path / "maps" / "photo.npy")
    np.testing.assert_array_equal(numbers, wanted)
    assert numbers.dtype == "uint8" and found.output.shape == tuple(n or m for n, m in zip(size, (4, 6)))
    with Image.open(tmp_path / "maps" / "photo.png") as palette:
        assert palette.mode == "P"
        np.testing.assert_array_equal(palette, wanted)
        np.testing.assert_array_equal(palette.convert("RGB"), COLOURS[wanted])
    overlay = read(tmp_path / "maps" / "photo_overlay.png")
    np.testing.assert_allclose(overlay, (pixels.astype(int) + COLOURS[wanted]) / 2, atol=1)


def test_more_classes_than_a_palette_holds(tmp_path):
    palette = np.random.default_rng(0).integers(0, 256, (257, 3)).astype("uint8")
    (tmp_path / "it.png").write_bytes(encode_label_map(np.array([[0, 256]]), palette))
    np.testing.assert_array_equal(read(tmp_path / "it.png"), palette[[[0, 256]]])


def test_examples_of_an_array_get_numbers(tmp_path):
    file = tmp_path / "x.npy"
    np.save(file, np.stack([np.zeros((3, 3, 3)), np.full((3, 3, 3), 255)]))
    writer = MapWriter(tmp_path / "maps", [file])
    for found in predict(Predictor((3, 3, 3), None, segment), [file]):
        writer.write(file, found.index, found.output, found.classes)
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["x_0.npy", "x_0.png", "x_1.npy", "x_1.png"]
    assert np.unique(np.load(tmp_path / "maps" / "x_1.npy")).tolist() == [2]
    with pytest.raises(Refusal, match="a folder without these maps, or --overwrite; received file="):
        MapWriter(tmp_path / "maps", [file])
    MapWriter(tmp_path / "maps", [tmp_path / "other.npy"])


def test_names_of_maps():
    def names(*paths):
        return list(names_of_maps([Path(path) for path in paths]).values())

    assert names("a/photo.png") == ["photo"]
    assert names("a/photo.png", "a/photo.bmp", "a/b.png") == ["photo.png", "photo.bmp", "b"]
    assert names("a/photo.png", "b/photo.png", "b/c/x.npy") == ["a/photo", "b/photo", "b/c/x"]
    assert names("a/b/photo.png", "a/b/../c/photo.png", os.path.abspath("a/x.png")) == ["b/photo", "c/photo", "x"]
    assert names("a.b/c.d.png") == ["c.d"] and names() == []


def test_maps_of_one_name_are_refused(photo, tmp_path):
    file, _ = photo
    twin = tmp_path / "photo_overlay.png"
    with pytest.raises(Refusal, match="predict --maps expects files whose maps have different names; received map="):
        MapWriter(tmp_path / "maps", [file, twin])
    writer = MapWriter(tmp_path / "maps", [tmp_path / "photo_0.png", tmp_path / "photo.npy"])
    (tmp_path / "photo_0.png").write_bytes(file.read_bytes())
    writer.write(tmp_path / "photo_0.png", None, np.zeros((4, 6), int), 2)
    with pytest.raises(Refusal, match="predict --maps expects files whose maps have different names; received map="):
        writer.write(tmp_path / "photo.npy", 0, np.zeros((4, 6), int), 2)


def test_existing_maps_are_kept_without_overwrite(photo, tmp_path):
    file, _ = photo
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "photo.png").write_text("mine")
    with pytest.raises(Refusal, match="predict --maps expects a folder without these maps, or --overwrite"):
        MapWriter(tmp_path / "maps", [file])
    assert (tmp_path / "maps" / "photo.png").read_text() == "mine"
    MapWriter(tmp_path / "maps", [file], overwrite=True).write(file, None, np.zeros((4, 6), "uint8"), 2)
    assert read(tmp_path / "maps" / "photo.png").shape == (4, 6)


def test_the_command(photo, tmp_path, capsys):
    """Of a model in a .keras file, whose maps of two sizes do not fit into one --out."""
    file, pixels = photo
    x = keras.Input((None, None, 3))
    model = keras.Model(x, keras.layers.Conv2D(2, 1, activation="softmax")(x))
    model.layers[-1].set_weights([np.float32([[[[0, 1], [0, 0], [0, 0]]]]), np.float32([100, 0])])
    model.save(tmp_path / "model.keras")
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(tmp_path / "model.keras"), str(file), "--maps", str(tmp_path / "maps"), "--json"])
    assert ended.value.code == 0
    assert [share["share"] for share in json.loads(capsys.readouterr().out)[0]["shares"]] == [0.5, 0.5]
    assert np.load(tmp_path / "maps" / "photo.npy")[0].tolist() == [0, 0, 0, 1, 1, 1]
    Image.fromarray(pixels[:2]).save(tmp_path / "small.png")
    target = Target("csv", tmp_path / "r.csv", tmp_path / "out.npy")
    with pytest.raises(Refusal, match="predict --out expects label maps of one size"):
        predict_files(tmp_path / "model.keras", [file, tmp_path / "small.png"], target)
    predict_files(tmp_path / "model.keras", [file], target)
    assert np.load(tmp_path / "out.npy").shape == (1, 4, 6)
    keras.Model(x, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling2D()(x))).save(tmp_path / "classes.keras")
    with pytest.raises(Refusal, match="predict --maps expects a model with a class for each pixel"):
        predict_files(tmp_path / "classes.keras", [file], target, maps=tmp_path / "maps", overwrite=True)


def test_shares_and_sizes():
    assert class_shares(np.array([[1, 1, 0]]), ["a", "b"], 5) == [
        {"class": 1, "label": "b", "share": 2 / 3},
        {"class": 0, "label": "a", "share": 1 / 3},
    ]
    assert resize_map(np.arange(6).reshape(2, 3), (1, 1)).tolist() == [[4]]
    assert resize_map(np.arange(4).reshape(2, 2), (4, 2)).tolist() == [[0, 1], [0, 1], [2, 3], [2, 3]]
