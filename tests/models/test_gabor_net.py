"""Gabor nets: what is fixed and what is trained, sizes, the even surface that gives nothing, and refusals."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.adapt import adapt
from kzoo.models.registry import model
from tests.models.cards import shapes, trained


def test_the_bank_is_fixed_unless_told():
    kept = [weight.path for weight in model("gabor_net").trainable_weights]
    assert kept == ["predictions/kernel", "predictions/bias"]
    bank = [weight for weight in model("gabor_net_trained").trainable_weights if "gabor" in weight.path]
    assert len(bank) == 8 and all(weight.shape == (32,) for weight in bank)
    large, small = (trained(model("gabor_net_trained", kernel=kernel)) for kernel in (15, 7))
    assert large == small  # eight numbers a filter whatever the kernel's size


def test_sizes():
    net = model("gabor_net_conv")
    assert shapes(net, ["stage1", "stage2"]) == {"stage1": (7, 7, 32), "stage2": (3, 3, 64)}
    assert model("gabor_net", include_top=False, input_shape=(None, None, 3)).output_shape[-1] == 32


def test_contrast_counts_and_brightness_does_not():
    net = model("gabor_net", features="stage1", input_shape=(40, 40, 1), pool=4)
    x = np.random.default_rng(0).random((1, 40, 40, 1)).astype("float32")
    inner = (slice(None), slice(3, 7), slice(3, 7))  # the borders see zeros
    np.testing.assert_allclose(net(x + 1).numpy()[inner], net(x).numpy()[inner], rtol=1e-3)
    np.testing.assert_allclose(net(3 * x), 3 * net(x).numpy(), rtol=1e-4, atol=1e-5)


def test_simple_cells_are_rectified():
    net = model("gabor_net", energy=False, features="stage1_gabor")
    y = net(np.random.default_rng(0).normal(size=(1, 28, 28, 1))).numpy()
    assert y.min() == 0 and 0.3 < (y == 0).mean() < 0.7


def test_standardizes_its_maps():
    net = model("gabor_net", filters=6)
    x = np.random.default_rng(0).random((40, 28, 28, 1)).astype("float32")
    adapt(net, x)
    maps = keras.Model(net.inputs, net.get_layer("standardize").output)(x).numpy()
    np.testing.assert_allclose(maps.mean((0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(maps.std((0, 1, 2)), 1, atol=1e-3)


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"pool": 0}, "pool"),
        ({"convolutions": (0,)}, "convolutions"),
        ({"dropout": 1}, "dropout"),
        ({"input_shape": (7, 28, 1), "convolutions": (8,)}, "sides of at least 8"),
    ],
    ids=str,
)
def test_refused(settings, told):
    with pytest.raises(Refusal, match=told):
        model("gabor_net", **settings)
