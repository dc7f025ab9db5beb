import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kzoo.augmentation.cut_mix import CutMix
from kzoo.augmentation.mix_up import MixUp
from kzoo.augmentation.random_shift import RandomShift
from kzoo.augmentation.seeded_augmentation import seeded_augmentation
from kzoo.checks import Refusal

SPEC = tf.TensorSpec((4, 12, 12, 3), tf.float32)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3)).astype("float32")


def augmentation(layers, seed, spec=SPEC):
    """Returns `seeded_augmentation` for images only, a function (batch number, x) -> x."""
    labels = tf.zeros((spec.shape[0],), "int32")
    augment = seeded_augmentation(layers, seed, (spec, tf.TensorSpec.from_tensor(labels)))
    return lambda number, x: augment(number, (x, labels))[0]


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
def test_the_batch_number_decides(make):
    layer = make()
    one, again = augmentation([layer], 1), augmentation([make()], 1)
    first = [one(number, IMAGES).numpy() for number in range(6)]
    np.testing.assert_array_equal(again(5, IMAGES), first[5])  # as in a resumed run
    np.testing.assert_array_equal(again(0, IMAGES), first[0])
    assert any(not np.array_equal(first[0], other) for other in first[1:])
    assert any(image.shape != IMAGES.shape or not np.array_equal(image, IMAGES) for image in first)


def test_seed_and_index_in_the_list_decide():
    noise = layers.GaussianNoise(0.5)
    zero, one = (augmentation([noise], seed)(0, IMAGES) for seed in (0, 1))
    assert not np.array_equal(zero, one)
    first = zero - IMAGES
    second = augmentation([noise, noise], 0)(0, IMAGES) - zero
    assert np.abs(first - second).max() > 0.1


def test_draws_within_a_layer_differ():
    """Height and width of a translation are two draws, which must differ."""
    layer = layers.RandomTranslation(0.5, 0.5, interpolation="nearest", fill_mode="constant")
    mark = np.zeros((4, 12, 12, 3), "float32")
    mark[:, 6, 6] = 1
    moved = np.concatenate([augmentation([layer], 0)(number, mark)[..., 0] for number in range(8)])
    positions = np.argwhere(moved)[:, 1:]
    assert len(positions) > 8 and (positions[:, 0] != positions[:, 1]).any()


def test_layers_are_unchanged_afterwards():
    layer = layers.RandomFlip(seed=3)
    augmentation([layer], 0)
    assert vars(layer.generator).keys() == vars(keras.random.SeedGenerator(3)).keys()
    before = layer.generator.state.numpy()
    layer(IMAGES)
    assert not np.array_equal(layer.generator.state.numpy(), before)


def test_layers_without_randomness_are_accepted():
    scale = layers.Rescaling(1 / 255)
    np.testing.assert_allclose(augmentation([scale], 0)(9, IMAGES), IMAGES / 255, rtol=1e-6)
    normal = layers.Normalization(mean=2.0, variance=4.0)
    np.testing.assert_allclose(augmentation([normal], 0)(9, IMAGES), (IMAGES - 2) / 2, rtol=1e-6)


class Draws(layers.Layer):
    """A layer that adds a random number from `source`."""

    def __init__(self, source):
        super().__init__()
        self.source = source

    def call(self, x):
        return x + self.source()


def test_runs_in_tf_data_in_order():
    augment = augmentation([layers.GaussianNoise(0.5)], 0)
    numbers = tf.data.Dataset.range(9)
    mapped = list(numbers.map(lambda k: augment(k, tf.constant(IMAGES)), num_parallel_calls=4, deterministic=True))
    for number, batch in enumerate(mapped):
        np.testing.assert_array_equal(batch, augment(number, IMAGES))


@pytest.mark.parametrize(
    "source, words",
    [
        (lambda: tf.random.uniform(()), "their own.*Draws.*operations=.*RandomUniform"),
        (lambda: keras.random.uniform(()), "their own.*Draws.*operations=.*AssignVariableOp"),
        (lambda: tf.numpy_function(lambda: np.float32(1), [], tf.float32), "Draws.*PyFunc"),
        (random.random, "Draws.*Python's or NumPy's global generator"),
        (np.random.rand, "Draws.*Python's or NumPy's global generator"),
    ],
)
def test_refuses_randomness_it_cannot_seed(source, words):
    with pytest.raises(Refusal, match=words):
        augmentation([Draws(source)], 0)


LABELS = np.array([2, 0, 1, 2], "int32")


@pytest.mark.parametrize("make", [lambda: MixUp(1.0), CutMix], ids=["MixUp", "CutMix"])
def test_mixed_examples_are_those_of_the_batch_number(make):
    """Between two other layers, with weights: the labels count what became of the images."""
    specs = SPEC, tf.TensorSpec((4,), "int32"), tf.TensorSpec((4,), "float32")
    images = np.ones((4, 12, 12, 3), "float32") * LABELS[:, None, None, None]
    batch, chain = (images, LABELS, LABELS + 1.0), lambda: [layers.RandomFlip(), make(), layers.Rescaling(2.0)]
    first, again = (seeded_augmentation(chain(), 1, specs, lambda y: tf.one_hot(y, 3)) for _ in range(2))
    seen = set()
    for number in range(6):
        x, y, w = (part.numpy() for part in first(number, batch))
        assert y.shape == (4, 3) and w.shape == (4,)
        np.testing.assert_allclose(x.mean((1, 2, 3)), 2 * y @ [0, 1, 2], atol=1e-5)
        np.testing.assert_allclose(w, y @ [1, 2, 3], atol=1e-5)
        for part, same in zip((x, y, w), again(number, batch)):
            np.testing.assert_array_equal(part, same)
        seen.add(x.tobytes())
    assert len(seen) > 4


def test_layers_that_mix_need_classes():
    for labels, encode in (("int32", None), ("float32", lambda y: y)):
        with pytest.raises(Refusal, match="augment expects labels that are classes, where a layer mixes them"):
            seeded_augmentation([MixUp()], 0, (SPEC, tf.TensorSpec((4,), labels)), encode)


def test_label_maps_take_boxes_of_their_images():
    maps = np.random.default_rng(0).integers(0, 5, (4, 12, 12)).astype("int32")
    specs = tf.TensorSpec((4, 12, 12, 1), "uint8"), tf.TensorSpec((4, 12, 12), "int32")
    augment = seeded_augmentation([CutMix()], 0, specs)
    x, y = augment(3, (maps[..., None].astype("uint8"), maps))
    np.testing.assert_array_equal(x[..., 0], y)
    assert not np.array_equal(y, maps) and y.dtype == "int32"
    with pytest.raises(Refusal, match="layers that move a label map .*; received layer='MixUp'"):
        seeded_augmentation([MixUp()], 0, specs)


def test_refuses_layers_that_mix_labels_or_do_not_fit():
    with pytest.raises(Refusal, match="augment expects kzoo>MixUp, not Keras's, .*; received layer='MixUp'"):
        augmentation([layers.MixUp()], 0)
    with pytest.raises(Refusal, match=r"uint8 \(4, 12, 12, 3\); received Dropout, which raises: .*floating"):
        augmentation([layers.Dropout(0.5)], 0, tf.TensorSpec((4, 12, 12, 3), tf.uint8))
    with pytest.raises(Refusal, match=r"float32 \(4, 40\); received RandomFlip, which raises"):
        augmentation([layers.RandomFlip()], 0, tf.TensorSpec((4, 40), tf.float32))
    with pytest.raises(Refusal, match="received AugMix|layer='AugMix'"):
        augmentation([layers.AugMix()], 0)
