"""SPP-net: a fixed length from any size, response normalization, initial values, other pyramids, and refusals."""

import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import WHOLE, Fit, check_start, shapes, trained

CARDS = {  # trained parameters, input, classes
    "spp_zf5": (77_037_672, (None, None, 3), 1000),
    "spp_overfeat5": (132_268_648, (None, None, 3), 1000),
    "spp_overfeat7": (136_988_264, (None, None, 3), 1000),
}
FITS = {
    "spp_zf5": Fit(
        {"width": 0.1, **WHOLE, "kernel_initializer": "glorot_uniform", "input_shape": (39, 39, 3)},
        rate=0.001,
        slow=True,
    ),
}

SMALL = {"width": 0.05, "fc_units": (8, 8), "classes": 5}


@pytest.mark.parametrize("name, side", [("spp_zf5", 13), ("spp_overfeat5", 18), ("spp_overfeat7", 18)])
def test_maps(name, side):
    built = model(name, **{**SMALL, "input_shape": (224, 224, 3)})
    last = max(layer.name for layer in built.layers if layer.name.startswith("stage"))
    assert shapes(built, [last])[last][:2] == (side, side)


def test_any_size():
    built = model("spp_zf5", **SMALL)
    for size in ((39, 39), (180, 224), (101, 57)):
        y = built(np.zeros((1, *size, 3), "float32"))
        assert tuple(y.shape) == (1, 5)
    assert built.get_layer("pyramid").output.shape == (None, 50 * 13)


def test_normalizes_within_channels_before_it_pools():
    """The authors' ZF-5: norm_region WITHIN_CHANNEL, local_size 3, alpha 5e-5, beta 0.75; Caffe's k is 1."""
    built = model("spp_zf5", **SMALL)
    order = [layer.name for layer in built.layers if layer.name.startswith("stage2")]
    assert order == ["stage2_conv", "stage2_norm", "stage2_pad", "stage2"]
    x = 100 * np.random.default_rng(0).normal(size=(1, 5, 6, 2)).astype("float32")
    squares = np.pad(x**2, ((0, 0), (1, 1), (1, 1), (0, 0)))
    sums = sum(squares[:, i : i + 5, j : j + 6] for i in range(3) for j in range(3))
    for stage in (1, 2):
        norm = built.get_layer(f"stage{stage}_norm")
        np.testing.assert_allclose(norm(x), x * (1 + 5e-5 / 9 * sums) ** -0.75, rtol=1e-5)


def test_initial_values():
    """The authors' ZF-5: N(0, 0.01^2), biases 1 except in the first and third convolution."""
    layers = [layer for layer in model("spp_zf5", **SMALL).layers if layer.weights]
    assert len(layers) == 8
    for layer in layers:
        check_start(layer, 0.01, 0 if layer.name in ("stage1_conv", "stage3") else 1)


def test_fewer_bins():
    assert trained(sketch("spp_zf5", bins=(4, 3, 2, 1))) == 56_066_152


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"base": "zf55"}, "did you mean 'zf5'"),
        ({"bins": ()}, "bins"),
        ({"bins": (0,)}, "bins"),
        ({"dropout": 1}, "dropout"),
        ({"input_shape": (38, 60, 3)}, "sides of at least 39"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("spp_zf5", **{**SMALL, **settings})
