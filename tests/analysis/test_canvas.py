"""Spectra, moves and the rules of each preset, compared with NumPy."""

import dataclasses

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from kzoo.analysis.canvas import COLOURS, Canvas, Preset, _turned

PLAIN = Preset("none", steps=1, rate=0.1, start=1.0)
SPECTRUM = dataclasses.replace(PLAIN, spectrum=True)


def canvas(shape, limits=None, preset=PLAIN, **settings):
    return Canvas(shape, limits, dataclasses.replace(preset, **settings))


@pytest.mark.parametrize("shape", [(2, 7, 2), (2, 6, 5, 3), (1, 4, 3, 5, 1)], ids=str)
def test_spectra(shape, seeds):
    found = canvas(shape, preset=SPECTRUM)
    z, *_ = found.start(seeds)
    assert z.shape == (2, shape[0], shape[-1], *shape[1:-1])
    spatial, axes = shape[1:-1], tuple(range(2, len(shape)))
    scale = np.zeros(spatial)
    for index in np.ndindex(spatial):
        frequency = np.sqrt(sum((min(i, n - i) / n) ** 2 for i, n in zip(index, spatial)))
        scale[index] = np.sqrt(np.prod(spatial)) / 8 / max(frequency, 1 / max(spatial))
    wanted = np.moveaxis(np.fft.ifftn((z[0].numpy() + 1j * z[1].numpy()) * scale, axes=axes).real, 1, -1)
    if shape[-1] == 3:
        wanted = np.einsum("bhwc,dc->bhwd", wanted, COLOURS / np.sqrt((COLOURS**2).sum(0)).max())
    np.testing.assert_allclose(found.inputs(z), 2 * wanted, rtol=1e-4, atol=1e-5)
    bounded = canvas(shape, (0, 255), SPECTRUM).inputs(z)
    np.testing.assert_allclose(bounded, 127.5 + 127.5 * np.tanh(wanted), rtol=1e-4, atol=1e-3)


def test_values_without_axes():
    z = tf.constant([[0.5, -1.0]])
    for preset in (PLAIN, SPECTRUM):
        assert canvas((1, 2), preset=preset).start(np.random.default_rng(0))[0].shape == (1, 2)
        np.testing.assert_allclose(canvas((1, 2), preset=preset).inputs(z), [[1.0, -2.0]])
        np.testing.assert_allclose(canvas((1, 2), preset=preset).moved(z, tf.constant([0, 0])), z)


def test_steps_of_adam(seeds):
    found = canvas((1, 5, 1), preset=SPECTRUM)
    state = found.start(seeds)
    variable = keras.Variable(state[0])
    adam = keras.optimizers.Adam(0.1)
    for number in range(3):
        gradient = tf.constant(seeds.normal(size=variable.shape), "float32")
        adam.apply([-gradient], [variable])
        state = found.improved(state, gradient, tf.constant(number))
    np.testing.assert_allclose(state[0], variable, rtol=1e-4, atol=1e-5)


def test_rules(seeds):
    z, gradient = (seeds.normal(size=(2, 6, 5, 2)).astype("float32") for _ in range(2))
    state, step = (tf.constant(z), 0.0, 0.0), tf.constant(0)
    moved = z + 0.1 * gradient / np.sqrt((gradient**2).mean((1, 2, 3), keepdims=True))

    def improved(limits=None, number=step, **settings):
        return canvas(z.shape, limits, **settings).improved(state, tf.constant(gradient), number)[0].numpy()

    np.testing.assert_allclose(improved(), moved, rtol=1e-5)
    np.testing.assert_allclose(improved((0, 1)), np.clip(moved, -1, 1), rtol=1e-5)
    np.testing.assert_allclose(improved(decay=0.2), moved - 0.2 * z, rtol=1e-4, atol=1e-6)
    norms = np.sqrt((improved(norm=0.7) ** 2).mean((1, 2, 3)))
    np.testing.assert_allclose(norms, 0.7, rtol=1e-5)
    blurred = improved(blur=0.5)
    wanted = scipy.ndimage.gaussian_filter(moved, (0, 0.5, 0.5, 0), truncate=4)
    np.testing.assert_allclose(blurred[:, 2:-2, 2:-2], wanted[:, 2:-2, 2:-2], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(improved(blur=0.5, number=tf.constant(3)), moved, rtol=1e-5)

    for setting, sizes in (
        ("small_norms", np.sqrt((moved**2).sum(-1))),
        ("small_contributions", np.abs((moved * gradient).sum(-1))),
    ):
        kept = improved(**{setting: 0.5})
        for example in range(2):
            smallest = np.argsort(sizes[example].ravel())[:15]
            wanted = moved[example].reshape(30, 2).copy()
            wanted[smallest] = 0
            np.testing.assert_allclose(kept[example].reshape(30, 2), wanted, rtol=1e-5)


def test_a_gradient_of_0_changes_nothing():
    z = tf.ones((1, 4, 1))
    np.testing.assert_array_equal(canvas((1, 4, 1)).improved((z, 0.0, 0.0), tf.zeros_like(z), tf.constant(0))[0], z)


def test_shifts(seeds):
    x = tf.constant(seeds.normal(size=(1, 8, 8, 1)), "float32")
    moves = set()
    for number in range(20):
        y = canvas(x.shape, jitter=0.25).moved(x, tf.constant([0, number])).numpy()
        shift = [s for s in np.ndindex(5, 5) if np.array_equal(np.roll(x, (s[0] - 2, s[1] - 2), (1, 2)), y)]
        assert len(shift) == 1
        moves.update(shift)
    assert len(moves) > 8


def test_turns(seeds):
    x = tf.constant(seeds.normal(size=(1, 7, 7, 2)), "float32")
    np.testing.assert_allclose(_turned(x, 1.0, 0.0), x)
    np.testing.assert_allclose(_turned(x, 1.0, np.pi / 2), np.rot90(x, axes=(1, 2)), atol=1e-5)
    ramp = tf.reshape(tf.range(7.0), (1, 1, 7, 1)) * tf.ones((1, 7, 1, 1))
    np.testing.assert_allclose(_turned(ramp, 2.0, 0.0)[0, 3, :, 0], np.linspace(1.5, 4.5, 7), atol=1e-5)
    y = canvas(x.shape, scale=0.1, rotation=5).moved(x, tf.constant([0, 1]))
    assert np.abs(y - x).max() > 0.01
