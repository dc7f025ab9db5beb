"""Every family learns: small models classify all of 16 or 32 examples after some training, at most 600 steps.

Those that take more than 4 s run with -m large.

Images and their classes are random; where each pixel has a class, the image is the class map in four colours, with
noise.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.models.registry import describe, list_models, model
from tests.models.families import FITS

SMALL = {name: fit.settings for name, fit in FITS.items()}


def test_every_family_is_here():
    families = {describe(name)["family"] for name in list_models()}
    assert {describe(name)["family"] for name in FITS} == families


def noise(draw, model, scale, count):
    """Returns random images, or pairs of the inputs of two streams, and independent random classes."""
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    x = tuple(scale * draw.normal(size=(count, *shape[1:])).astype("float32") for shape in shapes)
    return x if len(x) > 1 else x[0], draw.integers(0, 4, (count, *model.output_shape[1:-1]))


def painted(draw, model, blocks, count):
    """Returns images in the colours of their pixels' classes, and the classes: `blocks` a side, of one class each."""
    side, channels = model.input_shape[2:]
    positions = np.arange(side) * blocks // side
    y = draw.integers(0, 4, (count, blocks, blocks))[:, positions][:, :, positions]
    x = 2 * np.eye(4, channels)[y] + 0.3 * draw.normal(size=(*y.shape, channels))
    step = side // model.output_shape[1]
    return x.astype("float32"), y[:, ::step, ::step]


def compiled(name):
    """Returns a model ready for training, and its examples as one batch."""
    keras.utils.set_random_seed(1)
    fit, draw = FITS[name], np.random.default_rng(0)
    built, count = model(name, **fit.settings, classes=4), fit.examples
    x, y = painted(draw, built, fit.blocks, count) if fit.blocks else noise(draw, built, fit.noise, count)
    for layer in built.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # so that its statistics keep up with so few steps
    built.compile(keras.optimizers.Adam(fit.rate), fit.loss, metrics=["accuracy"], jit_compile=False)
    return built, tf.data.Dataset.from_tensor_slices((x, y)).batch(count).cache()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.large) if fit.slow else name for name, fit in FITS.items()]
)
def test_fits_a_few_examples(name):
    built, data = compiled(name)
    for _ in range(24):
        built.fit(data.repeat().take(25), verbose=0)
        reached = built.evaluate(data, verbose=0)[1]
        if reached == 1:
            break
    assert reached == 1
