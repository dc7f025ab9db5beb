"""Examples in files: images as in training, arrays of one example or many, and what is refused."""

import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.example_reader import ExampleReader

BYTES = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 1)).astype("uint8")


def read(file, shape, resize="stretch"):
    return ExampleReader("predict", shape, resize).read(file)


def refused(file, shape=(8, 6, 1)):
    with pytest.raises(Refusal, match="^predict") as caught:
        read(file, shape)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_images_are_read_like_training_data(tmp_path):
    """In their own depth, opaque and upright; the tests of `kzoo.data.image_file` cover the kinds of files."""
    deep = np.arange(24, dtype="uint16").reshape(4, 6) * 1000
    Image.fromarray(deep).save(tmp_path / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees clockwise
    Image.fromarray(deep.astype("uint8")).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "deep.png", (None, None, 1))[0, ..., 0], deep)
    turned = read(tmp_path / "turned.png", (6, 4, 1))
    np.testing.assert_array_equal(turned[0, ..., 0], np.rot90(deep.astype("uint8"), -1))
    assert turned.dtype == "float32"


def test_images_are_resized_as_in_training(tmp_path):
    Image.fromarray(np.arange(8, dtype="uint8").repeat(4).reshape(8, 4).T).save(tmp_path / "wide.png")
    assert read(tmp_path / "wide.png", (4, 4, 1), "crop")[0, 0, :, 0].tolist() == [2, 3, 4, 5]
    assert read(tmp_path / "wide.png", (4, 4, 3)).shape == (1, 4, 4, 3)  # grey as red, green and blue


def test_colours_become_grey(tmp_path):
    Image.new("RGB", (6, 8), (255, 0, 0)).save(tmp_path / "red.png")
    assert np.unique(read(tmp_path / "red.png", (8, 6, 1))).tolist() == [76]  # BT.601


@pytest.mark.parametrize(
    "shape, given",
    [
        ((8, 6, 1), (5, 8, 6, 1)),
        ((8, 6, 1), (5, 8, 6)),
        ((None, None, 1), (5, 8, 6)),
        ((8, 6, 1), (1, 8, 6)),
        ((48, 1), (5, 48)),
        ((240,), (1, 240)),
    ],
    ids=str,
)
def test_arrays_of_many_examples(tmp_path, shape, given):
    """Those of one channel need not have its axis, as in training."""
    values = BYTES.ravel()[: np.prod(given)].reshape(given)
    np.save(tmp_path / "x.npy", values)
    x = read(tmp_path / "x.npy", shape)
    assert x.shape[:1] == given[:1] and x.ndim == 1 + len(shape) and x.dtype == "float32"
    np.testing.assert_array_equal(x.ravel(), values.ravel())


@pytest.mark.parametrize("shape, given", [((8, 6, 1), (8, 6, 1)), ((8, 6, 1), (8, 6)), ((48, 1), (48,))], ids=str)
def test_one_example_is_a_batch_of_one(tmp_path, shape, given):
    np.save(tmp_path / "x.npy", BYTES[0].reshape(given))
    np.testing.assert_array_equal(read(tmp_path / "x.npy", shape), BYTES[:1].reshape(1, *shape))


def test_npz_files(tmp_path):
    np.savez(tmp_path / "one.npz", anything=BYTES)
    np.savez_compressed(tmp_path / "several.npz", x_train=BYTES + 1, y_test=np.zeros(5), x_test=BYTES)
    np.savez(tmp_path / "x.npz", y=np.zeros(5), x=BYTES)
    (tmp_path / "renamed.npy").write_bytes((tmp_path / "x.npz").read_bytes())
    for name in ("one.npz", "several.npz", "x.npz", "renamed.npy"):
        np.testing.assert_array_equal(read(tmp_path / name, (8, 6, 1)), BYTES)
    np.savez(tmp_path / "two.npz", a=BYTES, b=BYTES)
    assert "two.npz is no .npz file of examples: of several arrays one must be called x or x_test" in refused(
        tmp_path / "two.npz"
    )
    np.savez(tmp_path / "object.npz", x=np.array([{}]))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:-30])
    for name in ("object.npz", "cut.npz"):
        assert f"{name} is no .npz file of examples: " in refused(tmp_path / name)


@pytest.mark.parametrize("shape", [(4, 8), (4, 9, 6, 1), (0, 8, 6, 1), (4, 8, 6, 1, 1), (), (0,)], ids=str)
def test_arrays_of_other_shapes_are_refused(tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape))
    assert "predict expects an array of shape (N, 8, 6, 1), N above 0; received file=" in refused(tmp_path / "x.npy")


def test_dtypes(tmp_path):
    for dtype in ("uint8", "float64", "bool", "int32", "float16"):
        np.save(tmp_path / "x.npy", np.ones((2, 3), dtype))
        assert read(tmp_path / "x.npy", (3,)).dtype == "float32"
    np.save(tmp_path / "x.npy", np.full((2, 3), 1e300))
    assert np.isinf(read(tmp_path / "x.npy", (3,))).all()


def test_files_that_are_no_arrays(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((2, 3), "float16"))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    np.save(tmp_path / "complex.npy", np.ones(2, complex))
    np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "empty.npy").touch()
    (tmp_path / "junk.npy").write_bytes(b"junk" * 100)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-3])
    (tmp_path / "open.npy").write_bytes((tmp_path / "x.npy").read_bytes().replace(b"}", b"("))  # a tokenizer's error
    for name in ("text", "complex"):
        assert "one array of numbers in a .npy file" in refused(tmp_path / f"{name}.npy")
    for name in ("object", "empty", "junk", "cut", "open"):
        assert f"{name}.npy is neither an image nor a .npy array: " in refused(tmp_path / f"{name}.npy")
    assert refused(tmp_path / "none.npy").endswith("none.npy cannot be read: no such file or directory.")
    assert refused(tmp_path / "none.png").endswith("none.png cannot be read: no such file or directory.")


@pytest.mark.parametrize("name", ["x.png", "x.npy", "x.npz"])
def test_named_pipes_do_not_block(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert refused(tmp_path / name).endswith(f"{name} is no regular file.")
    assert refused(tmp_path).endswith(f"{tmp_path} is no regular file.")


def test_images_that_cannot_be_read(tmp_path, monkeypatch):
    (tmp_path / "bad.png").write_bytes(b"no image")
    assert refused(tmp_path / "bad.png").endswith("bad.png is not an image that can be read.")
    (tmp_path / "good.png").write_bytes(tf.io.encode_png(BYTES[0]).numpy())
    words = "expects .npy files for examples of shape (40, 1), which are not images"
    assert words in refused(tmp_path / "good.png", (40, 1))
    Image.new("RGB", (8, 8)).save(tmp_path / "it.bmp")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # more would fill the memory
    assert refused(tmp_path / "it.bmp").endswith("it.bmp is an image of more than 20 pixels.")
