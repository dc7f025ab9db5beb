"""GaborConv2D: the contract, its parameters, the initial bank, energy, low precision, errors."""

import functools
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.layers import GaborConv2D
from kzoo.ops.filters import PARAMETERS, gabor, gabor_bank
from tests.layer_checks import check_layer, check_refusal, dtype, randomize, same
from tests.layers.cases import SHAPES, Case, noise
from tests.ops.test_gabor_conv import reference

LAYER_CASES = {
    "GaborConv2D": Case({"filters": 3, "kernel_size": (3, 2), "padding": "same", "use_bias": True}, noise(*SHAPES[2]))
}
CONVOLUTIONS = {"GaborConv": (functools.partial(reference, ksize=3), {"use_bias": True, "zero_mean": False})}
X = noise(*SHAPES[2])


@pytest.mark.parametrize("cls", [GaborConv2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("energy, zero_mean", [(False, False), (True, True)])
def test_passes_its_parameters_to_the_op(energy, zero_mean):
    layer = GaborConv2D(4, (3, 2), 2, "reflect", dilation_rate=(1, 2), use_bias=True, activation="relu", energy=energy,
                        zero_mean=zero_mean)  # fmt: skip
    layer.build(X.shape)
    *parameters, bias = randomize(layer)
    assert [w.name for w in layer.weights] == [*PARAMETERS, "bias"]
    with ops.no_islands():
        y = ops.gabor_conv(X, parameters, (3, 2), 2, "reflect", (1, 2), energy=energy, zero_mean=zero_mean)
        same(layer(X), np.maximum(y + bias, 0))


def test_has_eight_numbers_a_filter_whatever_its_size():
    for size in (3, 31):
        layer = GaborConv2D(6, size)
        layer.build((None, 40, 40, 3))
        assert layer.count_params() == 8 * 6 and layer.bias is None


def test_a_bank_that_is_not_trained_stays_as_it_is():
    layer, dense = GaborConv2D(2, 3, trainable=False), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input(X.shape[1:]), layer, keras.layers.Flatten(), dense])
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    before, head = layer.get_weights(), dense.get_weights()
    model.fit(X, np.ones((2, 1)), verbose=0)
    assert layer.trainable_weights == [] and len(layer.weights) == 8
    assert all((a == b).all() for a, b in zip(layer.get_weights(), before, strict=True))
    assert (dense.get_weights()[0] != head[0]).any()  # something was trained


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("filters, size, zero_mean", [(16, (11, 11), True), (5, (3, 3), True), (40, (31, 21), False)])
def test_the_bank_has_norm_1_and_no_two_kernels_alike(filters, size, zero_mean, energy):
    """Nor is one the negative of another, which would be redundant."""
    bank = gabor_bank(filters, size, energy, zero_mean)
    assert tuple(bank) == PARAMETERS
    assert all(value.shape == (filters,) and value.dtype == "float32" for value in bank.values())
    kernels = np.asarray(gabor(size, *bank.values(), zero_mean=zero_mean)).reshape(-1, filters)
    np.testing.assert_allclose(np.linalg.norm(kernels, axis=0), 1, rtol=1e-5)
    alike = np.abs(kernels.T @ kernels) - np.eye(filters)
    assert alike.max() < 0.99
    if zero_mean:
        np.testing.assert_allclose(kernels.sum(0), 0, atol=1e-5)
    assert (bank["phase"] == 0).all() == energy  # odd ones too, but where energy makes them itself
    lengths = 2 * np.pi / bank["frequency"]
    assert lengths.min() >= 3 * (1 - 1e-6) and lengths.max() <= max((min(size) - 1) / 2, 3) * (1 + 1e-6)


def test_the_layer_starts_as_its_bank():
    for energy in (False, True):
        layer = GaborConv2D(7, 9, energy=energy)
        layer.build(X.shape[:1] + (20, 20, 2))
        for weight, (name, value) in zip(layer.weights, gabor_bank(7, (9, 9), energy).items(), strict=True):
            assert weight.name == name
            np.testing.assert_array_equal(weight, value)


