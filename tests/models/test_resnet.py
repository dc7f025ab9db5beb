"""ResNets: stages, both shortcuts, initial values, the position of the strides, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import CIFAR, IMAGENET, Fit, check_start, shapes, trained

CARDS = {  # trained parameters, input, classes
    "resnet18": (11_689_512, IMAGENET, 1000),
    "resnet34": (21_797_672, IMAGENET, 1000),
    "resnet50": (25_557_032, IMAGENET, 1000),
    "resnet101": (44_549_160, IMAGENET, 1000),
    "resnet152": (60_192_808, IMAGENET, 1000),
    "resnet20_cifar": (269_722, CIFAR, 10),
    "resnet32_cifar": (464_154, CIFAR, 10),
    "resnet44_cifar": (658_586, CIFAR, 10),
    "resnet56_cifar": (853_018, CIFAR, 10),
    "resnet110_cifar": (1_727_962, CIFAR, 10),
    "plain20_cifar": (269_722, CIFAR, 10),
    "plain56_cifar": (853_018, CIFAR, 10),
}
FITS = {
    "resnet18": Fit({"width": 0.1, "input_shape": (33, 33, 3)}, slow=True),
    "resnet20_cifar": Fit({"width": 0.5, "blocks": 1, "input_shape": (16, 16, 3)}),
}

SMALL = {"width": 0.1, "classes": 5}


@pytest.mark.parametrize("name, expansion", [("resnet18", 1), ("resnet50", 4)])
def test_shapes(name, expansion):
    got = shapes(sketch(name), ["stage1_conv", *(f"stage{i}" for i in range(1, 6))])
    widths = [64 * expansion, 128 * expansion, 256 * expansion, 512 * expansion]
    sizes = [56, 28, 14, 7]
    assert got["stage1_conv"] == (112, 112, 64) and got["stage1"] == (56, 56, 64)
    assert [got[f"stage{i}"] for i in range(2, 6)] == [(n, n, c) for n, c in zip(sizes, widths)]


@pytest.mark.parametrize("name, left", [("resnet18", 11_515_688), ("resnet34", 21_623_848)])
def test_shortcuts_without_parameters(name, left):
    assert trained(sketch(name, shortcut="A")) == left


@pytest.mark.parametrize("name, left", [("resnet20_cifar", 272_474), ("resnet56_cifar", 855_770)])
def test_projections_of_cifar(name, left):
    assert trained(sketch(name, shortcut="B")) == left


def test_initial_values():
    """He's rule: a variance of 2 / fan-in."""
    for layer in model("resnet20_cifar").layers:
        if "_conv" in layer.name:
            check_start(layer, math.sqrt(2 / math.prod(layer.kernel.shape[:-1])))


def test_shapes_of_cifar():
    got = shapes(sketch("resnet20_cifar"), ["stem", "stage1", "stage2", "stage3"])
    assert list(got.values()) == [(32, 32, 16), (32, 32, 16), (16, 16, 32), (8, 8, 64)]


def test_shortcut_a_takes_every_other_cell_and_adds_zeros():
    built = model("resnet20_cifar", blocks=1)
    for layer in built.layers:  # residuals vanish: gammas of the last norms are 0
        if layer.name.endswith("_norm2"):
            layer.gamma.assign(np.zeros_like(layer.gamma))
    before, after = keras.Model(built.inputs, [built.get_layer(name).output for name in ("stage1", "stage2")])(
        np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    )
    np.testing.assert_array_equal(after[..., :16], before[:, ::2, ::2])
    assert not np.any(after[..., 16:])


@pytest.mark.parametrize("where, strides", [("1x1", [2, 1, 1]), ("3x3", [1, 2, 1])])
def test_place_of_the_strides(where, strides):
    built = sketch("resnet50", stride_on=where, **SMALL)
    assert [built.get_layer(f"stage3_block1_conv{i}").strides[0] for i in (1, 2, 3)] == strides
    assert (
        built.get_layer("stage3_block1_conv0").strides[0] == 2
        and built.get_layer("stage2_block1_conv0").strides[0] == 1
    )


def test_plain_twins_have_no_sums():
    kinds = [type(layer).__name__ for layer in sketch("plain20_cifar").layers]
    assert "Add" not in kinds and kinds.count("Conv2D") == 19


def test_any_size():
    built = model("resnet18", input_shape=(None, None, 3), **SMALL)
    assert tuple(built(np.zeros((1, 45, 70, 3), "float32")).shape) == (1, 5)
    assert model("resnet18", input_shape=(33, 33, 3), **SMALL).get_layer("stage5").output.shape[1:3] == (2, 2)


def test_saving(tmp_path):
    built = model("resnet20_cifar", blocks=1, width=0.5)
    built.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), built(x))


@pytest.mark.parametrize(
    "settings, message",
    [({"stride_on": "2x2"}, "stride_on"), ({"shortcut": "C"}, "shortcut"), ({"blocks": (1, 0)}, "blocks")],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("resnet50", **{**SMALL, **settings})
