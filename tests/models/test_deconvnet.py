"""DeconvNet: its bottleneck, its transposed convolutions, initial values, odd sizes, and its smallest input."""

import keras
import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import IMAGENET, Fit, check_start, shapes

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


def test_initial_values():
    """The authors' files: N(0, 0.01^2) from the second half of the bottleneck on, shifts of 0.001 in batch norms."""
    built = model("deconvnet", **SMALL)
    norms = [layer for layer in built.layers if isinstance(layer, keras.layers.BatchNormalization)]
    decoder = [layer for layer in built.layers if layer.name.startswith(("unfc6", "decode", "logits"))]
    convolutions = [layer for layer in decoder if hasattr(layer, "kernel")]
    assert len(convolutions) == 15 and len(norms) == 13 + 3 + 13
    for layer in convolutions:
        check_start(layer, 0.01)
    for layer in norms:
        np.testing.assert_allclose(layer.beta, 0.001, rtol=1e-6)


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
