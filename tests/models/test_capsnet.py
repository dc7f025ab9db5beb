"""CapsNet: its shapes, lengths, reconstructions by the decoder, two losses at once, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.losses import CapsuleMarginLoss
from kzoo.models.registry import model
from tests.models.cards import MNIST, Fit, check_start, shapes, trained

CARDS = {  # trained parameters, input, classes
    "capsnet": (8_215_568, MNIST, 10),
    "capsnet_baseline": (35_445_522, MNIST, 10),
}
FITS = {
    "capsnet": Fit(
        {"filters": 8, "capsules": 2, "kernel_size": 3, "decoder": False, "input_shape": (8, 8, 1)}, slow=True
    ),
    "capsnet_baseline": Fit({"width": 0.1, "dropout": 0.0, "input_shape": (8, 8, 1)}),
}

SMALL = {"filters": 8, "capsules": 2, "kernel_size": 3, "fc_units": (16,), "input_shape": (8, 8, 1), "classes": 4}

TRUNCATED = 0.87962566  # standard deviation of a standard normal distribution truncated at -2 and 2


def images(count, seed=0):
    draw = np.random.default_rng(seed)
    return draw.uniform(size=(count, 8, 8, 1)).astype("float32"), draw.integers(0, 4, count)


def test_sizes_of_the_card():
    built = model("capsnet", width=1 / 32)
    got = shapes(built, ["stage1", "stage2", "capsules", "mask", "predictions", "reconstruction"])
    assert list(got.values()) == [(20, 20, 8), (36, 8), (10, 16), (10, 16), (10,), (28, 28, 1)]
    assert model("capsnet", decoder=False, width=1 / 32).output_shape == (None, 10)


def test_counts_without_the_decoder_and_with_biases():
    without = trained(sketch("capsnet", decoder=False))
    assert without == 6_804_224 and trained(sketch("capsnet", decoder=False, bias=True)) == without + 160


def test_lengths_are_those_of_the_vectors():
    built = model("capsnet", **SMALL)
    x, y = images(5)
    vectors, lengths, drawn = keras.Model(built.inputs, [built.get_layer("capsules").output, *built.outputs])([x, y])
    np.testing.assert_allclose(lengths, np.linalg.norm(vectors, axis=-1), rtol=1e-5)
    assert lengths.dtype == drawn.dtype == "float32" and 0 < np.min(drawn) <= np.max(drawn) < 1


def test_the_decoder_draws_the_capsule_of_the_label_or_else_the_longest():
    built = model("capsnet", **SMALL)
    x, _ = images(1)
    lengths, drawn = zip(*(built([x, np.array([label])]) for label in (0, 1, 2, 3, -1)))
    for one in lengths[1:]:
        np.testing.assert_array_equal(one, lengths[0])
    assert all((drawn[0] != one).numpy().any() for one in drawn[1:4])
    np.testing.assert_array_equal(drawn[-1], drawn[int(np.argmax(lengths[0]))])


def test_the_image_alone_is_enough_for_the_lengths():
    built = model("capsnet", **SMALL)
    x, y = images(3)
    np.testing.assert_array_equal(keras.Model(built.inputs[0], built.outputs[0])(x), built([x, y])[0])


def test_fits_both_targets(tmp_path):
    """Learns 32 images of noise, reconstructs them better than their mean does, and is restored from a file."""
    keras.utils.set_random_seed(1)
    built = model("capsnet", **{**SMALL, "fc_units": (64,)}, routings=2)
    x, y = images(32)
    losses = [CapsuleMarginLoss(), keras.losses.MeanSquaredError()]
    built.compile(keras.optimizers.Adam(0.01), losses, loss_weights=[1, 2], metrics=[["accuracy"], []])
    built.fit(tf.data.Dataset.from_tensors(((x, y), (y, x))).repeat(200), verbose=0)
    lengths, drawn = built.predict([x, y], verbose=0)
    assert (lengths.argmax(1) == y).all()
    assert ((drawn - x) ** 2).mean() < 0.8 * x.var(0).mean()
    built.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict([x, y], verbose=0)[1], drawn, atol=1e-6)


def test_preprocessed_images_are_what_is_drawn():
    inputs = keras.Input((12, 12, 1), name="pixels")
    cropped = keras.layers.CenterCrop(8, 8)(keras.layers.Rescaling(1 / 255)(inputs))
    built = model("capsnet", **{**SMALL, "input_tensor": cropped})
    assert [tensor.name for tensor in built.inputs] == ["pixels", "label"]
    assert built.output_shape == [(None, 4), (None, 8, 8, 1)]


def test_without_top():
    small = {key: SMALL[key] for key in ("filters", "capsules", "kernel_size")}
    assert model("capsnet", include_top=False, **small).output_shape == (None, 24 * 24 // 4 * 2, 8)
    assert model("capsnet", include_top=False, input_shape=(None, None, 1), **small).output_shape == (None, None, 8)
    assert model("capsnet", include_top=False, pooling="avg", **small).output_shape == (None, 8)
    assert model("capsnet", features=("stage1",), **SMALL).output_shape == (None, 6, 6, 8)


def test_initial_values():
    """The authors' code: normal numbers truncated at two deviations, of 0.05 in the first layer and then 0.1."""
    built = model("capsnet", **SMALL)
    check_start(built.get_layer("stage1"), 0.05 * TRUNCATED, 0.1)
    for name in ("decoder_fc1", "drawn"):
        check_start(built.get_layer(name), 0.1 * TRUNCATED, 0.1)
    check_start(built.get_layer("stage2").conv, 0.1 * TRUNCATED, 0.1)


def test_baseline():
    built = model("capsnet_baseline", width=1 / 64, fc_units=(8, 4), dropout=0.3)
    assert list(shapes(built, ["stage1", "stage3", "fc1", "fc2"]).values()) == [(28, 28, 4), (28, 28, 2), (8,), (4,)]
    assert [layer.rate for layer in built.layers if isinstance(layer, keras.layers.Dropout)] == [0.3]
    assert built.layers[-2].name == "dropout"


@pytest.mark.parametrize(
    "settings, message",
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
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("capsnet", **{**SMALL, **settings})


@pytest.mark.parametrize("settings, message", [({"dropout": 1}, "dropout"), ({"filters": (0,)}, "filters")], ids=str)
def test_refused_by_the_baseline(settings, message):
    with pytest.raises(Refusal, match=message):
        model("capsnet_baseline", **settings)
