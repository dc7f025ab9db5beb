"""Label maps of a segmentation model: shares of the classes, and the files that `kzoo predict --maps` writes."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.cli import main
from kzoo.export.label_maps import MapWriter, class_colours, class_shares, resize_map
from kzoo.export.predict import Predictor, predict, predictions_table
from kzoo.training.model_lookup import predict_files

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
    records, outputs = predict(Predictor((*size, 3), ["sky", "tree", "road"], segment), [file], maps=tmp_path / "maps")
    wanted = np.repeat([[0, 0, 0, 2, 2, 2]], 4, 0)
    assert records[0]["shares"] == [
        {"class": 0, "label": "sky", "share": 0.5},
        {"class": 2, "label": "road", "share": 0.5},
    ]
    found = np.load(tmp_path / "maps" / "photo.npy")
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == "uint8" and outputs[0].shape == (1, *[n or m for n, m in zip(size, (4, 6))])
    coloured, overlay = (read(tmp_path / "maps" / f"photo{end}.png") for end in ("", "_overlay"))
    np.testing.assert_array_equal(coloured, COLOURS[wanted])
    np.testing.assert_allclose(overlay, (pixels.astype(int) + COLOURS[wanted]) / 2, atol=1)


def test_examples_of_an_array_get_numbers(tmp_path):
    x = np.zeros((2, 3, 3, 3), "float32")
    x[1] = 255
    np.save(tmp_path / "x.npy", x)
    records, _ = predict(Predictor((3, 3, 3), None, segment), [tmp_path / "x.npy"], maps=tmp_path / "maps")
    assert [record["shares"][0]["class"] for record in records] == [0, 2]
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert names == ["x_0.npy", "x_0.png", "x_1.npy", "x_1.png"]
    assert predictions_table(records).columns[1].header == "1."


def test_files_of_one_stem_keep_their_suffix(photo, tmp_path):
    file, _ = photo
    (tmp_path / "photo.bmp").write_bytes(file.read_bytes())
    writer = MapWriter(tmp_path / "maps", [file, tmp_path / "photo.bmp"])
    assert [writer.names[path] for path in writer.names] == ["photo.png", "photo.bmp"]
    (tmp_path / "deep").mkdir()
    with pytest.raises(Refusal, match="predict --maps expects files of different names; received name='photo.png'"):
        MapWriter(tmp_path / "maps", [file, tmp_path / "deep" / "photo.png"])


def test_existing_maps_are_kept_without_overwrite(photo, tmp_path):
    file, _ = photo
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "photo.png").write_text("mine")
    predictor = Predictor((None, None, 3), None, segment)
    with pytest.raises(Refusal, match="predict --maps expects a folder without these maps, or --overwrite"):
        predict(predictor, [file], maps=tmp_path / "maps")
    assert (tmp_path / "maps" / "photo.png").read_text() == "mine"
    predict(predictor, [file], maps=tmp_path / "maps", overwrite=True)
    assert read(tmp_path / "maps" / "photo.png").shape == (4, 6, 3)


def test_refusals(photo, tmp_path):
    file, _ = photo
    with pytest.raises(Refusal, match="predict --maps expects a model with a class for each pixel"):
        predict(Predictor((None, None, 3), None, lambda x: np.ones((len(x), 4))), [file], maps=tmp_path / "maps")
    for outputs in (np.ones((1, 4, 6, 1)), np.ones((1, 4, 6))):
        with pytest.raises(Refusal, match="predict expects a classifier, or a model with a class for each pixel"):
            predict(Predictor((None, None, 3), None, lambda x, outputs=outputs: outputs), [file])


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
    with pytest.raises(Refusal, match="predict --out expects label maps of one size"):
        predict_files(tmp_path / "model.keras", [file, tmp_path / "small.png"], out=tmp_path / "out.npy")
    predict_files(tmp_path / "model.keras", [file], out=tmp_path / "out.npy")
    assert np.load(tmp_path / "out.npy").shape == (1, 4, 6)


def test_shares_and_sizes():
    assert class_shares(np.array([[1, 1, 0]]), ["a", "b"], 5) == [
        {"class": 1, "label": "b", "share": 2 / 3},
        {"class": 0, "label": "a", "share": 1 / 3},
    ]
    assert resize_map(np.arange(6).reshape(2, 3), (1, 1)).tolist() == [[4]]
    assert resize_map(np.arange(4).reshape(2, 2), (4, 2)).tolist() == [[0, 1], [0, 1], [2, 3], [2, 3]]
