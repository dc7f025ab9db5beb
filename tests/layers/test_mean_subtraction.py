"""MeanSubtraction: the contract, means of channels, of pixels and of everything, errors."""

import numpy as np
import pytest

from kzoo.layers import MeanSubtraction
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

FIELD_CASES = {"MeanSubtraction": [("exact", {})]}
LAYER_CASES = {"MeanSubtraction": Case({}, noise(*SHAPES[2]))}


@pytest.mark.parametrize("cls", [MeanSubtraction])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize(
    "axis, averaged, shape",
    [
        (-1, (0, 1, 2), (3,)),  # of each colour, as VGG
        ((1, 2, 3), (0,), (5, 4, 3)),  # of each pixel, as AlexNet and ResNet
        ([3, 1], (0, 2), (5, 3)),
        (1, (0, 2, 3), (5,)),
        (None, None, ()),
    ],
)
def test_subtracts_what_it_learned(axis, averaged, shape):
    """The mean, and nothing is divided; whole or in batches."""
    images = np.random.default_rng(0).integers(0, 256, (300, 5, 4, 3)).astype("float32")
    mean = images.mean(averaged, keepdims=averaged is not None, dtype="float64")
    for data in (images, [images[:7], images[7:]]):
        layer = MeanSubtraction(axis)
        layer.adapt(data)
        same(layer(images), (images - mean).astype("float32"))
        assert layer.mean.shape == shape and not layer.trainable_weights


def test_images_of_several_sizes_have_one_mean_of_each_channel():
    layer = MeanSubtraction()
    layer.adapt([np.full((1, 2, 2, 1), 4.0), np.full((2, 1, 3, 1), 9.0)])
    assert float(layer.mean[0]) == pytest.approx((4 * 4 + 6 * 9) / 10)


def test_bytes_keep_their_last_bits_under_mixed_precision():
    layer = MeanSubtraction(dtype="float32")
    layer.adapt(np.float32([[254], [256]]))
    assert float(layer(np.float32([[253.25]]))[0, 0]) == -1.75


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"axis": 0}, (1, 5, 5, 2), ["axis, distinct integers other than 0", "axis=0"]),
        ({"axis": (1, 1)}, (1, 5, 5, 2), ["axis, distinct integers"]),
        ({"axis": "x"}, (1, 5, 5, 2), ["axis, distinct integers", "'x'"]),
        ({"axis": 1.5}, (1, 5, 5, 2), ["axis, distinct integers"]),
        ({"axis": 4}, (1, 5, 5, 2), ["an input with the axes in axis", "axis=4"]),
        ({"axis": (-1, 3)}, (1, 5, 5, 2), ["an input with the axes in axis"]),
        ({"axis": -4}, (1, 5, 5, 2), ["an input with the axes in axis"]),
        ({"axis": (1, 2, 3)}, (1, None, 5, 2), ["known sizes on its axis", "axis=(1, 2, 3)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(MeanSubtraction, kwargs, shape, *words)


def test_adapt_refuses_other_shapes():
    layer = MeanSubtraction((1, 2))
    with pytest.raises(ValueError, match=r"an input that its mean of shape \(3, 2\) fits; received shape=\(4, 1, 2\)"):
        layer.adapt([np.zeros((4, 3, 2)), np.zeros((4, 1, 2))])
