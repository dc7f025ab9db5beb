"""What the page opens: files with and without data, models of several inputs, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.source import resize_images
from kzoo.explore.open_session import open_session
from kzoo.training.look import find_subject
from kzoo.training.run import run


def test_a_model_without_data(tmp_path):
    net = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 3, name="a"), layers.GlobalMaxPooling2D()])
    net.save(tmp_path / "mine.keras")
    session = open_session(tmp_path / "mine.keras")
    assert session.shape == (128, 128, 3) and session.limits == (0, 1) and session.describe()["targets"] is None
    assert session.compute(session.example(0)).maps[1].shape == (4, 126, 126)
    np.save(tmp_path / "x.npy", np.ones((2, 9, 7, 3)))
    session = open_session(tmp_path / "mine.keras", [tmp_path / "x.npy"])
    assert session.shape == (9, 7, 3) and session.describe()["examples"] == 2


def test_data_of_models_of_several_inputs(seeds, tmp_path):
    x, y = keras.Input((4, 4, 1), name="frame"), keras.Input((4, 4, 1), name="flow")
    keras.Model([x, y], layers.Add()([x, y])).save(tmp_path / "pair.keras")
    frames, flows = seeds.normal(size=(2, 3, 4, 4, 1)).astype("float32")
    for name, values in (("frame", frames), ("flow", flows)):
        np.save(tmp_path / f"{name}.npy", values)
    opened = open_session(tmp_path / "pair.keras", [tmp_path / "frame.npy", tmp_path / "flow.npy"])
    np.testing.assert_array_equal(opened.others, [flows])
    assert not open_session(tmp_path / "pair.keras", [tmp_path / "frame.npy"]).others
    with pytest.raises(Refusal, match="^explore expects --data, one file or folder for each of 2 inputs, or one for"):
        open_session(tmp_path / "pair.keras", [tmp_path / "frame.npy"] * 3)


@keras.saving.register_keras_serializable("test_open_session")
class Subclassed(keras.Model):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


def saved(net, folder):
    net(np.zeros((1, 4, 4, 1)))
    net.save(folder / "it.keras")
    return folder / "it.keras"


def test_refused_data(tmp_path):
    """Messages name the command that reads the files."""
    net = keras.Sequential([keras.Input((4, 4, 2)), layers.GlobalMaxPooling2D()])
    net.save(tmp_path / "it.keras")
    np.save(tmp_path / "other.npy", np.ones((5, 5, 2)))
    for name in ("no.npy", "no.png"):
        (tmp_path / name).write_bytes(b"no array")
    (tmp_path / "empty").mkdir()
    for name, expected in [
        ("", "explore expects names of files and folders, not empty ones; received files=\\[''\\]"),
        (tmp_path / "missing", "explore expects existing files and folders"),
        (tmp_path / "empty", "explore expects a folder with"),
        (tmp_path / "other.npy", r"explore expects an array of shape \(N, 4, 4, 2\)"),
        (tmp_path / "no.npy", "explore: .*no.npy is neither an image nor a .npy array"),
        (tmp_path / "no.png", r"explore expects .npy files for examples of shape \(4, 4, 2\)"),
    ]:
        with pytest.raises(Refusal, match=f"^{expected}"):
            open_session(tmp_path / "it.keras", [name])


def test_one_of_several_outputs(tmp_path):
    x = keras.Input((4, 4, 1))
    keras.Model(x, [layers.Flatten()(x), layers.ReLU()(x)]).save(tmp_path / "two.keras")
    session = open_session(tmp_path / "two.keras")
    assert session.origin == "The file two.keras, the part that computes the first of its 2 outputs"


def test_images_are_resized_as_in_the_run(tmp_path, seeds):
    """Uploaded ones, and those of --data, here and in `kzoo look`."""
    x, y = seeds.integers(0, 256, (6, 4, 8, 1)).astype("uint8"), np.arange(6) % 2
    np.savez(tmp_path / "x.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    data = f"data={{arrays: {tmp_path / 'x.npz'}, batch_size: 6, image_size: [4, 4], resize: crop}}"
    sets = [data, "model.units=[2]", "training.epochs=1", "training.steps_per_epoch=1", "training.steps_per_call=1"]
    folder, _ = run(read_config("mnist1d_fc", [*sets, "export.formats=[]"]), "it", tmp_path / "runs")
    Image.fromarray(x[0, ..., 0]).save(tmp_path / "x.png")
    wanted = resize_images(tf.constant(x[0]), (4, 4), "crop").numpy()
    session = open_session(folder)
    np.testing.assert_array_equal(session.example(0), wanted)
    np.testing.assert_array_equal(session.upload((tmp_path / "x.png").read_bytes()), wanted)
    np.testing.assert_array_equal(open_session(folder, [tmp_path / "x.png"]).example(0), wanted)
    looked, _ = find_subject(folder, layer="flatten", data=[tmp_path / "x.png"])
    np.testing.assert_array_equal(looked.inputs[0], wanted)


def test_refusals(tmp_path):
    with pytest.raises(Refusal, match="a functional or built Sequential model; received model='Subclassed'"):
        open_session(saved(Subclassed(), tmp_path))
    with pytest.raises(Refusal, match="did you mean 'mnist1d_cnn'"):
        open_session("mnist1d_cn")
    (tmp_path / "bad.keras").write_bytes(b"no zip file")
    with pytest.raises(Refusal, match="bad.keras cannot be loaded"):
        open_session(tmp_path / "bad.keras")
