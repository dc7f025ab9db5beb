"""GoogLeNet: its shapes, block by block, the auxiliary heads, initial values, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import IMAGENET, Fit, check_start, check_uniform, shapes

CARDS = {  # trained parameters, input, classes
    "googlenet": (6_998_552, IMAGENET, 1000),
    "googlenet_auxiliary": (13_378_280, IMAGENET, 1000),
    "googlenet_torchvision": (6_624_904, IMAGENET, 1000),
}
FITS = {
    "googlenet": Fit({"width": 0.1, "dropout": 0.0, "input_shape": (33, 33, 3)}, slow=True),
}

SMALL = {"width": 0.1, "classes": 5}
BLOCKS = {  # output, parameters
    "stage3_block1": ((28, 28, 256), 163_696),
    "stage3": ((28, 28, 480), 388_736),
    "stage4_block1": ((14, 14, 512), 376_176),
    "stage4_block2": ((14, 14, 512), 449_160),
    "stage4_block3": ((14, 14, 512), 510_104),
    "stage4_block4": ((14, 14, 528), 605_376),
    "stage4": ((14, 14, 832), 868_352),
    "stage5_block1": ((7, 7, 832), 1_043_456),
    "stage5": ((7, 7, 1024), 1_444_080),
}
BRANCHES = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_project")


def test_blocks():
    built = sketch("googlenet")
    assert shapes(built, BLOCKS) == {name: shape for name, (shape, _) in BLOCKS.items()}
    for name, (_, parameters) in BLOCKS.items():
        assert sum(built.get_layer(f"{name}_{branch}").count_params() for branch in BRANCHES) == parameters
    assert shapes(built, ["stage1_conv", "stage1", "stage2"]) == {
        "stage1_conv": (112, 112, 64),
        "stage1": (56, 56, 64),
        "stage2": (28, 28, 192),
    }


def test_auxiliary_heads():
    built = sketch("googlenet_auxiliary")
    assert shapes(built, ["auxiliary1_pool", "auxiliary2_pool"]) == {
        "auxiliary1_pool": (4, 4, 512),
        "auxiliary2_pool": (4, 4, 528),
    }
    parts = ("conv", "fc")
    heads = [sum(built.get_layer(f"auxiliary{i}_{part}").count_params() for part in parts) for i in (1, 2)]
    assert [head + 1_025_000 for head in heads] == [3_188_840, 3_190_888]
    assert built.output_names == ["predictions", "auxiliary1", "auxiliary2"]


def test_initial_values():
    """The BVLC model: Caffe's "xavier", uniform within sqrt(3 / fan-in), and biases 0.2, 0 in classifiers."""
    layers = [layer for layer in model("googlenet_auxiliary", **SMALL, input_shape=(79, 79, 3)).layers if layer.weights]
    assert len(layers) == 57 + 1 + 2 * 3
    for layer in layers:
        limit = math.sqrt(3 / math.prod(layer.kernel.shape[:-1]))
        check_uniform(layer, limit, 0 if layer.name in ("predictions", "auxiliary1", "auxiliary2") else 0.2)


def test_torchvisions_initial_values():
    """Its code: kernels of all layers have a standard deviation of 0.01."""
    for layer in model("googlenet_torchvision", **SMALL).layers:
        if hasattr(layer, "kernel"):
            check_start(layer, 0.01)


def test_torchvisions_has_batch_norms():
    kinds = [type(layer).__name__ for layer in sketch("googlenet_torchvision").layers]
    assert kinds.count("BatchNormalization") == kinds.count("Conv2D") == 57
    assert "LocalResponseNormalization" not in kinds


@pytest.mark.parametrize("name, side", [("googlenet", 31), ("googlenet_auxiliary", 79)])
def test_the_smallest_input(name, side):
    assert model(name, input_shape=(side, side, 3), **SMALL)
    with pytest.raises(Refusal, match=f"sides of at least {side}"):
        model(name, input_shape=(side - 1, side, 3), **SMALL)


def test_auxiliary_heads_belong_to_the_top():
    with pytest.raises(Refusal, match="include_top"):
        model("googlenet_auxiliary", include_top=False)


def test_torchvisions_momentum_and_transformed_input():
    built = model("googlenet_torchvision", transform_input=True, **SMALL)
    norms = [layer for layer in built.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 57 and all((norm.momentum, norm.epsilon) == (0.9, 1e-3) for norm in norms)
    assert "transform_input" not in [layer.name for layer in model("googlenet_torchvision", **SMALL).layers]
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    bytes_scaled = x * (0.229, 0.224, 0.225) + (0.485, 0.456, 0.406)
    np.testing.assert_allclose(built.get_layer("transform_input")(x), bytes_scaled * 2 - 1, rtol=1e-5, atol=1e-6)
    with pytest.raises(Refusal, match="input_shape of 3 channels with transform_input"):
        model("googlenet_torchvision", transform_input=True, input_shape=(64, 64, 1), **SMALL)
