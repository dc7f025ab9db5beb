"""Jarrett's models: sizes, a stage by its formulas, the second stage's table, fixed weights, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests import references
from tests.models.cards import Fit, shapes, trained

CARDS = {  # trained parameters, input, classes
    "jarrett": (417_894, (151, 151, 1), 102),
    "jarrett_one_stage": (26 * 26 * 64 * 102 + 102, (151, 151, 1), 102),
    "jarrett_trained": (5_184 + 331_776 + 64 + 256 + 417_894, (151, 151, 1), 102),
}
FITS = {
    "jarrett": Fit(
        {"width": 0.25, "kernel": 5, "pools": ((4, 2), (3, 2)), "normalization": 5, "input_shape": (28, 28, 1)},
        slow=True,
    ),
}

SMALL = {"filters": (4, 6), "kernel": 3, "pools": ((3, 2), (2, 1)), "connections": 2, "normalization": 3}


def test_card():
    """Sizes and weights of filters."""
    built = model("jarrett")
    sizes = {"normalize": 143, "stage1_conv": 135, "stage1_norm": 135, "stage1": 26, "stage2_conv": 18, "stage2": 4}
    assert {name: shape[0] for name, shape in shapes(built, sizes).items()} == sizes
    kernels = [built.get_layer(f"stage{stage}_conv").kernel for stage in (1, 2)]
    assert [math.prod(kernel.shape) for kernel in kernels] == [5_184, 331_776]
    assert built.get_layer("stage2").output.shape == (None, 4, 4, 256)
    table = built.get_layer("stage2_conv").table
    assert len(table) == 256 and all(len(set(maps)) == 16 for maps in table) and len(set(table)) > 250
    assert model("jarrett").get_layer("stage2_conv").table == table  # drawn once for all
    assert model("jarrett", input_shape=(91, 91, 1)).get_layer("stage2").output.shape == (None, 1, 1, 256)


@pytest.mark.parametrize("pool, reduce", [("average", np.mean), ("max", np.max)])
def test_a_stage_is_its_formulas(pool, reduce):
    """|g tanh(k * x)|, normalised over all maps, pooled; the normalization by a loop."""
    built = model("jarrett", **{**SMALL, "filters": (4,), "pools": ((3, 2),), "input_shape": (12, 12, 1), "pool": pool})
    gains = built.get_layer("stage1_gain")
    gains.set_weights([np.random.default_rng(1).normal(size=(1, 1, 4, 1))])
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 1)).astype("float32")
    y = references.local_contrast_normalization(x, ksize=3, padding="valid")
    y = np.tanh(references.conv(y, np.array(built.get_layer("stage1_conv").kernel)))
    y = np.abs(y * np.array(gains.kernel)[0, 0, :, 0])
    y = references.local_contrast_normalization(y, ksize=3)
    want = [[reduce(y[:, i : i + 3, j : j + 3], axis=(1, 2)) for j in range(0, 6, 2)] for i in range(0, 6, 2)]
    got = keras.Model(built.inputs, built.get_layer("stage1").output)(x)
    np.testing.assert_allclose(got, np.moveaxis(want, 2, 0), atol=1e-5)


def test_parts_may_be_left_out():
    x, small = np.random.default_rng(0).normal(size=(1, 20, 20, 1)), {**SMALL, "input_shape": (20, 20, 1)}
    plain = model("jarrett", **small, rectify=False, normalize=False, features=["stage1"])
    assert "stage1_norm" not in [layer.name for layer in plain.layers]
    assert np.min(plain(x)) < 0 <= np.min(model("jarrett", **small, normalize=False, features=["stage1"])(x))


def test_what_is_trained():
    small = {**SMALL, "input_shape": (20, 20, 1)}
    assert [w.path for w in model("jarrett", **small).trainable_weights] == ["predictions/kernel", "predictions/bias"]
    more = trained(model("jarrett", **small, trainable_filters=True)) - trained(model("jarrett", **small))
    assert more == 4 * 9 + 6 * 2 * 9 + 4 + 6  # filters and gains


def test_comes_back_from_a_file(tmp_path):
    built = model("jarrett", **SMALL, input_shape=(20, 20, 1))
    built.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 20, 20, 1)).astype("float32")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")(x), built(x), rtol=1e-5)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"pool": "mean"}, "pool, one of"),
        ({"pools": ((10, 5),)}, "for each of 2 stages"),
        ({"pools": ((10, 5), (0, 1))}, "pools, a list of integers above 0"),
        ({"connections": 0}, "connections"),
        ({"input_shape": (90, 151, 1)}, "sides of at least 91"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("jarrett", **settings)
