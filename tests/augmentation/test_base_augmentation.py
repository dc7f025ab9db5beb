"""What all augmentation layers of kzoo have in common."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.augmentation.base_augmentation import check_range, check_sides
from kzoo.augmentation.color_jitter import ColorJitter
from kzoo.augmentation.elastic_distortion import ElasticDistortion
from kzoo.augmentation.pad_and_crop import PadAndCrop
from kzoo.augmentation.pca_color_noise import PCAColorNoise
from kzoo.augmentation.rand_augment import RandAugment
from kzoo.augmentation.random_resized_crop import RandomResizedCrop
from kzoo.augmentation.random_shift import RandomShift
from kzoo.augmentation.scale_jitter import ScaleJitter
from kzoo.augmentation.seeded_augmentation import seeded_augmentation
from kzoo.checks import Refusal

LAYERS = {  # {name: (class, arguments other than the defaults, size of the output)}
    "elastic": (ElasticDistortion, {"sigma": 2.0, "alpha": 20.0, "fill_mode": "reflect"}, (12, 10)),
    "shift": (RandomShift, {"pixels": 2}, (12, 10)),
    "pad": (PadAndCrop, {"padding": 2, "fill_mode": "reflect"}, (12, 10)),
    "crop": (PadAndCrop, {"height": 7, "width": 8, "fill_mode": "nearest"}, (7, 8)),
    "resized": (RandomResizedCrop, {"height": 7, "area": (0.2, 0.9)}, (7, 10)),
    "scales": (ScaleJitter, {"short_side": (8, 20), "height": 7, "width": 8}, (7, 8)),
    "colours": (PCAColorNoise, {"stddev": 0.5, "value_range": (0, 200)}, (12, 10)),
    "jitter": (ColorJitter, {"brightness": 0.5, "hue": 0.2, "value_range": (0, 200)}, (12, 10)),
    "rand": (RandAugment, {"num_ops": 3, "magnitude": 7.0, "fill_mode": "reflect"}, (12, 10)),
}
IMAGES = np.random.default_rng(0).integers(0, 200, (6, 12, 10, 3)).astype("uint8")


def make(name, **more):
    cls, settings, _ = LAYERS[name]
    return cls(**settings, **more)


@pytest.mark.parametrize("name", LAYERS)
def test_each_image_changes_on_its_own_in_its_dtype(name):
    same = np.repeat(IMAGES[:1], 6, 0)
    moved = np.array(make(name, seed=1)(same))
    assert (moved.dtype, moved.shape) == ("uint8", (6, *LAYERS[name][2], 3))
    assert len({image.tobytes() for image in moved}) > 2
    assert np.array(make(name, seed=1)(same.astype("float32"))).dtype == "float32"
    np.testing.assert_array_equal(make(name, seed=1)(same), moved)


@pytest.mark.parametrize("name", LAYERS)
def test_both_data_formats_and_single_images(name):
    last = np.array(make(name, seed=4)(IMAGES))
    first = make(name, seed=4, data_format="channels_first")(IMAGES.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(np.array(first).transpose(0, 2, 3, 1), last)
    one = make(name, seed=4)(IMAGES[0])
    np.testing.assert_array_equal(one, np.array(make(name, seed=4)(IMAGES[:1]))[0])


@pytest.mark.parametrize("name", LAYERS)
def test_inference_only_crops(name):
    layer, (height, width) = make(name), LAYERS[name][2]
    out = np.array(layer(IMAGES, training=False))
    assert out.shape == (6, height, width, 3)
    np.testing.assert_array_equal(layer(IMAGES, training=False), out)
    if LAYERS[name][2] == (12, 10):
        np.testing.assert_array_equal(out, IMAGES)
    if name == "crop":
        np.testing.assert_array_equal(out, IMAGES[:, 2:9, 1:9])
    model = keras.Sequential([keras.Input((12, 10, 3), dtype="uint8"), layer])
    assert model.output_shape == (None, height, width, 3)
    np.testing.assert_array_equal(model(IMAGES), out)
    assert not np.array_equal(model(IMAGES, training=True), out)


@pytest.mark.parametrize("name", LAYERS)
def test_label_maps_move_with_their_images_and_as_the_batch_number_says(name):
    """Images show their labels: bilinear values are at most half a label from the nearest, but at a few corners."""
    maps = np.repeat(np.repeat([[0, 1, 2], [1, 2, 3]], 6, 0), 4, 1)[None, :, :10].repeat(6, 0).astype("int32")
    images = np.repeat(60 * maps[..., None], 3, -1).astype("uint8")
    specs = tf.TensorSpec(images.shape, "uint8"), tf.TensorSpec(maps.shape, "int32")
    augment = seeded_augmentation([make(name)], 3, specs)
    x, y = (part.numpy() for part in augment(5, (images, maps)))
    assert x.dtype == "uint8" and set(np.unique(y)) <= {0, 1, 2, 3}
    if name in ("colours", "jitter"):
        np.testing.assert_array_equal(y, maps)
    elif name == "rand":
        assert not np.array_equal(y, maps)
    else:
        shown = x[..., 0] > 0 if name == "shift" else True  # what is shifted in is black
        assert np.mean((np.abs(x[..., 0] / 60 - y) > 0.51) & shown) < 0.02
        assert y.shape != maps.shape or not np.array_equal(y, maps)
    assert not np.array_equal(augment(6, (images, maps))[0], x)
    again = augment(5, (images, maps))  # as in a resumed run
    np.testing.assert_array_equal(again[0], x)
    np.testing.assert_array_equal(again[1], y)


@pytest.mark.parametrize("name", ["elastic", "crop", "scales", "rand"])
def test_unknown_sizes(name):
    signature = tf.TensorSpec((None, None, None, 3), "uint8")
    data = tf.data.Dataset.from_generator(lambda: iter([IMAGES]), output_signature=signature)
    (moved,) = data.map(make(name, seed=2)).as_numpy_iterator()
    assert moved.dtype == np.uint8 and moved.shape == (6, *LAYERS[name][2], 3)


@pytest.mark.parametrize("name", LAYERS)
def test_config_and_saving(name, tmp_path):
    layer = make(name, seed=3)
    config = layer.get_config()
    cls, settings, _ = LAYERS[name]
    assert {key: config[key] for key in settings} == settings and config["seed"] == 3
    assert cls.from_config(config).get_config() == config
    assert keras.saving.get_registered_name(cls) == f"kzoo>{cls.__name__}"
    model = keras.Sequential([keras.Input((12, 10, 3)), layer])
    model.save(tmp_path / "layer.keras")
    loaded = keras.models.load_model(tmp_path / "layer.keras").layers[0]
    np.testing.assert_array_equal(loaded(IMAGES, training=True), layer(IMAGES, training=True))


@pytest.mark.parametrize("name", LAYERS)
def test_refuses_other_ranks_and_formats(name):
    with pytest.raises(ValueError, match=r"expects images of rank 3 or 4; received shape=\(4, 4\)"):
        make(name)(np.zeros((4, 4)))
    with pytest.raises(Refusal, match="expects data_format, one of .* received data_format='middle'"):
        make(name, data_format="middle")


@pytest.mark.parametrize("value", [3, (1, 0.5), (0, 1), (0.5, 2), (True, 1), (0.5, "1"), (0.5,), (0.5, float("nan"))])
def test_ranges(value):
    with pytest.raises(Refusal, match="Crop expects area, two ascending numbers above 0 and at most 1; received"):
        check_range("Crop", "area", value, 0, 1)


@pytest.mark.parametrize("value", [0, -3, 2.5, True, "8"])
def test_sides(value):
    check_sides("Crop", height=None, width=8)
    with pytest.raises(Refusal, match="Crop expects width, an integer above 0 or None; received width="):
        check_sides("Crop", height=None, width=value)