def test_a_kernel_of_one_pixel_has_finite_parameters():
    for zero_mean in (False, True):
        assert all(np.isfinite(value).all() for value in gabor_bank(3, (1, 1), zero_mean=zero_mean).values())


def grating(wavelength, phases, size=33):
    """Images (phases, size, size, 1) of a wave across the columns."""
    x = 2 * np.pi * np.arange(size) / wavelength
    return np.tile(np.cos(x + np.reshape(phases, (-1, 1, 1)))[..., None], (1, size, 1, 1)).astype("float32")


def test_energy_hardly_depends_on_the_phase():
    """For a grating of the first filter's wavelength and orientation; without energy it varies with the phase."""
    spread = {}
    for energy in (True, False):
        layer = GaborConv2D(8, 21, energy=energy)
        with ops.no_islands():
            y = np.asarray(layer(grating(10, np.linspace(0, 2 * np.pi, 12, endpoint=False))))[:, 6, 6, 0]
        np.testing.assert_allclose(np.asarray(layer.parameters[3])[0], 2 * np.pi / 10, rtol=1e-6)
        spread[energy] = np.ptp(y) / np.abs(y).max()
    assert spread[True] < 0.05 and spread[False] > 1.9


def test_an_even_surface_gives_nothing_by_default():
    flat = np.ones((1, 12, 12, 2), "float32")
    with ops.no_islands():
        assert np.abs(GaborConv2D(4, 9)(flat)).max() < 1e-5
        assert np.abs(GaborConv2D(4, 9, zero_mean=False)(flat)).max() > 0.1


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_parameters_keep_32_bits(policy):
    """A phase of 40.1 radians, rounded to bfloat16's steps of 0.25, would be off by 0.1, and so would the responses."""
    x = noise(1, 36, 36, 1)
    low, full = GaborConv2D(4, 31, dtype=policy), GaborConv2D(4, 31)
    for layer in (low, full):
        layer.build(x.shape)
        layer.parameters[4].assign(np.full(4, 40.1))
    assert all(dtype(w) == "float32" for w in low.weights)
    with ops.no_islands():
        assert dtype(low(x)) == policy.removeprefix("mixed_")
        same(tf.cast(low(x), "float32"), full(x), 2e-2 if policy == "mixed_bfloat16" else 3e-3)


def test_takes_the_arguments_of_conv_but_the_kernel_s():
    ours, theirs = (list(inspect.signature(cls.__init__).parameters) for cls in (GaborConv2D, keras.layers.Conv2D))
    assert ours[:9] == [name for name in theirs if name != "groups"][:9]
    for name in ("groups", "kernel_initializer", "kernel_regularizer"):
        with pytest.raises(ValueError, match=name):
            GaborConv2D(4, 3, **{name: 1})


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=0"]),
        ({"filters": 2.0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=2.0"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        ({"kernel_size": 0}, (1, 5, 5, 2), ["kernel_size, an integer of at least 1", "kernel_size=0"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(GaborConv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)


def test_trains_by_plain_gradient_descent():
    """With widths below 0 the kernel would grow exponentially outwards: the loss was NaN at once."""
    rng = np.random.default_rng(0)
    images = keras.Input((40, 40, 1))
    layer = GaborConv2D(16, 31, padding="same", activation="relu")
    y = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(layer(images)))
    model = keras.Model(images, keras.layers.Dense(4)(y))
    model.compile(keras.optimizers.SGD(0.03), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, labels = rng.normal(size=(32, 40, 40, 1)).astype("float32"), rng.integers(0, 4, 32)
    losses = model.fit(x, labels, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < 10
    assert min(np.min(layer.parameters[i]) for i in (1, 2)) >= 0


@pytest.mark.parametrize("filters, size, turns", [(4, 11, 2), (8, 31, 4), (16, 31, 4), (9, 5, 5)])
def test_the_bank_has_orientations_before_wavelengths(filters, size, turns):
    assert len(np.unique(gabor_bank(filters, size)["tau"])) == turns
