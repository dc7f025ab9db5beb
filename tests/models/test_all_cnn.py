"""All-CNN and its relatives: the layers of each, and what they refuse."""

import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import shapes

LAYERS = {  # convolutions before the heads, kernels x strides; models.md, card 17
    "all_cnn_c": "3x1 3x1 3x2 3x1 3x1 3x2 3x1 1x1 1x1",
    "strided_cnn_c": "3x1 3x2 3x1 3x2 3x1 1x1 1x1",
    "conv_pool_cnn_c": "3x1 3x1 3x1 3x1 3x1 3x1 3x1 1x1 1x1",
    "model_c": "3x1 3x1 3x1 3x1 3x1 1x1 1x1",
    "model_a": "5x1 5x1 3x1 1x1 1x1",
    "all_cnn_a": "5x1 3x2 5x1 3x2 3x1 1x1 1x1",
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    net = model(name, width=0.1)
    found = [f"{layer.kernel_size[0]}x{layer.strides[0]}" for layer in net.layers if hasattr(layer, "kernel_size")]
    assert " ".join(found) == LAYERS[name]
    pools = [layer.name for layer in net.layers if type(layer).__name__ == "MaxPooling2D"]
    assert pools == (["stage1", "stage2"] if "pool" in name or "model" in name else [])
    assert [shape[0] for shape in shapes(net, ["stage1", "stage2", "stage3"]).values()] == [16, 8, 8]


def test_dropout():
    net = model("all_cnn_c", width=0.1)
    rates = {layer.name: layer.rate for layer in net.layers if "dropout" in layer.name}
    assert rates == {"input_dropout": 0.2, "stage1_dropout": 0.5, "stage2_dropout": 0.5}


@pytest.mark.parametrize(
    "settings, told",
    [({"base": "D"}, "base"), ({"down": "slide"}, "down"), ({"input_dropout": 1}, "input_dropout")],
    ids=str,
)
def test_refused(settings, told):
    with pytest.raises(Refusal, match=told):
        model("all_cnn_c", **settings)
