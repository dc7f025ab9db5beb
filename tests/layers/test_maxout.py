"""Maxout: the contract, the op with the layer's settings, after a dense layer, errors."""

import zipfile

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Maxout
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"Maxout": Case({"num_units": 4}, noise(2, 7, 8, 12))}


@pytest.mark.parametrize("cls", [Maxout])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("axis, units", [(-1, 3), (3, 2), (1, 2), (-2, 5)])
def test_passes_its_settings_to_the_op(axis, units):
    x = noise(2, 4, 5, 6)
    layer = Maxout(units, axis, "adjacent")
    same(layer(x), ops.maxout(x, units, axis, "adjacent"))
    assert layer(keras.Input((4, 5, 6))).shape[1:] == layer(x).shape[1:]


def test_after_a_dense_layer_is_the_largest_of_its_pieces():
    """Unit u has the columns u and u + 3, or 2 u and 2 u + 1."""
    dense, x = keras.layers.Dense(6, bias_initializer="random_normal"), noise(5, 3)
    model = keras.Sequential([keras.Input((3,)), dense])
    kernel, bias = dense.get_weights()
    for order, first, second in (("interleaved", np.s_[:3], np.s_[3:]), ("adjacent", np.s_[::2], np.s_[1::2])):
        want = np.maximum(x @ kernel[:, first] + bias[first], x @ kernel[:, second] + bias[second])
        same(Maxout(3, order=order)(model(x)), want)


def test_without_an_order_a_config_means_adjacent():
    """Which was the only order before there was the argument."""
    config = Maxout(2).get_config()
    assert config.pop("order") == "interleaved"
    assert Maxout.from_config(config)(np.array([[1.0, 3.0, 2.0, 0.0]])).numpy().tolist() == [[3, 2]]


def test_a_file_of_before_the_orders_means_adjacent(tmp_path):
    model = keras.Sequential([keras.Input((4,)), Maxout(2, name="maxout")])
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in new.namelist():
            data = new.read(name)
            if name == "config.json":
                data = data.replace(b', "order": "interleaved"', b"")
                assert data != new.read(name)
            old.writestr(name, data)
    x = np.array([[1.0, 3.0, 2.0, 0.0]])
    for file, want in (("new", [[2, 3]]), ("old", [[3, 2]])):
        loaded = keras.models.load_model(tmp_path / f"{file}.keras")
        loaded.save(tmp_path / "again.keras")
        for each in (loaded, keras.models.load_model(tmp_path / "again.keras")):
            assert each(x).numpy().tolist() == want


def test_integers_stay_integers():
    assert Maxout(1)(np.array([[3, 7]], "int32")).numpy().tolist() == [[7]]


def test_config_is_plain():
    config = Maxout(np.int64(4), np.int64(1)).get_config()
    assert type(config["num_units"]) is type(config["axis"]) is int


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"num_units": 0}, (1, 6), ["num_units, an integer above 0", "num_units=0"]),
        ({"num_units": 2.0}, (1, 6), ["num_units, an integer above 0", "num_units=2.0"]),
        ({"num_units": 4}, (1, 6), ["num_units that divides the channels", "num_units=4, channels=6"]),
        ({"num_units": 12}, (1, 6), ["num_units that divides the channels", "num_units=12, channels=6"]),
        ({"order": "pieces"}, (1, 6), ["order, one of ('interleaved', 'adjacent')", "order='pieces'"]),
        ({"axis": 0}, (1, 6), ["axis, that of the channels", "axis=0"]),
        ({"axis": -2}, (1, 6), ["axis, that of the channels", "axis=-2"]),
        ({"axis": 2}, (1, 6), ["axis, that of the channels", "axis=2", " 6)"]),
        ({"axis": 1.0}, (1, 6), ["axis, an integer", "axis=1.0"]),
        ({}, (1,), ["axis, that of the channels"]),
        ({}, (1, 5, None), ["a known number of channels", "(None, 5, None)"]),
        ({}, (1, 5, 0), ["num_units that divides the channels", "channels=0"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(Maxout, {"num_units": 2, **kwargs}, shape, *words)
