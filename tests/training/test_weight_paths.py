"""Paths of weights, and the weights that patterns match."""

import keras
import pytest

from kzoo.checks import Refusal
from kzoo.training.weight_paths import match_weights, weight_paths


def test_paths():
    """Of nested models, of layers that hold layers, and not of frozen ones."""
    inputs = keras.Input((4, 2))
    both = keras.layers.Bidirectional(keras.layers.SimpleRNN(2, use_bias=False), name="both")
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="fc")], name="inner")
    frozen = keras.layers.Dense(3, name="frozen", trainable=False)
    x = keras.layers.BatchNormalization(name="norm")(frozen(inner(both(inputs))))
    paths = weight_paths(keras.Model(inputs, x))
    names = ("kernel", "recurrent_kernel")
    recurrent = [f"both/{way}_simple_rnn/simple_rnn_cell/{name}" for way in ("forward", "backward") for name in names]
    assert [*paths] == [*recurrent, "inner/fc/kernel", "inner/fc/bias", "norm/gamma", "norm/beta"]
    assert paths["inner/fc/bias"] is inner.layers[0].bias


def test_patterns():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="fc")])
    matched = match_weights(model, "training.rates", {"*bias": 2, "fc/*": 3, "fc/bias": 4})
    assert [(path, patterns) for path, _, patterns in matched] == [
        ("fc/kernel", ["fc/*"]),
        ("fc/bias", ["*bias", "fc/*", "fc/bias"]),
    ]
    assert matched[0][1] is model.layers[0].kernel
    with pytest.raises(Refusal) as caught:
        match_weights(model, "training.rates", ["fc/kernels"])
    assert str(caught.value) == "training.rates: 'fc/kernels' matches no trainable weight; did you mean 'fc/kernel'?"
