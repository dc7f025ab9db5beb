"""SavedModels: every signature with the right numbers, labels as an asset, plain operations, TensorFlow's own tools."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.data.example_reader import ExampleReader
from kzoo.export.formats.saved_model import FORMAT
from kzoo.export.graph_check import foreign_operations
from kzoo.export.verification_inputs import make_batch
from tests.export.conftest import LABELS


@pytest.fixture(scope="module")
def path(small_model, tmp_path_factory):
    """The small model's SavedModel."""
    folder = tmp_path_factory.mktemp("export") / "saved_model"
    FORMAT.write(small_model, folder, labels=LABELS)
    return folder


@pytest.fixture(scope="module")
def loaded(path):
    return tf.saved_model.load(path)


def graph_of(path):
    return saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def


def test_serves_batches(small_model, loaded, images):
    for n in (1, 7):
        np.testing.assert_allclose(loaded.serve(images[:n]), small_model(images[:n]), atol=1e-6)
        (output,) = loaded.signatures["serving_default"](input=tf.constant(images[:n])).values()
        np.testing.assert_array_equal(output, loaded.serve(images[:n]))
    assert set(loaded.signatures) == {"serve", "serving_default", "features", "serve_pixels", "serve_image"}


def test_serves_features(small_model, loaded, images):
    found = loaded.features(images)
    assert {name: tuple(y.shape) for name, y in found.items()} == {"stage1": (20, 8, 8, 4), "stage2": (20, 4, 4, 4)}
    maps = keras.Model(small_model.input, small_model.get_layer("stage1").output)(images)
    np.testing.assert_allclose(found["stage1"], maps, atol=1e-6)


def test_serves_pixels_and_files(small_model, loaded, images):
    pixels = images.astype("uint8")
    np.testing.assert_allclose(loaded.serve_pixels(pixels), small_model(images), atol=1e-6)
    png = tf.constant([tf.io.encode_png(one).numpy() for one in pixels])
    np.testing.assert_allclose(loaded.serve_image(png), small_model(images), atol=1e-6)


def test_files_are_read_as_predict_reads_them(small_model, loaded, tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 1000, (8, 8)).astype("uint16")).save(tmp_path / "deep.png")
    Image.fromarray(rng.integers(0, 256, (11, 9, 4)).astype("uint8")).save(tmp_path / "transparent.png")
    Image.fromarray(rng.integers(0, 256, (11, 9, 3)).astype("uint8")).save(tmp_path / "colours.jpg")
    files = sorted(tmp_path.iterdir())
    expected = small_model(np.concatenate([ExampleReader("predict", (8, 8, 1)).read(file) for file in files]))
    found = loaded.serve_image(tf.constant([file.read_bytes() for file in files]))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_images_of_other_sizes_are_resized_as_data_is(small_model, loaded):
    from kzoo.data.source import resize_images

    image = np.random.default_rng(0).integers(0, 256, (30, 20, 1)).astype("uint8")
    fitted = tf.cast(resize_images(tf.constant(image), (8, 8)), "float32")[None]
    np.testing.assert_allclose(loaded.serve_pixels(image[None]), small_model(fitted), atol=1e-6)
    files = [tf.io.encode_png(one).numpy() for one in (image, image[:8, :8])]  # of two sizes in one batch
    found = loaded.serve_image(tf.constant(files))
    np.testing.assert_allclose(found[0], small_model(fitted)[0], atol=1e-6)
    np.testing.assert_allclose(found[1], small_model(image[None, :8, :8].astype("float32"))[0], atol=1e-6)


def test_colours_become_grey_where_the_net_is_grey(loaded):
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype("uint8")
    assert loaded.serve_image(tf.io.encode_png(colours)[None]).shape == (1, 3)


def test_labels_are_an_asset(path):
    assert (path / "assets" / "labels.txt").read_text().splitlines() == list(LABELS)


def test_weights_are_written_once(small_model, path):
    size = sum(file.stat().st_size for file in (path / "variables").iterdir())
    assert 4 * small_model.count_params() < size < 4 * small_model.count_params() + 2000


def test_holds_plain_operations_only(path):
    assert foreign_operations(graph_of(path)) == []


def test_kerass_own_export_is_plain(small_model, tmp_path):
    """`kzoo.ops.xla` recognizes Keras's export by the call stack, without `no_islands`, also after a prediction."""
    small_model.predict(np.zeros((2, 8, 8, 1)), verbose=0)
    small_model.export(tmp_path / "plain", verbose=False)
    assert foreign_operations(graph_of(tmp_path / "plain")) == []
    module = tf.Module()
    module.kept = [weight.value for weight in small_model.weights]
    module.call = tf.function(small_model, input_signature=[tf.TensorSpec((None, 8, 8, 1))], autograph=False)
    tf.saved_model.save(module, tmp_path / "islands")
    assert foreign_operations(graph_of(tmp_path / "islands"))  # as the absence above would show nothing otherwise


