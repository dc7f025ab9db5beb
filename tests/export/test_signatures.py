"""Stages, images and their functions; the numbers of each signature are in formats/test_saved_model.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.data.source import resize_images
from kzoo.export.signatures import image_functions, signature_batches, stage_model, stage_names, takes_images
from kzoo.export.verification_inputs import make_batch


def test_what_takes_images(small_model):
    assert takes_images(small_model)
    for shape in ((8, 8), (8, 8, 2), (4, 8, 8, 3), (5,)):
        x = keras.Input(shape)
        assert not takes_images(keras.Model(x, keras.layers.Flatten()(x)))


def test_stages(small_model):
    assert stage_names(small_model) == ["stage1", "stage2"]
    assert {name: y.shape for name, y in stage_model(small_model).output.items()} == {
        "stage1": (None, 8, 8, 4),
        "stage2": (None, 4, 4, 4),  # the values, not the argmax indices
    }


def test_image_functions():
    functions = image_functions(lambda x: x, keras.Input((4, 4, 1)))
    assert [name for name, _, _ in functions] == ["serve_pixels", "serve_image"]
    image = tf.fill((6, 8, 1), np.uint8(7))
    assert functions[0][1](image[None]).numpy() == pytest.approx(np.full((1, 4, 4, 1), 7))
    assert functions[1][1](tf.io.encode_png(image)[None]).numpy() == pytest.approx(np.full((1, 4, 4, 1), 7))


def test_image_functions_crop_and_pad_as_the_data():
    image = tf.constant(np.tile(np.uint8([9, 9, 7, 7, 7, 7, 9, 9])[None, :, None], (4, 1, 1)))
    for resize, row in {"crop": [7, 7, 7, 7], "pad": [8, 7, 7, 8]}.items():
        for _, function, spec in image_functions(lambda x: x, keras.Input((4, 4, 1)), resize):
            given = image[None] if spec.dtype == "uint8" else tf.io.encode_png(image)[None]
            found = function(given).numpy()[0, ..., 0]
            assert found.shape == (4, 4)
            assert (found[0] == 0).all() == (resize == "pad") and np.abs(found[1] - row).max() <= 1


def test_image_functions_take_the_centre_of_a_shorter_side_as_the_data():
    image = tf.constant(np.random.default_rng(0).integers(0, 256, (12, 20, 3)).astype("uint8"))
    expected = resize_images(image, (4, 4), 6)
    for _, function, spec in image_functions(lambda x: x, keras.Input((4, 4, 3)), 6):
        given = image[None] if spec.dtype == "uint8" else tf.io.encode_png(image)[None]
        np.testing.assert_array_equal(function(given)[0], tf.cast(expected, "float32"))


def test_signature_batches(small_model, images):
    batch = make_batch(small_model, [images[:7]])
    assert [b.signature for b in signature_batches(small_model, batch)] == ["features", "serve_pixels", "serve_image"]
    assert [b.signature for b in signature_batches(small_model, batch, images=False)] == ["features"]
