"""AlexNet: shapes, removals, order of layers, initial values, and refusals."""

import math

import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import IMAGENET, WIDE, Fit, assert_drawn_apart, check_start, check_uniform, shapes, trained

CARDS = {  # trained parameters, input, classes
    "alexnet": (60_965_224, WIDE, 1000),
    "alexnet_dense": (62_378_344, WIDE, 1000),
    "alexnet_one_tower": (61_100_840, WIDE, 1000),
    "alexnet_torchvision": (61_100_840, IMAGENET, 1000),
}
FITS = {
    "alexnet": Fit(
        {"width": 0.3, "fc_units": (64, 64), "dropout": 0.0, "input_shape": (39, 39, 3)},
        rate=0.0005,
        noise=100,
        slow=True,
    ),
}

SMALL = {"width": 0.1, "fc_units": (16, 16), "classes": 5}
REMOVED = {  # the layers removed: trained parameters
    "alexnet": {(7,): 44_183_912, (6, 7): 11_551_080, (3, 4): 59_268_712, (3, 4, 6, 7): 9_854_568},
    "alexnet_dense": {(7,): 45_597_032, (6, 7): 12_964_200, (3, 4): 59_870_824, (3, 4, 6, 7): 10_456_680},
    "alexnet_one_tower": {(7,): 44_319_528, (6, 7): 11_686_696, (3, 4): 59_404_456, (3, 4, 6, 7): 9_990_312},
}


@pytest.mark.parametrize(
    "name, removed, left", [(name, removed, left) for name, rows in REMOVED.items() for removed, left in rows.items()]
)
def test_removals(name, removed, left):
    assert trained(sketch(name, remove=removed)) == left


@pytest.mark.parametrize("units, left", [(2048, 27_455_848), (8192, 153_149_800)])
def test_hidden_layers_of_another_size(units, left):
    assert trained(sketch("alexnet", fc_units=(units, units))) == left


@pytest.mark.parametrize(
    "name, filters",
    [
        ("alexnet", (96, 256, 384, 384, 256)),
        ("alexnet_one_tower", (64, 192, 384, 256, 256)),
        ("alexnet_torchvision", (64, 192, 384, 256, 256)),
    ],
)
def test_shapes(name, filters):
    got = shapes(sketch(name), ["stage1_conv", "stage2_conv", *(f"stage{i}" for i in range(1, 6))])
    sizes = {"stage1_conv": 55, "stage2_conv": 27, "stage1": 27, "stage2": 13, "stage3": 13, "stage4": 13, "stage5": 6}
    assert got == {label: (size, size, filters[int(label[5]) - 1]) for label, size in sizes.items()}


def test_the_towers_meet_in_the_third_layer():
    built = model("alexnet", **SMALL)
    groups = {layer.name: layer.groups for layer in built.layers if hasattr(layer, "groups")}
    assert groups == {"stage1_conv": 1, "stage2_conv": 2, "stage3": 1, "stage4": 2, "stage5_conv": 2}


def test_order_of_the_first_layers():
    def order(name):
        return [layer.name for layer in model(name, **SMALL).layers if layer.name.startswith("stage1")]

    assert order("alexnet") == ["stage1_conv", "stage1_norm", "stage1_pad", "stage1"]
    assert order("alexnet_one_tower") == ["stage1_conv", "stage1_norm", "stage1_relu", "stage1_pad", "stage1"]
    assert order("alexnet_torchvision") == ["stage1_conv", "stage1"]


def test_dropout_behind_the_hidden_layers_or_before():
    def order(name):
        return [layer.name for layer in model(name, **SMALL).layers if layer.name.startswith("fc")]

    assert order("alexnet") == ["fc6", "fc6_dropout", "fc7", "fc7_dropout"]
    assert order("alexnet_torchvision") == ["fc6_dropout", "fc6", "fc7_dropout", "fc7"]


