"""Several outputs in place of the last dense layer."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.heads import add_heads
from kzoo.models.registry import model


def test_outputs():
    """Each is its own dense layer on the same features."""
    one = model("mnist1d_cnn")
    two = add_heads(one, {"b": (3, "softmax"), "a": (2, "linear")})
    assert two.output_names == ["b", "a"] and two.name == "mnist1d_cnn" and "predictions" not in two.output_names
    x = np.random.default_rng(0).normal(size=(4, 40, 1)).astype("float32")
    features = keras.Model(one.input, one.get_layer("predictions").input)(x)
    b, a = two(x)
    kernel, bias = two.get_layer("a").get_weights()
    np.testing.assert_allclose(a, features @ kernel + bias, atol=1e-5)
    np.testing.assert_allclose(np.sum(b, -1), 1, atol=1e-6)
    assert two.get_layer("a").kernel_initializer.get_config() == one.layers[-1].kernel_initializer.get_config()
    assert two.count_params() == one.count_params() - 10 * (kernel.shape[0] + 1) + 5 * (kernel.shape[0] + 1)


def test_refused():
    with pytest.raises(Refusal, match="several outputs of nin_mnist expects a model whose last layer is dense"):
        add_heads(model("nin_mnist", width=0.1), {"a": (1, "linear")})
    with pytest.raises(Refusal, match=r"names that its layers do not have; received names=\['flatten'\]"):
        add_heads(model("mnist1d_cnn"), {"flatten": (1, "linear"), "a": (2, "linear")})
