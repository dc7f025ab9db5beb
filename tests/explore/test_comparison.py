"""Two models on one page: their inputs have to be the same."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.explore.comparison import check_same_inputs, open_sessions
from kzoo.explore.session import Session


def session(name, shape=(8, 8, 1), examples=None):
    net = keras.Sequential([keras.Input(shape), keras.layers.Conv2D(2, 3)])
    return Session(net, examples=examples, name=name)


def test_two_models_of_the_zoo_have_the_same_examples():
    sessions = open_sessions(["mnist1d_tiled", "mnist1d_cnn"])
    assert [one.name for one in sessions] == ["mnist1d_tiled", "mnist1d_cnn"]
    np.testing.assert_array_equal(sessions[0].example(7), sessions[1].example(7))


def test_another_shape_is_refused(tmp_path):
    for side in (8, 9):
        session("", (8, side, 1)).model.save(tmp_path / f"{side}.keras")
    with pytest.raises(
        Refusal, match=r"the same shape; received 8.keras with \(8, 8, 1\) and 9.keras with \(8, 9, 1\)\.$"
    ):
        open_sessions([tmp_path / "8.keras", tmp_path / "9.keras"])


def test_another_range_is_refused():
    small = np.linspace(0, 1, 64).reshape(1, 8, 8, 1)
    check_same_inputs([session("a", examples=small), session("b", examples=small * 1.2 - 0.1)])
    with pytest.raises(Refusal, match="the same range; --data gives both the same; received a with 0 to 1 and b with "):
        check_same_inputs([session("a", examples=small), session("b", examples=small * 255)])
