"""Examples from files: for one input and for several, no more than are needed, and what is refused."""

import re

import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.source import RESIZES
from kzoo.training.example_files import read_inputs


@pytest.fixture
def files(tmp_path):
    def save(**arrays):
        for name, x in arrays.items():
            np.save(tmp_path / f"{name}.npy", x)
        return [str(tmp_path / f"{name}.npy") for name in arrays]

    return save


def test_one_input_takes_the_files_one_after_the_other(files):
    data = files(a=np.zeros((2, 4, 1)), b=np.ones((3, 4, 1)))
    (x,) = read_inputs("look", [(4, 1)], data, 10)
    assert x[:, 0, 0].tolist() == [0, 0, 1, 1, 1]
    (x,) = read_inputs("look", [(4, 1)], data, 3)
    assert x[:, 0, 0].tolist() == [0, 0, 1]


def test_images_are_resized_as_in_training(tmp_path):
    pixels = np.arange(72, dtype="uint8").reshape(6, 12)
    Image.fromarray(pixels).save(tmp_path / "it.png")
    (x,) = read_inputs("look", [(6, 6, 1)], [tmp_path / "it.png"], 1, resize="crop")
    np.testing.assert_array_equal(x[0, ..., 0], pixels[:, 3:9])


def test_files_that_are_not_needed_are_not_read(files, tmp_path):
    data = files(a=np.zeros((2, 4, 1)))
    (tmp_path / "z.npy").write_text("damaged")
    assert len(read_inputs("look", [(4, 1)], [tmp_path], 2)[0]) == 2
    with pytest.raises(Refusal, match="^look: .*z.npy is neither an image"):
        read_inputs("look", [(4, 1)], [*data, tmp_path / "z.npy"], 3)
    for shape, path in (((5, 1), data[0]), ((4, 1), tmp_path / "none.npy"), ((4, 1), tmp_path / "x.png")):
        (tmp_path / "x.png").touch()
        with pytest.raises(Refusal, match="^look expects "):
            read_inputs("look", [shape], [path], 3)


def test_several_inputs(files):
    data = files(a=np.zeros((2, 4, 1)), b=np.ones((2, 3)))
    assert [x.shape for x in read_inputs("look", [(4, 1), (3,)], data, 9)] == [(2, 4, 1), (2, 3)]
    assert [x.shape for x in read_inputs("explore", [(4, 1), (3,)], data[:1], 9, first=True)] == [(2, 4, 1)]


def test_images_are_resized_as_asked(tmp_path, seeds):
    image = seeds.integers(0, 256, (6, 12, 3), "uint8")
    Image.fromarray(image).save(tmp_path / "x.png")
    found = {how: read_inputs("look", [(6, 6, 3)], [tmp_path], 9, resize=how)[0][0] for how in RESIZES}
    np.testing.assert_array_equal(found["crop"], image[:, 3:9])
    assert (found["pad"][:1] == 0).all() and not (found["stretch"] == found["crop"]).all()


@pytest.mark.parametrize(
    "shapes, arrays, words",
    [
        (
            [(4, 1), (3,)],
            {"a": np.ones((2, 4, 1))},
            "look expects --data, one file or folder for each of 2 inputs;",
        ),
        ([(4, 1), (3,)], {"a": np.ones((2, 4, 1)), "b": np.ones((1, 3))}, "look expects --data with as many examples"),
        ([(4, 1)], {"a": np.full((2, 4, 1), np.nan)}, "look expects --data of finite numbers; received file="),
        (
            [(None, 1)],
            {"a": np.ones((2, 4, 1)), "b": np.ones((2, 5, 1))},
            "look expects --data of one size, here (4, 1); received file=",
        ),
    ],
)
def test_refusals(files, shapes, arrays, words):
    with pytest.raises(Refusal, match="^" + re.escape(words)):
        read_inputs("look", shapes, files(**arrays), 9)
