"""VGG: its stages, configurations C and A-LRN, initial values, and refusals."""

import math

import keras
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import IMAGENET, WHOLE, Fit, check_start, check_uniform, shapes

CARDS = {  # trained parameters, input, classes
    "vgg11": (132_863_336, IMAGENET, 1000),
    "vgg11_lrn": (132_863_336, IMAGENET, 1000),
    "vgg13": (133_047_848, IMAGENET, 1000),
    "vgg16": (138_357_544, IMAGENET, 1000),
    "vgg16_1x1": (133_638_952, IMAGENET, 1000),
    "vgg19": (143_667_240, IMAGENET, 1000),
    "vgg11_bn": (132_868_840, IMAGENET, 1000),
    "vgg13_bn": (133_053_736, IMAGENET, 1000),
    "vgg16_bn": (138_365_992, IMAGENET, 1000),
    "vgg19_bn": (143_678_248, IMAGENET, 1000),
}
FITS = {
    "vgg11": Fit({"width": 0.1, **WHOLE, "input_shape": (32, 32, 3)}, slow=True),
}

SMALL = {"width": 0.05, "fc_units": (8, 8), "classes": 5}
CONVOLUTIONS = {"vgg11": "11222", "vgg13": "22222", "vgg16": "22333", "vgg19": "22444"}
CONVOLUTIONS |= {f"{name}_bn": counts for name, counts in CONVOLUTIONS.items()}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_stages(name):
    built = sketch(name, **SMALL)
    counts = [sum(layer.name.startswith(f"stage{i}_conv") for layer in built.layers) for i in range(1, 6)]
    assert "".join(map(str, counts)) == CONVOLUTIONS[name]
    assert [shape[0] for shape in shapes(built, [f"stage{i}" for i in range(1, 6)]).values()] == [112, 56, 28, 14, 7]


def test_filters():
    got = shapes(sketch("vgg11"), [f"stage{i}" for i in range(1, 6)])
    assert [shape[-1] for shape in got.values()] == [64, 128, 256, 512, 512]


def test_configuration_c_has_pointwise_convolutions():
    built = model("vgg16_1x1", **SMALL)
    sizes = {layer.name: layer.kernel_size for layer in built.layers if "_conv" in layer.name}
    assert [label for label, size in sizes.items() if size == (1, 1)] == [f"stage{i}_conv3" for i in (3, 4, 5)]


def test_response_normalization_follows_the_first_convolution():
    assert [layer.name for layer in model("vgg11_lrn", **SMALL).layers][1:4] == [
        "stage1_conv1",
        "stage1_norm",
        "stage1",
    ]


def test_initial_values():
    """Glorot's rule, uniform within sqrt(6 / (fan-in + fan-out)), and biases 0."""
    for layer in model("vgg11", **SMALL).layers:
        if layer.weights:
            window = math.prod(layer.kernel.shape[:-2])
            check_uniform(layer, math.sqrt(6 / (window * sum(layer.kernel.shape[-2:]))))


def test_torchvisions_initial_values():
    """Its code: kaiming_normal of the fan-out in convolutions, 0.01 in dense layers, and biases 0."""
    for layer in model("vgg11_bn", **SMALL).layers:
        if hasattr(layer, "kernel"):
            *window, _, filters = layer.kernel.shape
            check_start(layer, math.sqrt(2 / (9 * filters)) if window else 0.01)


def test_the_smallest_input():
    assert model("vgg16", input_shape=(32, 32, 3), **SMALL).get_layer("stage5").output.shape[1:3] == (1, 1)
    assert model("vgg16", input_shape=(None, None, 3), include_top=False, width=0.05).output_shape[1:3] == (None, None)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"input_shape": (31, 32, 3)}, "sides of at least 32"),
        ({"convolutions": (1, 1)}, "five stages"),
        ({"convolutions": 3}, "convolutions"),
        ({"dropout": -0.1}, "dropout"),
        ({"fc_units": (0,)}, "fc_units"),
        ({"width": "half"}, "width"),
        ({"average_to": 0}, "average_to"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("vgg16", **{**SMALL, **settings})


def test_batch_norms():
    """Each convolution keeps its bias; norm and ReLU follow."""
    built = model("vgg13_bn", **SMALL)
    norms = [layer for layer in built.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 10 and all((norm.momentum, norm.epsilon) == (0.9, 1e-5) for norm in norms)
    names = [layer.name for layer in built.layers[1:5]]
    assert names == ["stage1_conv1", "stage1_norm1", "stage1_relu1", "stage1_conv2"]
    assert built.get_layer("stage1_conv1").use_bias


def test_any_size_with_average_to():
    """The dense layers keep their weights whatever the size; where the maps have the size, nothing is pooled."""
    counts = {
        model("vgg11", average_to=7, input_shape=shape, **SMALL).count_params()
        for shape in ((224, 224, 3), (32, 70, 3), (300, 97, 3), (None, None, 3))
    }
    assert counts == {model("vgg11", **SMALL).count_params()}
    assert all(layer.name != "avg_pool" for layer in model("vgg11_bn", **SMALL).layers)
    bare = model("vgg11_bn", include_top=False, input_shape=(64, 64, 3), width=0.05)
    assert bare.output_shape[1:3] == (2, 2)
