"""DeconvNet: its bottleneck, its transposed convolutions, odd sizes, and its smallest input."""

import keras
import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import IMAGENET, Fit, shapes

CARDS = {  # trained parameters, input, classes
    "deconvnet": (251_805_653, IMAGENET, 21),
}
FITS = {
    "deconvnet": Fit(
        {
            **{"encoder": ((16,), (32,)), "decoder": ((16,), (32, 16)), "bottleneck": 64},
            "input_shape": (25, 25, 3),
        },
        blocks=4,
        slow=True,
    ),
}
PIXELS = True  # outputs are maps of classes

SMALL = {"width": 0.05, "classes": 3}


def test_bottleneck_and_transposed_convolutions():
    built = sketch("deconvnet", **SMALL)
    assert shapes(built, ["fc6", "fc7", "unfc6"]) == {"fc6": (1, 1, 205), "fc7": (1, 1, 205), "unfc6": (7, 7, 26)}
    assert isinstance(built.get_layer("decode3_conv1"), keras.layers.Conv2DTranspose)


def test_starts_are_those_of_the_authors_files():
    """N(0, 0.01^2) from the deconvolution of fc6 on, each kernel drawn anew; batch norms shift by 0.001."""
    built = model("deconvnet", input_shape=(193, 193, 3), **SMALL)
    for name in ("unfc6", "decode5_conv1", "decode2_conv1", "logits"):
        kernel = np.asarray(built.get_layer(name).get_weights()[0])
        assert abs(kernel.std() / 0.01 - 1) < 4 / np.sqrt(2 * kernel.size), name
        assert np.abs(kernel).max() < 0.06 and not built.get_layer(name).get_weights()[1].any()
    first, second = (built.get_layer(f"decode5_conv{number}").get_weights()[0] for number in (1, 2))
    assert (first != second).any()
    np.testing.assert_array_equal(built.get_layer("unfc6_norm").beta, np.float32(0.001))


def test_odd_sizes():
    built = model("deconvnet", input_shape=(None, None, 3), **SMALL)
    y = built(np.random.default_rng(0).normal(size=(1, 193, 225, 3)).astype("float32")).numpy()
    assert y.shape == (1, 193, 225, 3)
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)


def test_refused():
    with pytest.raises(Refusal, match="sides of at least 193"):
        model("deconvnet", input_shape=(192, 224, 3), **SMALL)
    with pytest.raises(Refusal, match="as many stages"):
        model("deconvnet", decoder=((64,),), **SMALL)
    with pytest.raises(Refusal, match="bottleneck, an integer above 0"):
        model("deconvnet", bottleneck=None, **SMALL)