@pytest.mark.parametrize(
    "name, kept, mean", [("alexnet", 1, 0.5), ("alexnet_one_tower", 1, 0.5), ("alexnet_torchvision", 2, 1)]
)
def test_dropout_scales_where_its_source_does(name, kept, mean):
    """The paper multiplies outputs by 0.5 at tests, as cuda-convnet2's dropout2 does; PyTorch scales in training."""
    dropout = model(name, **SMALL).get_layer("fc7_dropout")
    x = np.ones((2, 50), "float32")
    assert set(np.unique(dropout(x, training=True))) == {0, kept} and (np.asarray(dropout(x)) == mean).all()


@pytest.mark.parametrize(
    "name, deviation, last", [("alexnet", 0.01, 0), ("alexnet_dense", 0.01, 0), ("alexnet_one_tower", 0.03, -7)]
)
def test_initial_values(name, deviation, last):
    """The paper's, and of the single tower those of cuda-convnet2's layers-imagenet-1gpu.cfg."""
    biases = {"stage1_conv": 0, "stage2_conv": 1, "stage3": 0, "stage4": 1, "stage5_conv": 1, "fc6": 1, "fc7": 1}
    built = model(name, **SMALL)
    for label, bias in {**biases, "predictions": last}.items():
        check_start(built.get_layer(label), deviation if label in ("stage3", "stage4", "stage5_conv") else 0.01, bias)
    assert_drawn_apart(*[built.get_layer(label) for label in biases])


def test_torchvisions_initial_values():
    """PyTorch's: uniform within 1 / sqrt(fan-in)."""
    for layer in model("alexnet_torchvision", **SMALL).layers:
        if layer.weights:
            check_uniform(layer, 1 / math.sqrt(math.prod(layer.kernel.shape[:-1])))


@pytest.mark.parametrize("name, alpha", [("alexnet", 1e-4), ("alexnet_one_tower", 1e-4 / 5)])
def test_response_normalization(name, alpha):
    """The paper's formula; cuda-convnet2 divides its scale of 1e-4 by the size of 5."""
    x = 100 * np.random.default_rng(0).normal(size=(1, 2, 2, 9)).astype("float32")
    sums = sum(np.pad(x**2, ((0, 0),) * 3 + ((2, 2),))[..., i : i + 9] for i in range(5))
    built = model(name, **SMALL)
    for stage in (1, 2):
        norm = built.get_layer(f"stage{stage}_norm")
        np.testing.assert_allclose(norm(x), x * (2 + alpha * sums) ** -0.75, rtol=1e-5)


@pytest.mark.parametrize("name, side", [("alexnet", 39), ("alexnet_one_tower", 39), ("alexnet_torchvision", 63)])
def test_the_smallest_input(name, side):
    assert model(name, input_shape=(side, side, 3), **SMALL).get_layer("stage5").output.shape[1:3] == (1, 1)
    with pytest.raises(Refusal, match=f"sides of at least {side}"):
        model(name, input_shape=(side, side - 1, 3), **SMALL)


def test_unknown_sizes_without_top():
    assert model("alexnet", include_top=False, input_shape=(None, None, 3), width=0.1).output_shape[1:3] == (None, None)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"remove": (5,)}, "remove"),
        ({"remove": 3}, "remove"),
        ({"filters": (1, 2)}, "five convolutions"),
        ({"fc_units": (4096,)}, "two hidden layers"),
        ({"dropout": 1}, "dropout"),
        ({"width": 0}, "width"),
        ({"groups": 0}, "groups"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("alexnet", **{**SMALL, **settings})


def test_torchvisions_takes_any_size():
    """The dense layers have the weights of 6 x 6 maps; without pooling those of the maps."""
    sizes = [
        model("alexnet_torchvision", input_shape=s, **SMALL).count_params() for s in ((63, 97, 3), (None, None, 3))
    ]
    assert sizes == [model("alexnet_torchvision", **SMALL).count_params()] * 2
    bare = model("alexnet_torchvision", average_to=None, input_shape=(63, 63, 3), **SMALL)
    assert bare.get_layer("fc6").kernel.shape == (26, 16)
    with pytest.raises(Refusal, match="average_to"):
        model("alexnet_torchvision", average_to=0, **SMALL)
