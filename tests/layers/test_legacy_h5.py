"""Keras's `load_weights` of legacy .h5 files converts the weights of layers that have `own_weights`."""

import h5py
import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.layers.legacy_h5 import own_values
from kzoo.layers.locally_connected import LocallyConnected1D


def nested():
    inner = keras.Sequential([keras.Input((5, 1)), LocallyConnected1D(2, 3, name="local")], name="inner")
    return keras.Sequential([keras.Input((5, 1)), inner, keras.layers.Conv1D(1, 2, name="last")])


def store_kernel(file, shape):
    """Stores the kernel of the layer `local` as an array of another shape, with the same numbers."""
    with h5py.File(file, "r+") as store:
        group = store["model_weights/inner"]
        name = group.attrs["weight_names"][0]
        kernel = np.resize(np.asarray(group[name]), shape)
        del group[name]
        group[name] = kernel


def test_layers_within_models(tmp_path):
    """A legacy file holds a nested model as one layer."""
    model, saved = nested(), nested()
    saved.save(tmp_path / "own.h5")
    store_kernel(tmp_path / "own.h5", (3, 3, 2))  # positions, taps, filters
    model.load_weights(tmp_path / "own.h5")
    assert all(map(np.array_equal, model.get_weights(), saved.get_weights()))


def test_kernels_that_do_not_fit(tmp_path):
    """They are refused by the layer that would convert them, or skipped as Keras skips weights that do not fit."""
    model, saved = nested(), nested()
    saved.save(tmp_path / "own.h5")
    store_kernel(tmp_path / "own.h5", (7, 3, 2))
    with pytest.raises(Refusal, match=r"LocallyConnected1D expects a kernel of shape .* received shape=\(7, 3, 2\)"):
        model.load_weights(tmp_path / "own.h5")
    before = model.get_weights()[0]
    with pytest.warns(UserWarning, match="mismatch in shape"):
        model.load_weights(tmp_path / "own.h5", skip_mismatch=True)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    np.testing.assert_array_equal(model.get_weights()[2], saved.get_weights()[2])


def test_other_values_stay():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    values = [np.ones((5, 5)), np.ones(1)]
    assert own_values(layer, layer.weights, values) == values
