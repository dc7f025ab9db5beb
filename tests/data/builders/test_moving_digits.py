import hashlib
import sys

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.builders.digits import digits
from kzoo.data.builders.moving_digits import DIRECTIONS, SHAPES, STRAIGHT, clips, flow, moving_digits
from kzoo.data.loader import load, specs

VELOCITIES = np.array(list(DIRECTIONS.values()))


def test_clips_move_in_the_labeled_direction():
    x, y = moving_digits()["test"]
    assert x.shape == (1000, *SHAPES["clips"]) and set(y) == set(range(8))
    for clip, direction in zip(x[:50], y[:50]):
        for frame, later in zip(clip, clip[1:]):
            np.testing.assert_array_equal(np.roll(frame, VELOCITIES[direction], (0, 1)), later)


def test_positions_do_not_depend_on_the_direction():
    """In every frame positions are uniform, whatever the direction: the mean frame of each direction is flat."""
    x, y = moving_digits()["train"]
    for direction in range(8):
        for frame in (0, 7):
            mean = x[y == direction][:, frame].mean(axis=0)
            assert mean.min() > 0.2 * mean.mean() and mean.max() < 2 * mean.mean()


def test_splits_share_no_digits():
    for split, (x, _) in moving_digits().items():
        known = {image.sum() for image in digits()[split][0]}
        assert {frame.sum() for frame in x[:200, 0]} <= known


def test_clips_wrap_around():
    image = np.arange(1, 5, dtype="uint8").reshape(1, 2, 2, 1)
    made = clips(image, np.array([[0, 1]]), np.array([[2, 1]]), frames=2, field=3)
    assert made[0, 0, ..., 0].tolist() == [[0, 3, 4], [0, 0, 0], [0, 1, 2]]
    assert made[0, 1, ..., 0].tolist() == [[4, 0, 3], [0, 0, 0], [2, 0, 1]]


def test_frames_show_the_digit_but_not_the_direction():
    made = moving_digits("frame")["test"]
    assert made[0].shape == (1000, 48, 48, 1) and set(made[1]) == set(range(40))
    images, labels = digits()["test"]
    names = {image.sum(): set() for image in images}
    for image, label in zip(images, labels):
        names[image.sum()].add(label)
    assert all(label // 4 in names[frame.sum() // 9] for frame, label in zip(*made))


def test_the_data_never_change():
    x, y = moving_digits()["train"]
    assert hashlib.sha256(x.tobytes() + y.astype("uint8").tobytes()).hexdigest().startswith("79e4a07a")
    x, y = moving_digits("frame")["train"]
    assert hashlib.sha256(x.tobytes() + y.astype("uint8").tobytes()).hexdigest().startswith("43a584aa")


@pytest.mark.parametrize("velocity", [(0, 2), (-2, 0), (1, 1), (2, -1)])
def test_flow_is_the_velocity(velocity):
    pytest.importorskip("cv2")
    image = digits()["train"][0][:1].repeat(3, axis=1).repeat(3, axis=2)
    clip = clips(image, np.array([velocity]), np.array([[40, 40]]), frames=3, field=48)[0]  # across the edge
    found = flow(clip)
    assert found.shape == (48, 48, 4)
    inside = clip[1, ..., 0] > 4
    for channel, expected in enumerate([*velocity[::-1], *velocity[::-1]]):  # right, then down
        np.testing.assert_allclose(found[..., channel][inside], expected, atol=0.2)


def test_stacks_store_flow_in_bytes(monkeypatch):
    pytest.importorskip("cv2")
    monkeypatch.setattr("kzoo.data.builders.moving_digits.SIZES", {"train": 40, "test": 20})
    both, frames, flows = (moving_digits(config)["test"] for config in ("frame_and_flow", "frame", "flow"))
    np.testing.assert_array_equal(both[0][..., :1], frames[0])
    np.testing.assert_array_equal(both[0][..., 1:], flows[0])
    assert flows[0].dtype == np.uint8 and np.array_equal(flows[1], both[1])
    for stack, frame, label in zip(*flows[:1], frames[0], flows[1]):
        rows, columns = DIRECTIONS[STRAIGHT[label % 4]]
        moved = (np.median(stack[frame[..., 0] > 4], axis=0) - 128) / 32
        np.testing.assert_allclose(moved, [2 * columns, 2 * rows] * 3, atol=0.2)


def test_flow_needs_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(Refusal, match="OpenCV, which computes optical flow, .* pip install 'kzoo.flow.'"):
        load("moving_digits/flow")


def test_the_builder_keeps_values_and_order():
    data, made = load("moving_digits/frame"), moving_digits("frame")
    x, y = data.test.numpy()
    np.testing.assert_array_equal(x, made["test"][0])
    np.testing.assert_array_equal(y, made["test"][1])
    assert data.class_names[:5] == ("0 up", "0 right", "0 down", "0 left", "1 up")


def test_configs_by_name():
    assert specs("moving_digits") == specs("moving_digits/clips") == (SHAPES["clips"], "uint8", 8)
    assert specs("moving_digits/flow") == ((48, 48, 6), "uint8", 40)
    with pytest.raises(Refusal, match="BuilderConfig sound not found"):
        specs("moving_digits/sound")
