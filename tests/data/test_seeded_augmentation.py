import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kzoo.checks import Refusal
from kzoo.data.random_shift import RandomShift
from kzoo.data.seeded_augmentation import stateless

SPEC = tf.TensorSpec((4, 12, 12, 3), tf.float32)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3)).astype("float32")

LAYERS = {
    "RandomFlip": layers.RandomFlip,
    "RandomTranslation": lambda: layers.RandomTranslation(0.2, 0.2),
    "RandomRotation": lambda: layers.RandomRotation(0.2),
    "RandomZoom": lambda: layers.RandomZoom(0.3),
    "RandomCrop": lambda: layers.RandomCrop(8, 8),
    "RandomContrast": lambda: layers.RandomContrast(0.5),
    "RandomBrightness": lambda: layers.RandomBrightness(0.5),
    "RandomErasing": layers.RandomErasing,
    "RandomColorJitter": lambda: layers.RandomColorJitter((0, 255), 0.5, 0.5, 0.5, 0.1),
    "RandAugment": layers.RandAugment,
    "GaussianNoise": lambda: layers.GaussianNoise(0.5),
    "Dropout": lambda: layers.Dropout(0.5),
    "RandomShift": lambda: RandomShift(2),
    "Pipeline": lambda: layers.Pipeline([layers.RandomFlip(), layers.RandomZoom(0.2)]),
    "Sequential": lambda: keras.Sequential([layers.RandomFlip(), layers.GaussianNoise(0.5)]),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_a_batch_number_decides(make):
    layer = make()
    one, again = stateless([layer], 1, SPEC), stateless([make()], 1, SPEC)
    first = [one(number, IMAGES).numpy() for number in range(6)]
    np.testing.assert_array_equal(again(5, IMAGES), first[5])  # a fresh process begins in the middle
    np.testing.assert_array_equal(again(0, IMAGES), first[0])
    assert any(not np.array_equal(first[0], other) for other in first[1:])
    assert any(image.shape != IMAGES.shape or not np.array_equal(image, IMAGES) for image in first)


def test_seed_and_place_in_the_list_decide():
    noise = layers.GaussianNoise(0.5)
    zero, one = (stateless([noise], seed, SPEC)(0, IMAGES) for seed in (0, 1))
    assert not np.array_equal(zero, one)
    first = zero - IMAGES
    second = stateless([noise, noise], 0, SPEC)(0, IMAGES) - zero
    assert np.abs(first - second).max() > 0.1


def test_draws_within_a_layer_differ():
    """Height and width of a translation come from two draws, which must not be one and the same."""
    layer = layers.RandomTranslation(0.5, 0.5, interpolation="nearest", fill_mode="constant")
    mark = np.zeros((4, 12, 12, 3), "float32")
    mark[:, 6, 6] = 1
    moved = np.concatenate([stateless([layer], 0, SPEC)(number, mark)[..., 0] for number in range(8)])
    places = np.argwhere(moved)[:, 1:]
    assert len(places) > 8 and (places[:, 0] != places[:, 1]).any()


def test_layers_are_as_before_afterwards():
    layer = layers.RandomFlip(seed=3)
    stateless([layer], 0, SPEC)
    assert vars(layer.generator).keys() == vars(keras.random.SeedGenerator(3)).keys()
    before = layer.generator.state.numpy()
    layer(IMAGES)
    assert not np.array_equal(layer.generator.state.numpy(), before)


def test_layers_without_randomness_pass():
    scale = layers.Rescaling(1 / 255)
    np.testing.assert_allclose(stateless([scale], 0, SPEC)(9, IMAGES), IMAGES / 255, rtol=1e-6)
    normal = layers.Normalization(mean=2.0, variance=4.0)
    np.testing.assert_allclose(stateless([normal], 0, SPEC)(9, IMAGES), (IMAGES - 2) / 2, rtol=1e-6)


class Draws(layers.Layer):
    """Randomness from where `source` says."""

    def __init__(self, source):
        super().__init__()
        self.source = source

    def call(self, x):
        return x + self.source()


def test_runs_in_tf_data_in_order():
    change = stateless([layers.GaussianNoise(0.5)], 0, SPEC)
    numbers = tf.data.Dataset.range(9)
    mapped = list(numbers.map(lambda k: change(k, tf.constant(IMAGES)), num_parallel_calls=4, deterministic=True))
    for number, batch in enumerate(mapped):
        np.testing.assert_array_equal(batch, change(number, IMAGES))


@pytest.mark.parametrize(
    "source, words",
    [
        (lambda: tf.random.uniform(()), "of their own.*Draws.*operations=.*RandomUniform"),
        (lambda: keras.random.uniform(()), "of their own.*Draws.*operations=.*AssignVariableOp"),
        (lambda: tf.numpy_function(lambda: np.float32(1), [], tf.float32), "Draws.*PyFunc"),
        (random.random, "Draws.*Python's or NumPy's generator, once"),
        (np.random.rand, "Draws.*Python's or NumPy's generator, once"),
    ],
)
def test_refuses_randomness_it_cannot_seed(source, words):
    with pytest.raises(Refusal, match=words):
        stateless([Draws(source)], 0, SPEC)


def test_refuses_layers_that_mix_labels_or_do_not_fit():
    with pytest.raises(Refusal, match="layers that leave the labels true; received layer='MixUp'"):
        stateless([layers.MixUp()], 0, SPEC)
    with pytest.raises(Refusal, match=r"uint8 \(4, 12, 12, 3\); received Dropout, which says: .*floating"):
        stateless([layers.Dropout(0.5)], 0, tf.TensorSpec((4, 12, 12, 3), tf.uint8))
    with pytest.raises(Refusal, match=r"float32 \(4, 40\); received RandomFlip, which says"):
        stateless([layers.RandomFlip()], 0, tf.TensorSpec((4, 40), tf.float32))
    with pytest.raises(Refusal, match="received AugMix|layer='AugMix'"):
        stateless([layers.AugMix()], 0, SPEC)
