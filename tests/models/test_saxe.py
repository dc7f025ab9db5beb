"""Random filters under square pooling: the formula, the theorem of the best input, settings, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import Fit, shapes

CARDS = {  # trained parameters, input, classes
    "saxe": (25 * 64 * 10 + 10, (32, 32, 1), 10),
    "saxe_circular": (36 * 64 * 10 + 10, (32, 32, 1), 10),
    "saxe_trained": (64 * 64 + 25 * 64 * 10 + 10, (32, 32, 1), 10),
}
FITS = {
    "saxe": Fit({"width": 0.5, "input_shape": (20, 20, 1)}),
}

SIDE = 12


def plane(seed=0, count=3):
    """Returns a layer of random filters, circular and pooled over the whole plane of SIDE x SIDE, and its filters."""
    keras.utils.set_random_seed(seed)
    settings = {"filters": count, "kernel": 5, "pool": None, "padding": "circular", "input_shape": (SIDE, SIDE, 1)}
    built = model("saxe", include_top=False, **settings)
    return built, built.get_layer("stage1_conv").kernel.numpy()[..., 0, :]


def wave(row, column, phase):
    """Returns a wave of norm 1 and this frequency, in periods per plane."""
    i, j = np.mgrid[:SIDE, :SIDE]
    x = np.cos(2 * math.pi * (row * i + column * j) / SIDE + phase)
    return (x / np.linalg.norm(x))[None, ..., None].astype("float32")


def test_formula():
    """Compares with roots of sums of squares, in loops over the windows of a plain convolution; valid and circular."""
    x = np.random.default_rng(0).normal(size=(1, 11, 10, 2)).astype("float32")
    for padding, size in (("valid", (7, 6)), ("circular", (11, 10))):
        built = model("saxe", filters=3, kernel=5, pool=3, strides=2, padding=padding, input_shape=(11, 10, 2))
        conv = built.get_layer("stage1_conv")
        assert not conv.use_bias and conv.output.shape == (None, *size, 3)
        maps, pools = keras.Model(built.inputs, [conv.output, built.get_layer("stage1").output])(x)
        want = np.zeros(pools.shape)
        for i, j in np.ndindex(want.shape[1:3]):
            window = maps.numpy()[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            want[:, i, j] = np.sqrt((window**2).sum((1, 2)))
        np.testing.assert_allclose(pools, want, rtol=1e-5)


def test_the_best_input_is_a_wave():
    """Of all inputs of norm 1 the wave at the peak of a filter's spectrum has the largest response, at any phase.

    The most is the peak itself: by Parseval's equation the response is the root of the mean of |FFT(f)|^2 |FFT(x)|^2.
    """
    built, filters = plane()
    rivals = np.random.default_rng(1).normal(size=(500, SIDE, SIDE, 1)).astype("float32")
    rivals /= np.linalg.norm(rivals, axis=(1, 2), keepdims=True)
    for index, kernel in enumerate(np.moveaxis(filters, -1, 0)):
        spectrum = np.abs(np.fft.fft2(kernel, (SIDE, SIDE)))
        peak = np.unravel_index(spectrum.argmax(), spectrum.shape)
        assert peak[0] % (SIDE / 2) or peak[1] % (SIDE / 2)  # or the phase could make the wave vanish

        def response(x, index=index):
            return built(x).numpy()[:, 0, 0, index]

        phases = np.concatenate([response(wave(*peak, phase)) for phase in np.linspace(0, 6, 7)])
        np.testing.assert_allclose(phases, spectrum.max(), rtol=1e-5)
        assert response(rivals).max() < spectrum.max()
        others = [(i, j) for i, j in np.ndindex(SIDE, SIDE) if spectrum[i, j] < 0.999 * spectrum.max()]
        waves = np.concatenate([wave(*frequency, 1.0) for frequency in others])
        assert response(waves).max() < spectrum.max()


@pytest.mark.large
def test_gradient_ascent_finds_the_wave():
    """Gradient ascent within the ball of norm 1, from noise, ends at the peak's value without knowing the spectrum."""
    built, filters = plane(count=1)
    x = np.random.default_rng(2).normal(size=(1, SIDE, SIDE, 1)).astype("float32")
    kernel = filters[..., 0]
    spectrum = np.abs(np.fft.fft2(kernel, (SIDE, SIDE)))
    for _ in range(400):  # of a convex function on a ball: the best point by the slope, again and again
        x = slope(built, x)
        x = x / np.linalg.norm(x)
    np.testing.assert_allclose(built(x).numpy().item(), spectrum.max(), rtol=1e-3)
    found = np.abs(np.fft.fft2(x[0, :, :, 0]))
    assert spectrum.flat[found.argmax()] > 0.99 * spectrum.max()


def slope(built, x):
    """Returns the gradient of the response with respect to x."""
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = built(x)
    return tape.gradient(y, x).numpy()


def test_only_the_classifier_is_trained():
    names = [weight.path for weight in model("saxe", width=0.1).trainable_weights]
    assert names == ["predictions/kernel", "predictions/bias"]
    assert len(model("saxe_trained", width=0.1).trainable_weights) == 3


def test_sizes():
    assert shapes(model("saxe"), ["stage1_conv", "stage1"]) == {"stage1_conv": (25, 25, 64), "stage1": (5, 5, 64)}
    assert shapes(model("saxe_circular"), ["stage1"]) == {"stage1": (6, 6, 64)}
    assert model("saxe", include_top=False, input_shape=(None, None, 3)).output_shape == (None, None, None, 64)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"kernel": 0}, "kernel"),
        ({"pool": 1.5}, "pool"),
        ({"padding": "same"}, "padding, one of"),
        ({"input_shape": (11, 32, 1)}, "sides of at least 12"),
        ({"input_shape": (None, 32, 1), "pool": None}, "known sizes with pool=None"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("saxe", **settings)
