"""Feature extractors of models that hold others."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.feature_extractor import feature_extractor
from kzoo.models.registry import model

X = np.random.default_rng(0).normal(size=(2, 40, 1)).astype("float32")


def test_of_a_held_model():
    backbone = model("mnist1d_cnn", include_top=False)
    whole = keras.Sequential([backbone, keras.layers.Flatten(name="flat"), keras.layers.Dense(3)], name="whole")
    maps = feature_extractor(whole, ["flat", "stage2", "mnist1d_cnn/stage1", "stage2"])
    assert maps.name == "whole_features"
    want = feature_extractor(backbone, ["stage2", "stage1"])(X)
    got = maps(X)
    np.testing.assert_allclose(got[0], np.reshape(backbone(X), (2, -1)), rtol=1e-6)
    for a, b in zip(got[1:], [want[0], want[1], want[0]]):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    # the weights are shared
    backbone.set_weights([0 * w for w in backbone.get_weights()])
    assert not np.any(maps(X)[1])


def test_refused():
    whole = keras.Sequential([model("mnist1d_cnn", include_top=False), keras.layers.Flatten()], name="whole")
    with pytest.raises(Refusal, match="whole expects features, did you mean 'stage2'") as caught:
        feature_extractor(whole, "stage22")
    assert "\n" not in str(caught.value)
