"""Samples of a config's data."""

import numpy as np

from kzoo.data.mock_data import mock
from kzoo.training import run_data
from kzoo.training.run_data import load_data, load_mock_data, sample, verification_data
from tests.training.conftest import signals_config


def test_sample():
    split = mock((2,), 3, size=5).test
    assert [len(part) for part in sample(split)] == [5, 5] and [len(part) for part in sample(split, 3)] == [3, 3]
    np.testing.assert_array_equal(sample(split, 3)[0], split.numpy()[0][:3])


def test_mock_data_has_the_shapes_of_the_data(arrays):
    data, like = load_data(signals_config(arrays)), load_mock_data(signals_config(arrays), 7)
    assert like.train.size == 7 and (like.input_shape, like.classes) == (data.input_shape, data.classes)


def test_verification_data(monkeypatch):
    data = mock((2,), 3, size=5, class_names=("a", "b", "c"))
    found = verification_data(data)
    assert found["examples"].shape == found["representative"].shape == (5, 2) and found["targets"].shape == (5,)
    assert found["labels"] == ("a", "b", "c") and found["images"] is False
    assert verification_data(mock((2,), 3, dtype="uint8"))["images"] is None  # decided by the model's input
    monkeypatch.setattr(run_data, "VERIFICATION_BYTES", 2 * 8)  # two examples of two numbers
    assert len(verification_data(data, *sample(data.test))["examples"]) == 2
