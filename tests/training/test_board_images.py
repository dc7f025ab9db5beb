"""Images for TensorBoard, read back from its files."""

import random

import keras
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from kzoo.data.examples import Examples
from kzoo.figures import figure, save_figure
from kzoo.training.board_images import displayable, write_augmented_inputs, write_pictures
from tests.training.conftest import signals_config


def images(folder):
    """Returns {tag: (step, images)} of the event files in a folder."""
    found = {}
    for file in sorted(folder.glob("*tfevents*")):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                encoded = value.tensor.string_val[2:]  # after width and height
                found[value.tag] = event.step, [tf.io.decode_png(each).numpy() for each in encoded]
    return found


def test_inputs_are_augmented(arrays, tmp_path):
    """Each is one of the examples, inverted; random states stay, and a second call replaces the first."""
    x = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 3)).astype("uint8")
    train = Examples.from_arrays(x, np.arange(20) % 3)
    invert = "data.augment=[{class_name: Rescaling, config: {scale: -1.0, offset: 255.0}}]"
    config = signals_config(arrays, invert)
    states = random.getstate(), np.random.get_state()[1].tolist()
    for _ in range(2):
        write_augmented_inputs(config, keras.Sequential(), train, 0, tmp_path)
    assert states == (random.getstate(), np.random.get_state()[1].tolist())
    ((step, shown),) = images(tmp_path / "inputs").values()
    assert step == 0 and len(shown) == 16 and len(list((tmp_path / "inputs").iterdir())) == 1
    known = {each.tobytes() for each in 255 - x[:16]}
    assert {each.tobytes() for each in shown} == known


def test_signals_have_no_images(arrays, tmp_path):
    write_augmented_inputs(
        signals_config(arrays),
        keras.Sequential(),
        Examples.from_arrays(np.zeros((4, 12, 1)), np.arange(4)),
        0,
        tmp_path,
    )
    assert list(tmp_path.iterdir()) == []


def test_pictures(tmp_path):
    save_figure(figure(2, 1), tmp_path / "a.png")
    files = {"a": tmp_path / "a.png", "b": tmp_path / "none.png"}
    for _ in range(2):
        write_pictures(tmp_path / "board", files, 7)
    ((tag, (step, (shown,))),) = images(tmp_path / "board").items()
    assert (tag, step, shown.shape) == ("a", 7, (120, 240, 3)) and len(list((tmp_path / "board").iterdir())) == 1
    write_pictures(tmp_path / "no", {"b": tmp_path / "none.png"}, 7)
    assert not (tmp_path / "no").exists()


def test_ranges():
    assert displayable(np.array([0.0, 0.5])).tolist() == [0, 128]
    assert displayable(np.array([0.0, 100.0])).tolist() == [0, 100]
    assert displayable(np.array([-1.0, 1.0])).tolist() == [0, 255]
    assert displayable(np.array([3.0, -3.0, -3.0])).tolist() == [255, 0, 0]
    assert displayable(np.zeros(2)).tolist() == [0, 0]
