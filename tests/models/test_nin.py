"""Network in network: its shapes, sizes that pools round up, initial values, and refusals."""

import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import CIFAR, IMAGENET, MNIST, Fit, check_start, shapes

CARDS = {  # trained parameters, input, classes
    "nin_cifar": (966_986, CIFAR, 10),
    "nin_mnist": (349_674, MNIST, 10),
    "nin_imagenet": (7_595_176, IMAGENET, 1000),
}
FITS = {
    "nin_cifar": Fit({"width": 0.3, "dropout": 0.0, "input_shape": (8, 8, 3)}, noise=100, examples=32, slow=True),
}

TABLES = {  # the maps of each stage's convolutions and pools
    "nin_cifar": {"stage1_conv3": (32, 96), "stage1": (16, 96), "stage2_conv3": (16, 192), "stage2": (8, 192)},
    "nin_mnist": {"stage1_conv3": (28, 48), "stage1": (14, 48), "stage2_conv3": (14, 48), "stage2": (7, 48)},
    "nin_imagenet": {
        "stage1_conv1": (54, 96),
        "stage1": (27, 96),
        "stage2": (13, 256),
        "stage3": (6, 384),
        "stage4_conv1": (6, 1024),
        "stage4_conv3": (6, 1000),
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_shapes(name):
    assert shapes(sketch(name), TABLES[name]) == {label: (n, n, c) for label, (n, c) in TABLES[name].items()}


def test_dropout_behind_every_pool_or_the_last():
    def rates(name):
        return [layer.name for layer in model(name, width=0.1).layers if "dropout" in layer.name]

    assert rates("nin_cifar") == ["stage1_dropout", "stage2_dropout"] and rates("nin_imagenet") == ["stage3_dropout"]


@pytest.mark.parametrize("name, small", [("nin_cifar", ()), ("nin_imagenet", (0, 6, 11))])
def test_initial_values(name, small):
    """The author's files: 0.05, but in the ImageNet model 0.01 in conv1, conv3 and cccp8; all biases 0."""
    convs = [layer for layer in model(name, width=0.2).layers if layer.weights]
    assert len(convs) == (12 if small else 9)
    for number, conv in enumerate(convs):
        check_start(conv, 0.01 if number in small else 0.05)


def test_any_size():
    assert model("nin_cifar", input_shape=(None, 7, 3), width=0.1).output_shape == (None, 10)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"kernels": (5, 5)}, "as many stages"),
        ({"filters": ((8,), (0,), (8,))}, "filters"),
        ({"dropout": 1.0}, "dropout"),
        ({"small_start": ("stage3_conv4",)}, "small_start, a list of convolutions of stage1_conv1 ... stage3_conv3"),
        ({"classes": 0}, "classes"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("nin_cifar", **settings)
