"""All-CNN and its relatives: the layers of each, and refusals."""

import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import CIFAR, Fit, shapes

CARDS = {  # trained parameters, input, classes
    "all_cnn_c": (1_369_738, CIFAR, 10),
    "strided_cnn_c": (954_730, CIFAR, 10),
    "conv_pool_cnn_c": (1_369_738, CIFAR, 10),
    "model_c": (954_730, CIFAR, 10),
    "model_a": (839_242, CIFAR, 10),
    "all_cnn_a": (1_254_250, CIFAR, 10),
}
FITS = {
    "all_cnn_c": Fit({"width": 0.3, "dropout": 0.0, "input_dropout": 0.0, "input_shape": (13, 13, 3)}, rate=0.001),
}

LAYERS = {  # convolutions before the heads, kernels x strides
    "all_cnn_c": "3x1 3x1 3x2 3x1 3x1 3x2 3x1 1x1 1x1",
    "strided_cnn_c": "3x1 3x2 3x1 3x2 3x1 1x1 1x1",
    "conv_pool_cnn_c": "3x1 3x1 3x1 3x1 3x1 3x1 3x1 1x1 1x1",
    "model_c": "3x1 3x1 3x1 3x1 3x1 1x1 1x1",
    "model_a": "5x1 5x1 3x1 1x1 1x1",
    "all_cnn_a": "5x1 3x2 5x1 3x2 3x1 1x1 1x1",
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    built = model(name, width=0.1)
    found = [f"{layer.kernel_size[0]}x{layer.strides[0]}" for layer in built.layers if hasattr(layer, "kernel_size")]
    assert " ".join(found) == LAYERS[name]
    pools = [layer.name for layer in built.layers if type(layer).__name__ == "MaxPooling2D"]
    assert pools == (["stage1", "stage2"] if "pool" in name or "model" in name else [])
    assert [shape[0] for shape in shapes(built, ["stage1", "stage2", "stage3"]).values()] == [16, 8, 6]


def test_the_smallest_input():
    for name in ("all_cnn_c", "strided_cnn_c", "model_a"):
        assert shapes(model(name, width=0.1, input_shape=(9, 9, 3)), ["stage3"])["stage3"][:2] == (1, 1)
        with pytest.raises(Refusal, match="sides of at least 9"):
            model(name, width=0.1, input_shape=(9, 8, 3))


def test_dropout():
    built = model("all_cnn_c", width=0.1)
    rates = {layer.name: layer.rate for layer in built.layers if "dropout" in layer.name}
    assert rates == {"input_dropout": 0.2, "stage1_dropout": 0.5, "stage2_dropout": 0.5}


@pytest.mark.parametrize(
    "settings, message",
    [({"base": "D"}, "base"), ({"down": "slide"}, "down"), ({"input_dropout": 1}, "input_dropout")],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("all_cnn_c", **settings)
