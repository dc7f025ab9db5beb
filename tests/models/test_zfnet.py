"""ZFNet: the shapes of its card, the order of its first layers, initial values, limits of filters, smallest input."""

import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import IMAGENET, Fit, check_start, shapes

CARDS = {  # trained parameters, input, classes
    "zfnet": (62_357_608, IMAGENET, 1000),
}
FITS = {
    "zfnet": Fit(
        {"width": 0.3, "fc_units": (64, 64), "dropout": 0.0, "input_shape": (47, 47, 3)},
        rate=0.001,
        noise=100,
        slow=True,
    ),
}

SMALL = {"width": 0.1, "fc_units": (16, 16), "classes": 5}


def test_shapes():
    got = shapes(sketch("zfnet"), ["stage1_conv", "stage1", "stage2_conv", "stage2", "stage5"])
    assert [shape[0] for shape in got.values()] == [110, 55, 26, 13, 6]


def test_pools_before_it_normalizes():
    order = [layer.name for layer in model("zfnet", **SMALL).layers if layer.name.startswith("stage1")]
    assert order == ["stage1_conv", "stage1_pad", "stage1", "stage1_norm"]


def test_initial_values():
    """Section 3: all weights 10^-2, all biases 0."""
    layers = [layer for layer in model("zfnet", **SMALL).layers if layer.weights]
    assert len(layers) == 8
    for layer in layers:
        check_start(layer, 0.01)


def test_filters_of_convolutions_are_limited():
    """Section 3: filters whose RMS exceeds 10^-1 are scaled to it."""
    built = model("zfnet", **SMALL)
    for layer in built.layers:
        if "conv" in layer.name or layer.name in ("stage3", "stage4"):
            kernel = np.random.default_rng(0).normal(size=layer.kernel.shape).astype("float32")
            kernel[..., 0] /= 100
            limited = np.array(layer.kernel_constraint(kernel))
            rms = np.sqrt(np.mean(limited**2, (0, 1, 2)))
            np.testing.assert_allclose(rms[1:], 0.1, rtol=1e-5)
            np.testing.assert_array_equal(limited[..., 0], kernel[..., 0])
    assert built.get_layer("fc6").kernel_constraint is None


def test_removals():
    names = [layer.name for layer in sketch("zfnet", **SMALL, remove=(3, 4, 6, 7)).layers if layer.weights]
    assert names == ["stage1_conv", "stage2_conv", "stage5_conv", "predictions"]


def test_the_smallest_input():
    assert model("zfnet", input_shape=(47, 47, 3), **SMALL).get_layer("stage5").output.shape[1:3] == (1, 1)
    with pytest.raises(Refusal, match="sides of at least 47"):
        model("zfnet", input_shape=(47, 46, 3), **SMALL)
    with pytest.raises(Refusal, match="remove, a list of layers"):
        model("zfnet", remove=(5,), **SMALL)