def test_outputs_without_names(tmp_path):
    """As Keras and earlier versions write them: "output_0" and further ones."""
    x = keras.Input((4,))
    model = keras.Model(x, [keras.layers.Dense(2, name=f"head{5 * i % 12}")(x) for i in range(12)])
    model.export(tmp_path / "it", verbose=False)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for received, expected in zip(FORMAT.open(tmp_path / "it")[1]({"x": x}), model(x), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-6)


def test_functions_for_xla_alone_are_refused(tmp_path):
    x = keras.Input((8, 8, 4))
    model = keras.Model(x, keras.layers.Conv2D(4, 3, groups=2)(x), name="grouped")
    with pytest.raises(Refusal, match="^export of grouped: its graph holds a function that must be compiled by XLA"):
        FORMAT.write(model, tmp_path / "it")
    assert not (tmp_path / "it").exists()


def test_open_sizes_and_several_inputs(tmp_path):
    a, b = keras.Input((None, None, 3), name="picture"), keras.Input((2,), name="more")
    pooled = layers.AdaptiveMaxPooling2D(2, name="stage1")(a)
    both = keras.layers.Concatenate()([keras.layers.Flatten()(pooled), b])
    FORMAT.write(keras.Model([a, b], [both, pooled]), tmp_path / "it")
    loaded = tf.saved_model.load(tmp_path / "it")
    assert set(loaded.signatures) == {"serve", "serving_default", "features"}
    for height in (5, 8):
        x, y = np.random.default_rng(0).normal(size=(3, height, 7, 3)).astype("float32"), np.ones((3, 2), "float32")
        flat, maps = loaded.serve([x, y])
        assert flat.shape == (3, 14) and maps.shape == (3, 2, 2, 3)
        assert loaded.features([x, y])["stage1"].shape == (3, 2, 2, 3)


def test_open_sizes_take_images_as_they_are(tmp_path):
    x = keras.Input((None, None, 3))
    FORMAT.write(keras.Model(x, keras.layers.GlobalAveragePooling2D()(x)), tmp_path / "it")
    loaded = tf.saved_model.load(tmp_path / "it")
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 9, 3)).astype("uint8")
    np.testing.assert_allclose(loaded.serve_pixels(images), images.mean((1, 2)), rtol=1e-5)
    files = tf.constant([tf.io.encode_png(one).numpy() for one in images])
    np.testing.assert_allclose(loaded.serve_image(files), images.mean((1, 2)), rtol=1e-5)


def test_features_of_half_precision_are_float32(tmp_path):
    x = keras.Input((8, 8, 2))
    y = keras.layers.Conv2D(2, 3, dtype="mixed_bfloat16", name="stage1")(x)
    model = keras.Model(x, keras.layers.Flatten(dtype="float32")(y))
    FORMAT.write(model, tmp_path / "it")
    loaded = tf.saved_model.load(tmp_path / "it")
    assert loaded.features(np.ones((1, 8, 8, 2), "float32"))["stage1"].dtype == tf.float32


@pytest.mark.large
def test_saved_model_cli_gives_the_same_numbers(small_model, path, images, tmp_path):
    np.save(tmp_path / "x.npy", images)
    tool = os.path.join(os.path.dirname(sys.executable), "saved_model_cli")
    command = [tool, "run", f"--dir={path}", "--tag_set", "serve", "--signature_def", "serving_default"]
    command += ["--inputs", f"input={tmp_path}/x.npy", "--outdir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    np.testing.assert_allclose(np.load(tmp_path / "predictions.npy"), small_model(images), atol=1e-6)


def test_tolerance_of_half_precision():
    x = keras.Input((8,))
    for dtype, tolerance in {"float32": 1e-5, "mixed_bfloat16": 2e-2}.items():
        assert FORMAT.allowed_difference(keras.Model(x, keras.layers.Dense(1, dtype=dtype)(x))) == tolerance


def test_report_and_card_notes(small_model, images):
    batch = make_batch(small_model, [images[:2]])
    signatures = FORMAT.report_extra("it", [batch, batch, *FORMAT.signature_batches(small_model, batch)], [])
    assert signatures == {"signatures": ["serving_default", "features", "serve_pixels", "serve_image"]}
    notes = " ".join(FORMAT.card_notes({**signatures, "file": "1"}))
    assert "model.features" in notes and "model.serve_image(files)" in notes and "`1/assets/labels.txt`" in notes
    assert "model." not in " ".join(FORMAT.card_notes({"signatures": ["serving_default"], "file": "1"}))
