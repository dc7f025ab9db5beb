"""SavedModels: every signature with the right numbers, labels as an asset, plain operations, TensorFlow's own tools."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export.graph_check import strange
from kzoo.export.saved_model import stages, takes_images, write_saved_model
from tests.export.conftest import LABELS


@pytest.fixture(scope="module")
def path(net, tmp_path_factory):
    """The small net's SavedModel."""
    folder = tmp_path_factory.mktemp("export") / "saved_model"
    write_saved_model(net, folder, LABELS)
    return folder


@pytest.fixture(scope="module")
def loaded(path):
    return tf.saved_model.load(path)


def graph_of(path):
    return saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def


def test_serves_batches(net, loaded, images):
    for n in (1, 7):
        np.testing.assert_allclose(loaded.serve(images[:n]), net(images[:n]), atol=1e-6)
        (answer,) = loaded.signatures["serving_default"](input=tf.constant(images[:n])).values()
        np.testing.assert_array_equal(answer, loaded.serve(images[:n]))
    assert set(loaded.signatures) == {"serve", "serving_default", "features", "serve_pixels", "serve_image"}


def test_serves_features(net, loaded, images):
    found = loaded.features(images)
    assert {name: tuple(y.shape) for name, y in found.items()} == {"stage1": (20, 8, 8, 4), "stage2": (20, 4, 4, 4)}
    maps = keras.Model(net.input, net.get_layer("stage1").output)(images)
    np.testing.assert_allclose(found["stage1"], maps, atol=1e-6)


def test_serves_pixels_and_files(net, loaded, images):
    pixels = images.astype("uint8")
    np.testing.assert_allclose(loaded.serve_pixels(pixels), net(images), atol=1e-6)
    png = tf.constant([tf.io.encode_png(one).numpy() for one in pixels])
    np.testing.assert_allclose(loaded.serve_image(png), net(images), atol=1e-6)
    jpeg = tf.io.encode_jpeg(pixels[0], quality=100)
    same = tf.cast(tf.io.decode_jpeg(jpeg), "float32")[None]
    np.testing.assert_allclose(loaded.serve_image(jpeg[None]), net(same), atol=1e-6)


def test_images_of_other_sizes_are_resized_as_data_is(net, loaded):
    from kzoo.data.source import tidy

    image = np.random.default_rng(0).integers(0, 256, (30, 20, 1)).astype("uint8")
    fitted = tf.cast(tidy(tf.constant(image), tf.constant(0), (8, 8))[0], "float32")[None]
    np.testing.assert_allclose(loaded.serve_pixels(image[None]), net(fitted), atol=1e-6)
    files = [tf.io.encode_png(one).numpy() for one in (image, image[:8, :8])]  # of two sizes in one batch
    found = loaded.serve_image(tf.constant(files))
    np.testing.assert_allclose(found[0], net(fitted)[0], atol=1e-6)
    np.testing.assert_allclose(found[1], net(image[None, :8, :8].astype("float32"))[0], atol=1e-6)


def test_colours_become_grey_where_the_net_is_grey(loaded):
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype("uint8")
    assert loaded.serve_image(tf.io.encode_png(colours)[None]).shape == (1, 3)


def test_labels_are_an_asset(path):
    assert (path / "assets" / "labels.txt").read_text().splitlines() == list(LABELS)


def test_weights_are_written_once(net, path):
    size = sum(file.stat().st_size for file in (path / "variables").iterdir())
    assert 4 * net.count_params() < size < 4 * net.count_params() + 2000


def test_holds_plain_operations_only(path):
    assert strange(graph_of(path)) == []


def test_kerass_own_export_is_plain(net, tmp_path):
    """The test by frames of `kzoo.ops.xla`, without a word of ours around the export, after a prediction too."""
    net.predict(np.zeros((2, 8, 8, 1)), verbose=0)
    net.export(tmp_path / "plain", verbose=False)
    assert strange(graph_of(tmp_path / "plain")) == []
    module = tf.Module()
    module.kept = [weight.value for weight in net.weights]
    module.call = tf.function(net, input_signature=[tf.TensorSpec((None, 8, 8, 1))], autograph=False)
    tf.saved_model.save(module, tmp_path / "islands")
    assert strange(graph_of(tmp_path / "islands"))  # as the absence above would show nothing otherwise


def test_functions_for_xla_alone_are_refused(tmp_path):
    x = keras.Input((8, 8, 4))
    net = keras.Model(x, keras.layers.Conv2D(4, 3, groups=2)(x), name="grouped")
    with pytest.raises(Refusal, match="^export of grouped: its graph holds a function that must be compiled by XLA"):
        write_saved_model(net, tmp_path / "it")
    assert not (tmp_path / "it").exists()


def test_open_sizes_and_several_inputs(tmp_path):
    a, b = keras.Input((None, None, 3), name="picture"), keras.Input((2,), name="more")
    pooled = layers.AdaptiveMaxPooling2D(2, name="stage1")(a)
    both = keras.layers.Concatenate()([keras.layers.Flatten()(pooled), b])
    write_saved_model(keras.Model([a, b], [both, pooled]), tmp_path / "it")
    loaded = tf.saved_model.load(tmp_path / "it")
    assert set(loaded.signatures) == {"serve", "serving_default", "features"}
    for height in (5, 8):
        x, y = np.random.default_rng(0).normal(size=(3, height, 7, 3)).astype("float32"), np.ones((3, 2), "float32")
        flat, maps = loaded.serve([x, y])
        assert flat.shape == (3, 14) and maps.shape == (3, 2, 2, 3)
        assert loaded.features([x, y])["stage1"].shape == (3, 2, 2, 3)


def test_open_sizes_take_images_as_they_are(tmp_path):
    x = keras.Input((None, None, 3))
    write_saved_model(keras.Model(x, keras.layers.GlobalAveragePooling2D()(x)), tmp_path / "it")
    loaded = tf.saved_model.load(tmp_path / "it")
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 9, 3)).astype("uint8")
    np.testing.assert_allclose(loaded.serve_pixels(images), images.mean((1, 2)), rtol=1e-5)
    files = tf.constant([tf.io.encode_png(one).numpy() for one in images])
    np.testing.assert_allclose(loaded.serve_image(files), images.mean((1, 2)), rtol=1e-5)


def test_features_of_half_precision_are_float32(tmp_path):
    x = keras.Input((8, 8, 2))
    y = keras.layers.Conv2D(2, 3, dtype="mixed_bfloat16", name="stage1")(x)
    net = keras.Model(x, keras.layers.Flatten(dtype="float32")(y))
    write_saved_model(net, tmp_path / "it")
    loaded = tf.saved_model.load(tmp_path / "it")
    assert loaded.features(np.ones((1, 8, 8, 2), "float32"))["stage1"].dtype == tf.float32


def test_saved_model_cli_gives_the_same_numbers(net, path, images, tmp_path):
    np.save(tmp_path / "x.npy", images)
    tool = os.path.join(os.path.dirname(sys.executable), "saved_model_cli")
    command = [tool, "run", f"--dir={path}", "--tag_set", "serve", "--signature_def", "serving_default"]
    command += ["--inputs", f"input={tmp_path}/x.npy", "--outdir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    np.testing.assert_allclose(np.load(tmp_path / "output_0.npy"), net(images), atol=1e-6)


def test_what_takes_images(net):
    assert takes_images(net) and stages(net) == ["stage1", "stage2"]
    for shape in ((8, 8), (8, 8, 2), (4, 8, 8, 3), (5,)):
        x = keras.Input(shape)
        assert not takes_images(keras.Model(x, keras.layers.Flatten()(x)))
