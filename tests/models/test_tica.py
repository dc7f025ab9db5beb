"""Topographic ICA: mixed sources are recovered, filters stay orthonormal, other weights stay, and refusals."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from kzoo.models.tica import tica


def test_finds_the_sources():
    """16 sparse sources, mixed by a rotation: with pools of one pixel the objective is that of ICA."""
    draw = np.random.default_rng(0)
    mixing = np.linalg.qr(draw.normal(size=(16, 16)))[0]
    x = (draw.laplace(size=(2000, 16)) @ mixing.T / 2**0.5).reshape(-1, 4, 4, 1)
    keras.utils.set_random_seed(0)
    small = {"filters": (16,), "kernel_sizes": (4,), "pool_size": 1, "pool_strides": 1, "epsilon": 1e-6}
    built = model("tied_cnn", **small, input_shape=(4, 4, 1))
    objective = tica(built, x, epochs=15, learning_rate=0.2)
    found = np.abs(built.get_layer("stage1_conv").kernel.numpy().reshape(16, 16).T @ mixing)
    assert found.max(1).min() > 0.95 and sorted(found.argmax(1)) == list(range(16))
    assert len(objective) == 15 and abs(objective[-1] - 16 * 0.5**0.5) < 0.4  # E |s| of each source


@pytest.mark.parametrize("name, stage, rate", [("tiled_cnn", 1, 0.05), ("tica_cnn", 2, 0.001)])
def test_all_else_stays(name, stage, rate):
    small = {"filters": (9, 9), "kernel_sizes": (3, 2), "input_shape": (12, 12, 1)}
    built = model(name, **small)
    conv = built.get_layer(f"stage{stage}_conv")
    built.get_layer("stage1_conv").trainable = stage == 1
    kept = [layer.trainable for layer in built.layers]
    before = {weight.path: weight.numpy() for weight in built.weights}
    x = np.random.default_rng(0).normal(size=(64, 12, 12, 1))
    objective = tica(built, x, stage, epochs=3, batch_size=16, learning_rate=rate)
    assert objective[-1] < objective[0]
    assert [weight.path for weight in built.weights if (weight.numpy() != before[weight.path]).any()] == [
        conv.kernel.path
    ]
    assert [layer.trainable for layer in built.layers] == kept and conv.kernel.constraint is None
    for w in conv.kernel.numpy().reshape(4, -1, 9):
        np.testing.assert_allclose(w.T @ w, np.eye(9), atol=1e-5)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"stage": 3}, "a stage of tiled_cnn, 1 to 2; received stage=3"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0.5}, "batch_size"),
        ({"learning_rate": 0}, "learning_rate"),
    ],
    ids=str,
)
def test_refused(settings, message):
    built = model("tiled_cnn", width=0.125)
    with pytest.raises(Refusal, match=message):
        tica(built, np.zeros((2, 32, 32, 3)), **settings)
    with pytest.raises(Refusal, match="at most 9 filters"):
        tica(model("tiled_cnn", kernel_sizes=(3, 3), input_shape=(32, 32, 1)), np.zeros((2, 32, 32, 1)))
