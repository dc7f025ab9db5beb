"""Weights of keras.applications: the same outputs with every variable drawn, at two sizes, and what is refused."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.interop import from_keras_applications

NETS = {"vgg16": "VGG16", "vgg19": "VGG19", "resnet50": "ResNet50", "resnet101": "ResNet101", "resnet152": "ResNet152"}


def drawn(name, **settings):
    """A model of keras.applications, every variable of which is random; gammas and variances from 0.5 to 1.5."""
    net = getattr(keras.applications, NETS[name])(weights=None, **settings)
    draw = np.random.default_rng(0)
    for weight in net.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(draw.uniform(0.5, 1.5, weight.shape))
        elif weight.name == "kernel":
            weight.assign(draw.normal(size=weight.shape) * (2 / np.prod(weight.shape[:-1])) ** 0.5)
        else:
            weight.assign(0.1 * draw.normal(size=weight.shape))
    return net


@pytest.mark.parametrize(
    "name, settings",
    [
        ("resnet50", {"input_shape": (224, 224, 3), "classes": 7, "classifier_activation": None}),
        ("resnet50", {"input_shape": (97, 130, 3), "include_top": False}),
        ("resnet101", {"input_shape": (64, 64, 3), "classes": 7, "classifier_activation": None}),
        ("resnet152", {"input_shape": (64, 64, 3), "include_top": False}),
        ("vgg16", {"input_shape": (224, 224, 3), "include_top": False}),
        ("vgg16", {"input_shape": (64, 64, 3), "classes": 7, "classifier_activation": None}),
        ("vgg16", {"input_shape": (70, 97, 3), "include_top": False}),
        ("vgg19", {"input_shape": (64, 64, 3), "include_top": False}),
    ],
    ids=str,
)
def test_same_outputs(name, settings):
    theirs = drawn(name, **settings)
    ours = from_keras_applications(theirs)
    x = np.random.default_rng(1).normal(size=(2, *settings["input_shape"])).astype("float32")
    want, got = theirs(x).numpy(), ours(x).numpy()
    # float32's rounding, through up to 152 layers
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()


def test_refused():
    with pytest.raises(Refusal, match="did you mean 'resnet50'"):
        from_keras_applications(keras.applications.ResNet50V2(weights=None, include_top=False))
    net = keras.applications.VGG16(weights=None, include_top=False)
    cut = keras.Model(net.inputs, net.get_layer("block3_pool").output, name="vgg16")
    with pytest.raises(Refusal, match="has no layer for stage4_conv1"):
        from_keras_applications(cut)
    with pytest.raises(Refusal, match=r"no layer of vgg16 takes .*stage5_conv4"):
        from_keras_applications(keras.applications.VGG19(weights=None, include_top=False, name="vgg16"))
