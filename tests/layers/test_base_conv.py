"""The base of the convolution layers: initial values, regularizers, constraints, activations, plain configs."""

import json
import math

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.layers import Conv2D, LocallyConnected2D, TiledConv2D
from kzoo.layers.base_conv import BaseFilters, per_kernel
from kzoo.ops.views import as_plain
from tests.collect import collect
from tests.layer_checks import randomize, same
from tests.layers.cases import noise

FAMILY = [Conv2D, TiledConv2D, LocallyConnected2D]
SHAPE = (2, 6, 7, 8)


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal", "lecun_uniform"])
@pytest.mark.parametrize("cls", FAMILY)
def test_each_kernel_is_initialized_like_a_single_one(cls, initializer):
    """Each tile's kernel has the variance of Keras's Conv2D; fans computed from all kernels together would reduce it.

    A kernel has 5 * 5 * 8 * 16 = 3,200 entries: a normal sample's standard deviation has a relative error of 1 /
    sqrt(6400) = 1.3 %, so that 6 % is nearly five times that. It would be reduced by the root of the number of kernels,
    2 or more.
    """
    layer = cls(16, 5, kernel_initializer=keras.initializers.get({"class_name": initializer, "config": {"seed": 7}}))
    layer.build(SHAPE)
    single = keras.layers.Conv2D(
        16, 5, kernel_initializer=keras.initializers.get({"class_name": initializer, "config": {"seed": 8}})
    )
    single.build(SHAPE)
    kernels = np.reshape(layer.kernel, (-1, 3200))
    assert len(kernels) == {Conv2D: 1, TiledConv2D: 4, LocallyConnected2D: 6}[cls]
    np.testing.assert_allclose(kernels.std(1), np.std(single.kernel), rtol=0.06)
    assert len(np.unique(kernels[:, 0])) == len(kernels)  # no two are equal
    if initializer == "glorot_uniform":
        bound = math.sqrt(6 / (5 * 5 * 8 + 5 * 5 * 16))
        assert 0.99 * bound < np.abs(kernels).max() <= bound


def test_other_initializers_are_kept():
    ones = keras.initializers.Ones()
    assert per_kernel(4, ones) is ones
    layer = LocallyConnected2D(2, 3, kernel_initializer="ones", bias_initializer=keras.initializers.Constant(2.0))
    layer.build(SHAPE)
    assert (np.asarray(layer.kernel) == 1).all() and (np.asarray(layer.bias) == 2).all()


@pytest.mark.parametrize("cls", FAMILY)
def test_weights_are_kernel_then_bias(cls):
    layer = cls(4, 3, untied_bias=True)
    layer.build(SHAPE)
    assert [w.name for w in layer.weights] == ["kernel", "bias"]
    assert layer.weights[0] is layer.kernel and layer.bias.shape == (4, 5, 4)


@pytest.mark.parametrize("cls", FAMILY)
def test_regularizers_add_their_losses(cls):
    """Each with its own factor: 1 and 10 on the weights' squares, 100 on the output's mean over the batch."""
    x = noise(*SHAPE)
    layer = cls(
        4,
        3,
        kernel_regularizer=keras.regularizers.L2(1.0),
        bias_regularizer=keras.regularizers.L2(10.0),
        activity_regularizer=keras.regularizers.L2(100.0),
    )
    layer.build(x.shape)
    kernel, bias = randomize(layer)
    y = np.asarray(layer(x), "float64")
    wanted = (
        (kernel.astype("float64") ** 2).sum() + 10 * (bias.astype("float64") ** 2).sum() + 100 * (y**2).sum() / len(x)
    )
    np.testing.assert_allclose(sum(map(float, layer.losses)), wanted, rtol=1e-5)


@pytest.mark.parametrize("cls", FAMILY)
def test_constraints_hold_after_a_step(cls):
    x = noise(*SHAPE)
    layer = cls(4, 3, kernel_constraint="non_neg", bias_constraint=keras.constraints.MaxNorm(0.01, axis=None))
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(x, np.ones(model.compute_output_shape(x.shape)), epochs=1, verbose=0)
    kernel, bias = model.get_weights()
    assert kernel.min() == 0 and kernel.max() > 0
    assert 0 < np.linalg.norm(bias) <= 0.01 * (1 + 1e-5)


# Each convolution's reference, and the arguments with which the layer computes it.
CONVOLUTIONS = collect("CONVOLUTIONS")
CASES = collect("LAYER_CASES")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", [name for name in CASES if issubclass(getattr(layers, name), BaseFilters)])
def test_every_convolution_is_complete(name, data_format):
    """Padding "full" and a bias for each output position, with a stride, for every convolution in every dimension."""
    rank, (reference, kwargs) = int(name[-2]), CONVOLUTIONS[name[:-2]]
    shape = (2, *(5, 4, 6)[:rank], 2)
    layer = getattr(layers, name)(3, 3, strides=2, padding="full", untied_bias=True, data_format=data_format, **kwargs)
    layer.build(shape if data_format == "channels_last" else (2, 2, *shape[1:-1]))
    x = noise(*shape)
    *kernels, bias = [0.5 * w for w in randomize(layer)]
    if name.startswith("Deformable"):
        kernels[1:] = [0 * w for w in kernels[1:]]
    layer.set_weights([*kernels, bias])
    assert bias.shape == (*((n + 2 + 1) // 2 for n in shape[1:-1]), 3)
    y = layer(x if data_format == "channels_last" else np.moveaxis(x, -1, 1))
    y = np.asarray(y) if data_format == "channels_last" else np.moveaxis(np.asarray(y), 1, -1)
    same(y, (reference(x, *kernels, strides=2, padding="full") + bias).astype("float32"))


@pytest.mark.parametrize("cls", FAMILY)
def test_softmax_is_over_channels_in_both_formats(cls):
    for data_format, axis in (("channels_last", -1), ("channels_first", 1)):
        y = np.asarray(cls(4, 3, activation="softmax", data_format=data_format)(noise(2, 8, 8, 8)))
        np.testing.assert_allclose(y.sum(axis), 1, rtol=1e-5)


@pytest.mark.parametrize("cls", FAMILY)
def test_a_built_layer_refuses_other_channels(cls):
    layer = cls(4, 3)
    layer(noise(*SHAPE))
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 8"):
        layer(noise(2, 6, 7, 2))


@pytest.mark.parametrize(
    "padding", [np.int64(1), [np.int64(1), [0, 2]], ("circular", [1, np.int32(2)]), ["reflect", 1]]
)
def test_config_is_plain_python(padding):
    layer = Conv2D(np.int64(2), np.int32(3), [np.int64(2), 1], padding)
    config = json.loads(json.dumps(layer.get_config()))
    again = Conv2D.from_config(config)
    assert again.get_config() == layer.get_config() and again.window == layer.window
    assert as_plain(padding) == again.padding


def test_a_layer_made_of_numpy_sizes_equals_one_of_python_s():
    x = noise(*SHAPE)
    a, b = Conv2D(np.int64(2), np.array([3, 2])[0], padding=(np.int64(1), 2)), Conv2D(2, 3, padding=(1, 2))
    a.build(x.shape)
    b.build(x.shape)
    b.set_weights(a.get_weights())
    same(a(x), b(x))
