"""CapsNet: the table of its card, lengths, what the decoder draws, two losses at once, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.losses import CapsuleMarginLoss
from kzoo.models.registry import model
from tests.models.cards import shapes, trained

SMALL = {"filters": 8, "capsules": 2, "kernel_size": 3, "fc_units": (16,), "input_shape": (8, 8, 1), "classes": 4}


def images(count, seed=0):
    draw = np.random.default_rng(seed)
    return draw.uniform(size=(count, 8, 8, 1)).astype("float32"), draw.integers(0, 4, count)


def test_sizes_of_the_card():
    net = model("capsnet", width=1 / 32)
    got = shapes(net, ["stage1", "stage2", "capsules", "mask", "predictions", "reconstruction"])
    assert list(got.values()) == [(20, 20, 8), (36, 8), (10, 16), (10, 16), (10,), (28, 28, 1)]
    assert model("capsnet", decoder=False, width=1 / 32).output_shape == (None, 10)


def test_counts_without_the_decoder_and_with_biases():
    without = trained(sketch("capsnet", decoder=False))
    assert without == 6_804_224 and trained(sketch("capsnet", decoder=False, bias=True)) == without + 160


def test_lengths_are_those_of_the_vectors():
    net = model("capsnet", **SMALL)
    x, y = images(5)
    vectors, lengths, drawn = keras.Model(net.inputs, [net.get_layer("capsules").output, *net.outputs])([x, y])
    np.testing.assert_allclose(lengths, np.linalg.norm(vectors, axis=-1), rtol=1e-5)
    assert lengths.dtype == drawn.dtype == "float32" and 0 < np.min(drawn) <= np.max(drawn) < 1


def test_the_decoder_draws_the_capsule_of_the_label_or_else_the_longest():
    net = model("capsnet", **SMALL)
    x, _ = images(1)
    lengths, drawn = zip(*(net([x, np.array([label])]) for label in (0, 1, 2, 3, -1)))
    for one in lengths[1:]:
        np.testing.assert_array_equal(one, lengths[0])
    assert all((drawn[0] != one).numpy().any() for one in drawn[1:4])
    np.testing.assert_array_equal(drawn[-1], drawn[int(np.argmax(lengths[0]))])


def test_the_image_alone_is_enough_for_the_lengths():
    net = model("capsnet", **SMALL)
    x, y = images(3)
    np.testing.assert_array_equal(keras.Model(net.inputs[0], net.outputs[0])(x), net([x, y])[0])


def test_fits_both_targets(tmp_path):
    """32 images of noise to their classes, and drawn better than by their mean; and back from a file."""
    keras.utils.set_random_seed(1)
    net = model("capsnet", **{**SMALL, "fc_units": (64,)}, routings=2)
    x, y = images(32)
    losses = [CapsuleMarginLoss(), keras.losses.MeanSquaredError()]
    net.compile(keras.optimizers.Adam(0.01), losses, loss_weights=[1, 2], metrics=[["accuracy"], []])
    net.fit(tf.data.Dataset.from_tensors(((x, y), (y, x))).repeat(200), verbose=0)
    lengths, drawn = net.predict([x, y], verbose=0)
    assert (lengths.argmax(1) == y).all()
    assert ((drawn - x) ** 2).mean() < 0.8 * x.var(0).mean()
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(again.predict([x, y], verbose=0)[1], drawn, atol=1e-6)


def test_preprocessed_images_are_what_is_drawn():
    inputs = keras.Input((12, 12, 1), name="pixels")
    cropped = keras.layers.CenterCrop(8, 8)(keras.layers.Rescaling(1 / 255)(inputs))
    net = model("capsnet", **{**SMALL, "input_tensor": cropped})
    assert [tensor.name for tensor in net.inputs] == ["pixels", "label"]
    assert net.output_shape == [(None, 4), (None, 8, 8, 1)]


def test_without_top():
    small = {key: SMALL[key] for key in ("filters", "capsules", "kernel_size")}
    assert model("capsnet", include_top=False, **small).output_shape == (None, 24 * 24 // 4 * 2, 8)
    assert model("capsnet", include_top=False, input_shape=(None, None, 1), **small).output_shape == (None, None, 8)
    assert model("capsnet", include_top=False, pooling="avg", **small).output_shape == (None, 8)
    assert model("capsnet", features=("stage1",), **SMALL).output_shape == (None, 6, 6, 8)


def test_baseline():
    net = model("capsnet_baseline", width=1 / 64, fc_units=(8, 4), dropout=0.3)
    assert list(shapes(net, ["stage1", "stage3", "fc1", "fc2"]).values()) == [(28, 28, 4), (28, 28, 2), (8,), (4,)]
    assert [layer.rate for layer in net.layers if isinstance(layer, keras.layers.Dropout)] == [0.3]
    assert net.layers[-2].name == "dropout"


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"routings": 0}, "routings"),
        ({"filters": 2.5}, "filters"),
        ({"capsules": "many"}, "capsules"),
        ({"dimensions": (8,)}, "dimensions of both"),
        ({"fc_units": (0,)}, "fc_units"),
        ({"kernel_size": 5}, "sides of at least 9"),
        ({"input_shape": (None, 8, 1)}, "known sizes with include_top=True"),
        ({"classes": 0}, "classes"),
        ({"pooling": "sum"}, "pooling"),
    ],
    ids=str,
)
def test_refused(settings, told):
    with pytest.raises(Refusal, match=told):
        model("capsnet", **{**SMALL, **settings})


@pytest.mark.parametrize("settings, told", [({"dropout": 1}, "dropout"), ({"filters": (0,)}, "filters")], ids=str)
def test_refused_by_the_baseline(settings, told):
    with pytest.raises(Refusal, match=told):
        model("capsnet_baseline", **settings)
