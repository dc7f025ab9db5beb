"""Gabor networks: fixed and trained weights, sizes, no response to a uniform image, and refusals."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.adapt import adapt
from kzoo.models.registry import model
from tests.models.cards import MNIST, Fit, shapes, trained

CARDS = {  # trained parameters, input, classes
    "gabor_net": (49 * 32 * 10 + 10, MNIST, 10),
    "gabor_net_trained": (8 * 32 + 49 * 32 * 10 + 10, MNIST, 10),
    "gabor_net_conv": (9 * 32 * 64 + 64 + 9 * 64 * 10 + 10, MNIST, 10),
}
FITS = {
    "gabor_net": Fit({"filters": 16, "input_shape": (16, 16, 1)}),
}


def test_the_bank_is_fixed_unless_told():
    kept = [weight.path for weight in model("gabor_net").trainable_weights]
    assert kept == ["predictions/kernel", "predictions/bias"]
    bank = [weight for weight in model("gabor_net_trained").trainable_weights if "gabor" in weight.path]
    assert len(bank) == 8 and all(weight.shape == (32,) for weight in bank)
    large, small = (trained(model("gabor_net_trained", kernel=kernel)) for kernel in (15, 7))
    assert large == small  # eight numbers a filter whatever the kernel's size


def test_sizes():
    built = model("gabor_net_conv")
    assert shapes(built, ["stage1", "stage2"]) == {"stage1": (7, 7, 32), "stage2": (3, 3, 64)}
    assert model("gabor_net", include_top=False, input_shape=(None, None, 3)).output_shape[-1] == 32


def test_contrast_counts_and_brightness_does_not():
    built = model("gabor_net", features="stage1", input_shape=(40, 40, 1), pool=4)
    x = np.random.default_rng(0).random((1, 40, 40, 1)).astype("float32")
    inner = (slice(None), slice(3, 7), slice(3, 7))  # the borders see zeros
    np.testing.assert_allclose(built(x + 1).numpy()[inner], built(x).numpy()[inner], rtol=1e-3)
    np.testing.assert_allclose(built(3 * x), 3 * built(x).numpy(), rtol=1e-4, atol=1e-5)


def test_simple_cells_are_rectified():
    built = model("gabor_net", energy=False, features="stage1_gabor")
    y = built(np.random.default_rng(0).normal(size=(1, 28, 28, 1))).numpy()
    assert y.min() == 0 and 0.3 < (y == 0).mean() < 0.7


def test_standardizes_its_maps():
    built = model("gabor_net", filters=6)
    x = np.random.default_rng(0).random((40, 28, 28, 1)).astype("float32")
    adapt(built, x)
    maps = keras.Model(built.inputs, built.get_layer("standardize").output)(x).numpy()
    np.testing.assert_allclose(maps.mean((0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(maps.std((0, 1, 2)), 1, atol=1e-3)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"pool": 0}, "pool"),
        ({"convolutions": (0,)}, "convolutions"),
        ({"dropout": 1}, "dropout"),
        ({"input_shape": (7, 28, 1), "convolutions": (8,)}, "sides of at least 8"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("gabor_net", **settings)
