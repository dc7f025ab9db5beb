"""StandardizedConv1D, 2D, 3D: the contract, Conv with a standardized kernel, the gain, low precision, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.layers import Conv1D, Conv2D, Conv3D, StandardizedConv1D, StandardizedConv2D, StandardizedConv3D
from tests import references
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise
from tests.ops.test_standardize_kernel import reference

LAYER_CASES = {
    f"StandardizedConv{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2, 3)[:rank],
            "strides": 2,
            "dilation_rate": 2,
            "padding": "circular",
            "groups": 2,
            "use_gain": True,
            "epsilon": 0.01,
        },
        noise(*SHAPES[rank]),
    )
    for rank in SHAPES
}
FIELD_CASES = {
    "StandardizedConv": [
        ("exact", {"filters": 2, "kernel_size": 3, **more}) for more in ({}, {"padding": "full", "strides": 2})
    ]
}
CONVOLUTIONS = {"StandardizedConv": (lambda x, kernel, **kwargs: references.conv(x, reference(kernel), **kwargs), {})}
PAIRS = {1: (StandardizedConv1D, Conv1D), 2: (StandardizedConv2D, Conv2D), 3: (StandardizedConv3D, Conv3D)}


@pytest.mark.parametrize("cls", [StandardizedConv1D, StandardizedConv2D, StandardizedConv3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", PAIRS)
@pytest.mark.parametrize("use_gain", [False, True])
def test_is_a_convolution_with_a_standardized_kernel(rank, use_gain):
    x, kwargs = noise(*SHAPES[rank]), {"strides": 2, "padding": "reflect", "groups": 2, "activation": "relu"}
    ours, theirs = (cls(4, 3, **kwargs) for cls in PAIRS[rank])
    ours = PAIRS[rank][0](4, 3, **kwargs, use_gain=use_gain)
    for layer in (ours, theirs):
        layer.build(x.shape)
    kernel, *gain, bias = randomize(ours)
    assert [w.name for w in ours.weights] == ["kernel", *["gain"] * use_gain, "bias"]
    theirs.set_weights([reference(kernel, *gain), bias])
    same(ours(x), theirs(x))


def test_standardizes_with_the_weights_in_32_bits():
    """Rounded to 16 bits first, weights far from 0 would differ by a tenth from their mean."""
    x = noise(2, 6, 6, 3)
    exact = StandardizedConv2D(4, 3, kernel_initializer=keras.initializers.RandomNormal(10, 0.1, seed=0))
    exact.build(x.shape)
    for half, tolerance in (("float16", 4e-3), ("bfloat16", 3e-2)):
        low = StandardizedConv2D(4, 3, dtype=f"mixed_{half}")
        low.build(x.shape)
        low.set_weights(exact.get_weights())
        same(tf.cast(low(x), "float32"), exact(x), tolerance)


def test_settings():
    layer = StandardizedConv2D(4, 3, use_gain=True)
    assert (layer.epsilon, StandardizedConv2D(4, 3).use_gain) == (1e-6, False)
    layer.build((None, 5, 5, 2))
    assert np.all(layer.gain == 1)
    assert layer.flops([(None, 5, 5, 2)], [(None, 3, 3, 4)]) == 2 * 9 * 9 * 2 * 4


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"kernel_size": 1}, (1, 5, 5, 1), ["filters of at least 2 weights", "kernel_size=(1, 1), channels=1"]),
        ({"kernel_size": 1, "groups": 2}, (1, 5, 5, 2), ["filters of at least 2 weights", "groups=2"]),
        ({"epsilon": 0}, (1, 5, 5, 2), ["epsilon, a number above 0", "epsilon=0"]),
        ({"epsilon": "small"}, (1, 5, 5, 2), ["epsilon, a number above 0", "epsilon='small'"]),
        ({"groups": 3}, (1, 5, 5, 2), ["filters divisible by groups", "filters=4, groups=3"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(StandardizedConv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)
