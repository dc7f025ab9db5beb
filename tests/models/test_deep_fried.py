"""Deep fried convnets: published counts of weights, initial values, the fixed and the trained form, and refusals."""

import math

import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import MNIST, Fit, check_uniform, shapes, trained

CARDS = {  # trained parameters, input, classes
    "deep_fried_1024": (38_892, MNIST, 10),
    "deep_fried_2048": (52_204, MNIST, 10),
    "lenet_caffe": (431_080, MNIST, 10),
}
FITS = {
    "deep_fried_1024": Fit({"width": 0.5, "fc_units": 64, "dropout": 0.0, "input_shape": (16, 16, 1)}),
    "lenet_caffe": Fit({"width": 0.5, "fc_units": 50, "input_shape": (16, 16, 1)}),
}

WITHOUT_BIASES = {"deep_fried_1024": 38_812, "deep_fried_2048": 52_124, "lenet_caffe": 430_500}


@pytest.mark.parametrize("name", WITHOUT_BIASES)
def test_weights_without_biases(name):
    built = model(name)
    weights = [weight for weight in built.trainable_weights if weight.name != "bias"]
    assert sum(math.prod(weight.shape) for weight in weights) == WITHOUT_BIASES[name]
    assert shapes(built, ["stage1", "stage2"]) == {"stage1": (12, 12, 20), "stage2": (4, 4, 50)}


def test_initial_values():
    """Caffe's LeNet: "xavier", uniform within sqrt(3 / fan-in), and biases 0."""
    built = model("lenet_caffe")
    for name, fan in {"stage1_conv": 25, "stage2_conv": 500, "fc1": 800, "predictions": 500}.items():
        check_uniform(built.get_layer(name), math.sqrt(3 / fan))


def test_the_fixed_transform_is_not_trained():
    assert trained(model("deep_fried_1024")) - trained(model("deep_fried_1024", adaptive=False)) == 3 * 1024


def test_dropout_where_there_is_some():
    assert "fc1_dropout" not in [layer.name for layer in model("lenet_caffe").layers]
    assert model("deep_fried_1024").get_layer("fc1_dropout").rate == 0.5


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"hidden": "dens"}, "did you mean 'dense'"),
        ({"fc_units": 0}, "fc_units"),
        ({"dropout": 2}, "dropout"),
        ({"input_shape": (15, 28, 1)}, "sides of at least 16"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("deep_fried_1024", **settings)
