"""Weights of a run whose preprocessing a new model does not have: a warning, and none where nothing is lost."""

import warnings

import keras
import numpy as np
import pytest

from kzoo.models.load_model import load_model
from kzoo.models.lost_preprocessing import preprocessing_in
from kzoo.models.registry import model

X = np.random.default_rng(0).integers(0, 256, (3, 40, 1)).astype("float32")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder whose model divides bytes by 255."""
    folder = tmp_path_factory.mktemp("run")
    inputs = keras.Input((40, 1), name="input")
    scaled = keras.layers.Rescaling(1 / 255, name="preprocess1")(inputs)
    model("mnist1d_cnn", input_tensor=scaled).save(folder / "model.keras")
    return folder


def test_features_of_raw_bytes_are_those_of_preprocessed_inputs(run):
    features = load_model(run, features=("stage1", "stage3"))
    with pytest.warns(UserWarning, match="is without the preprocessing of these weights, Rescaling, so its inputs"):
        bare = model("mnist1d_cnn", weights=run, features=("stage1", "stage3"))
    for found, expected, raw in zip(features(X), bare(X / 255), bare(X)):
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert np.abs(np.subtract(expected, raw)).max() > 1e-2  # it matters
    assert features.input_shape == (None, 40, 1) and len(features.output_shape) == 2


def test_the_warning(run, tmp_path, monkeypatch):
    with pytest.warns(UserWarning) as caught:
        model("mnist1d_cnn", weights=str(run))
    assert str(caught[0].message) == (
        f"model('mnist1d_cnn', weights='{run}') is without the preprocessing of these weights, Rescaling, so its "
        f"inputs must be preprocessed; kzoo.load_model('{run}'), which takes features too, keeps it."
    )
    assert caught[0].filename == __file__


def test_no_warning(run, tmp_path):
    built = model("mnist1d_cnn")
    built.save(tmp_path / "plain.keras")
    built.save_weights(tmp_path / "plain.weights.h5")
    with warnings.catch_warnings(action="error"):
        model("mnist1d_cnn", weights=tmp_path / "plain.keras")
        model("mnist1d_cnn", weights=tmp_path / "plain.weights.h5")
        model("mnist1d_cnn", weights="mnist1d")
        model("mnist1d_cnn", weights=run, input_tensor=keras.layers.Rescaling(1 / 255)(keras.Input((40, 1))))
    assert preprocessing_in("mnist1d_cnn", run) == ["Rescaling"]
