"""Weights of tags, files and runs: what is loaded, and messages that name the layers that differ."""

import hashlib

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.loader import load
from kzoo.models import weights
from kzoo.models.registry import describe, model
from kzoo.models.weights import load_weights, register_weights, tags_of

X = np.random.default_rng(2).normal(size=(3, 40, 1)).astype("float32")


def refusal(call, *args, **settings):
    """Returns the message of the Refusal that a call raises, which is one line."""
    with pytest.raises(Refusal) as caught:
        call(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def drawn(name="mnist1d_cnn", **settings):
    """Returns a model with weights that differ from its initial ones."""
    built = model(name, **settings)
    draw = np.random.default_rng(1)
    built.set_weights([draw.normal(size=w.shape) for w in built.get_weights()])
    return built


def saved(built, file):
    """Saves the model's weights to the file; returns the file."""
    (built.save_weights if str(file).endswith("h5") else built.save)(file)
    return file


def same(got, want):
    """Returns whether two lists of layers have the same weights."""
    return all(np.array_equal(a, b) for x, y in zip(got, want, strict=True) for a, b in zip(x.weights, y.weights))


@pytest.fixture
def tags(monkeypatch):
    """Returns a table of tags that the test may change."""
    monkeypatch.setattr(weights, "_TAGS", dict(weights._TAGS))


def test_shipped_weights():
    """The weights that kzoo ships have the error of the run that trained them, about 14 %."""
    built, test = model("mnist1d_cnn", weights="mnist1d"), load("mnist1d").test
    x, y = next(iter(test.once(test.size)))
    assert np.mean(built.predict(x, verbose=0).argmax(-1) != y.numpy()) < 0.15
    assert tags_of("mnist1d_cnn") == describe("mnist1d_cnn")["weights"] == ["mnist1d"] and tags_of("mnist1d_fc") == []
    maps = model("mnist1d_cnn", weights="mnist1d", features="stage2", name="mine")
    assert same(maps.layers[1:3], built.layers[1:3])


@pytest.mark.parametrize("file", ["w.weights.h5", "model.keras", "run"])
def test_files_and_runs(tmp_path, monkeypatch, file):
    """Also a run's name, a model without the top, and one after a preprocessing layer with its own statistics."""
    built = drawn()
    if file == "run":
        (tmp_path / "saved_models" / "run").mkdir(parents=True)
        saved(built, tmp_path / "saved_models" / "run" / "model.keras")
        monkeypatch.chdir(tmp_path)
    path = "run" if file == "run" else str(saved(built, tmp_path / file))
    assert same(model("mnist1d_cnn", weights=path).layers, built.layers)
    bare = model("mnist1d_cnn", include_top=False, weights=path)
    assert same(bare.layers, built.layers[:4])
    scaled = keras.layers.Normalization(mean=1.0, variance=4.0)(keras.Input((40, 1)))
    assert same(model("mnist1d_cnn", input_tensor=scaled, weights=path).layers[2:], built.layers[1:])


def test_until(tmp_path):
    """Loads the first layers from a file; later layers may differ."""
    source = drawn()
    file = saved(source, tmp_path / "w.weights.h5")
    built = model("mnist1d_cnn", classes=4, stages=2)
    last = np.array(built.layers[-1].kernel)
    assert load_weights(built, file, until="stage1") is built
    assert same(built.layers[1:2], source.layers[1:2]) and not same(built.layers[2:3], source.layers[2:3])
    load_weights(built, file, until="stage2")
    assert same(built.layers[1:3], source.layers[1:3]) and np.array_equal(last, built.layers[-1].kernel)
    assert "until, did you mean 'stage2'" in refusal(load_weights, built, file, until="stage22")
    assert "predictions has" in refusal(load_weights, built, file, until="predictions")


def test_batch_norms_and_half_precision(tmp_path):
    settings = {"blocks": 1, "width": 0.25, "input_shape": (16, 16, 3)}
    built = drawn("resnet20_cifar", **settings)
    file = saved(built, tmp_path / "w.weights.h5")
    assert same(model("resnet20_cifar", **settings, weights=file).layers, built.layers)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        half = drawn()
        got = model("mnist1d_cnn", weights=saved(half, tmp_path / "half.weights.h5"))
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_array_equal(np.array(got(X)), np.array(half(X)))


def test_layers_that_differ_are_named(tmp_path):
    file = saved(drawn(), tmp_path / "w.weights.h5")
    got = refusal(model, "mnist1d_cnn", filters=4, classes=3, weights=file)
    assert got == (
        f"{file} does not fit model 'mnist1d_cnn': "
        "stage1 has (3, 1, 15) (15,) in the file and (3, 1, 4) (4,) in the model; "
        "stage2 has (3, 15, 15) (15,) in the file and (3, 4, 4) (4,) in the model; "
        "stage3 has (3, 15, 15) (15,) in the file and (3, 4, 4) (4,) in the model and 1 more."
    )
    got = refusal(model, "mnist1d_cnn", stages=4, kernel_size=2, weights=file)
    assert got.endswith("and 2 more.")
    got = refusal(model, "mnist1d_cnn", stages=2, input_shape=(19, 1), weights=file)
    assert got.endswith("model 'mnist1d_cnn': the model has no stage3.")
    got = refusal(model, "nielsen_3", weights=file)
    assert "predictions has (60, 10) (10,) in the file and (100, 10) (10,) in the model; " in got
    assert "the file has no stage1_conv, stage2_conv, fc1; the model has no stage1, stage2, stage3." in got
    # a deeper model's first stages would fit, but its features differ
    assert "the model has no stage3" in refusal(model, "mnist1d_cnn", stages=2, include_top=False, weights=file)


def test_other_files(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("none.keras", "none.weights.h5", "w.h5"):
        got = refusal(model, "mnist1d_cnn", weights=tmp_path / name)
        assert "weights, None, 'mnist1d', an existing .weights.h5 or .keras file, or a run's folder or name" in got
        assert got.endswith(f"received weights={str(tmp_path / name)!r}.")
    assert "received weights='mnist'" in refusal(model, "mnist1d_cnn", weights="mnist")
    assert "model.keras is missing" in refusal(model, "mnist1d_cnn", weights=tmp_path / "folder")
    for bad in ("", 5, ["mnist1d"], b"w.keras"):
        assert refusal(model, "mnist1d_cnn", weights=bad).endswith(f"received weights={bad!r}.")
    for name in ("broken.keras", "broken.weights.h5"):
        (tmp_path / name).write_bytes(b"not a file of weights")
        assert "cannot be read as a file of weights" in refusal(model, "mnist1d_cnn", weights=tmp_path / name)


def test_tags(tmp_path, tags):
    built = drawn()
    file = saved(built, tmp_path / "w.weights.h5")
    register_weights("mnist1d_cnn", "mine", file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert same(model("mnist1d_cnn", weights="mine").layers, built.layers)
    assert same(load_weights(model("mnist1d_cnn"), "mine").layers, built.layers)
    assert "not yet taken" in refusal(register_weights, "mnist1d_cnn", "mine", file, "")
    assert "file, a .weights.h5 or .keras file" in refusal(register_weights, "mnist1d_cnn", "other", "w.npz", "")
    saved(drawn(classes=3), file)
    got = refusal(model, "mnist1d_cnn", weights="mine")
    assert got.startswith(f"{file} is not weights 'mine' of 'mnist1d_cnn': its SHA-256 is ")
    file.unlink()
    assert "an existing file" in refusal(model, "mnist1d_cnn", weights="mine")


def test_tags_as_a_source():
    """What the message about a source offers is accepted: a tag, up to a layer and whole."""
    source, built = model("mnist1d_cnn", weights="mnist1d"), model("mnist1d_cnn", classes=4)
    assert load_weights(built, "mnist1d", until="stage2") is built
    assert same(built.layers[:3], source.layers[:3]) and not same(built.layers[3:4], source.layers[3:4])
    assert same(load_weights(model("mnist1d_cnn"), "mnist1d").layers, source.layers)
    assert "weights 'mnist1d' does not fit model 'mnist1d_cnn': predictions has (60, 10) (10,)" in refusal(
        load_weights, built, "mnist1d"
    )


def test_a_new_top_for_other_classes(tmp_path, tags):
    """Of the last layer with weights only, and only if `classes` is given and the weights are those of a tag."""
    source, built = model("mnist1d_cnn", weights="mnist1d"), model("mnist1d_cnn", classes=4, weights="mnist1d")
    assert built.output_shape == (None, 4) and same(built.layers[:4], source.layers[:4])
    keras.utils.set_random_seed(3)
    first = model("mnist1d_cnn", classes=4, weights="mnist1d").layers[-1]
    keras.utils.set_random_seed(3)
    assert same([first], model("mnist1d_cnn", classes=4).layers[-1:])
    assert same(model("mnist1d_cnn", classes=10, weights="mnist1d").layers, source.layers)
    assert "stage1 has (3, 1, 15)" in refusal(model, "mnist1d_cnn", classes=4, filters=4, weights="mnist1d")
    assert "predictions has (60," in refusal(model, "mnist1d_cnn", classes=4, stages=2, weights="mnist1d")
    file = saved(drawn(classes=3), tmp_path / "w.weights.h5")
    assert "predictions has" in refusal(model, "mnist1d_cnn", classes=4, weights=file)
    register_weights("mnist1d_cnn", "three", file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert "predictions has" in refusal(model, "mnist1d_cnn", weights="three")
    assert model("mnist1d_cnn", weights="three", classes=4).output_shape == (None, 4)


@pytest.mark.parametrize(
    "name, size, tops", [("nin_cifar", 32, 1), pytest.param("googlenet_auxiliary", 224, 3, marks=pytest.mark.large)]
)
def test_a_new_top_of_class_maps(tmp_path, tags, name, size, tops):
    """A convolution before global pooling, and three classifiers."""
    settings = {"input_shape": (size, size, 3), "width": 0.05}
    file = saved(drawn(name, **settings), tmp_path / "w.weights.h5")
    register_weights(name, "mine", file, hashlib.sha256(file.read_bytes()).hexdigest())
    whole, other = (model(name, weights="mine", **settings, **more) for more in ({}, {"classes": 4}))
    pairs = [pair for pair in zip(whole.layers, other.layers, strict=True) if pair[0].weights]
    anew = [a.name for a, b in pairs if a.weights[0].shape != b.weights[0].shape]
    assert len(anew) == tops and all(same([a], [b]) for a, b in pairs if a.name not in anew)


VGG = {"width": 1 / 64, "fc_units": (64, 64), "input_shape": (224, 224, 3), "classes": 3}
DILATED = {"width": 1 / 64, "fc_units": 64, "padding": "same", "input_shape": (32, 32, 3)}
OF_VGG16 = {  # settings, layers with other names than VGG-16's
    "segnet": ({"width": 1 / 64, "input_shape": (32, 32, 3)}, {}),
    "deconvnet": ({"width": 1 / 64}, {"fc6": "fc1", "fc7": "fc2"}),
    "dilated_large": (DILATED, {"stage4": "stage4_conv3", "stage5": "stage5_conv3", "fc6": "fc1", "fc7": "fc2"}),
}


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory):
    """A VGG-16 with few filters, and its file."""
    built = drawn("vgg16", **VGG)
    return built, saved(built, tmp_path_factory.mktemp("vgg") / "vgg16.weights.h5")


@pytest.mark.parametrize("name", OF_VGG16)
def test_weights_of_vgg16_in_another_model(vgg16, name):
    """All 13 convolutions, and the dense layers as convolutions: the same outputs for the same maps."""
    source, file = vgg16
    settings, others = OF_VGG16[name]
    built, fresh = model(name, **settings), model(name, **settings)
    fresh.set_weights(built.get_weights())
    assert load_weights(built, file, source_model="vgg16") is built
    x = np.random.default_rng(0).normal(size=(2, 7, 7, 8)).astype("float32")
    loaded = {}
    for layer in built.layers:
        theirs = others.get(layer.name, layer.name)
        if not (layer.weights and (layer.name in others or layer.name.startswith("stage"))) or "norm" in layer.name:
            assert same([layer], [fresh.get_layer(layer.name)])
            continue
        loaded[theirs] = source.get_layer(theirs)
        for ours, value in zip(layer.weights, loaded[theirs].weights, strict=True):
            np.testing.assert_array_equal(np.ravel(ours), np.ravel(value))
    assert len(loaded) == (13 if name == "segnet" else 15)
    if name == "deconvnet":
        dense, conv = source.get_layer("fc1"), built.get_layer("fc6")
        want = x.reshape(2, -1) @ np.array(dense.kernel) + np.array(dense.bias)
        np.testing.assert_allclose(np.array(conv(x))[:, 0, 0], want, rtol=1e-4, atol=1e-3)


def test_weights_of_vgg16_refused(vgg16, tmp_path):
    built = model("segnet", width=1 / 64, input_shape=(32, 32, 3))
    load_weights(built, vgg16[1], until="stage2_conv1", source_model="vgg16")
    assert same([built.get_layer("stage2_conv1")], [vgg16[0].get_layer("stage2_conv1")])
    assert not same([built.get_layer("stage2_conv2")], [vgg16[0].get_layer("stage2_conv2")])

    def refused(other, file=vgg16[1], source_model="vgg16", **more):
        return refusal(load_weights, other, file, source_model=source_model, **more)

    got = refused(built, source_model="vgg19")
    assert got == "segnet expects source_model, did you mean 'vgg16'?; received source_model='vgg19'."
    assert "mnist1d_cnn expects no source_model; received" in refused(model("mnist1d_cnn"))
    assert "until, a layer after one that takes weights of vgg16" in refused(built, until="input")
    assert "vgg16 expects weights, None, 'imagenet', an existing" in refused(built, "imagenet1k")
    wide = model("segnet", width=1 / 32, input_shape=(32, 32, 3))
    assert "stage1_conv1 has (3, 3, 3, 1) (1,) in the file and (3, 3, 3, 2) (2,) in the model" in refused(wide)
    bare = saved(model("vgg16", include_top=False, width=1 / 64), tmp_path / "bare.weights.h5")
    deconvnet = model("deconvnet", width=1 / 64)
    assert refused(deconvnet, bare).endswith("the file has no fc6, fc7.")
    load_weights(deconvnet, bare, until="stage5", source_model="vgg16")


def test_downloads(tmp_path, monkeypatch, tags):
    """Through Keras's cache; without a network a one-line message names the missing file."""
    built, asked = drawn(), []
    file = saved(built, tmp_path / "w.weights.h5")
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()
    register_weights("mnist1d_cnn", "far", file.as_uri(), fingerprint)
    monkeypatch.setattr(keras.utils, "get_file", lambda *args, **more: asked.append((args, more)) or file)
    assert same(model("mnist1d_cnn", weights="far").layers, built.layers)
    assert asked == [
        (("mnist1d_cnn-far.weights.h5", file.as_uri()), {"file_hash": fingerprint, "cache_subdir": "kzoo"})
    ]

    def offline(*_, **__):
        raise Exception("URL fetch failure on https://x: None -- [Errno -3]\n no name")  # noqa: TRY002 (Keras's way)

    monkeypatch.setattr(keras.utils, "get_file", offline)
    got = refusal(model, "mnist1d_cnn", weights="far")
    assert got.startswith("weights 'far' of 'mnist1d_cnn' cannot be downloaded, which needs a network once: URL fetch")


def held(backbone, functional=False):
    """Returns a model that holds `backbone`."""
    if not functional:
        return keras.Sequential([backbone, keras.layers.Flatten(), keras.layers.Dense(3, name="top")], name="whole")
    x = keras.Input((40, 1))
    return keras.Model(x, keras.layers.Dense(3, name="top")(keras.layers.Flatten()(backbone(x))), name="whole")


@pytest.mark.parametrize("functional", [False, True], ids=["Sequential", "functional"])
@pytest.mark.parametrize("file", ["w.weights.h5", "model.keras"])
def test_models_that_hold_models(tmp_path, functional, file):
    """From whole to whole, from a backbone's file to a whole model, and from a whole model's file to a backbone."""
    source = held(drawn(include_top=False), functional)
    whole, bare = saved(source, tmp_path / file), saved(drawn(), tmp_path / f"bare-{file}")

    def fresh():
        return held(model("mnist1d_cnn", include_top=False), functional)

    got = load_weights(fresh(), whole)
    np.testing.assert_array_equal(got(X), source(X))
    backbone = source.get_layer("mnist1d_cnn").layers
    assert same(load_weights(model("mnist1d_cnn", include_top=False), whole).layers, backbone)
    part = load_weights(fresh(), bare, until="mnist1d_cnn/stage2").get_layer("mnist1d_cnn").layers
    assert same(part[1:3], backbone[1:3]) and not same(part[3:4], backbone[3:4])
    assert same(load_weights(fresh(), bare, until="mnist1d_cnn").get_layer("mnist1d_cnn").layers, backbone)
    assert "the file has no top." in refusal(load_weights, fresh(), bare)


def test_names_of_several_held_layers(tmp_path):
    """Two backbones with the same names of layers: by path, and refused where only names are left."""
    x = keras.Input((40, 1))

    def two(left, right):
        return keras.Model(x, keras.layers.Concatenate()([left(x), right(x)]), name="two")

    def backbones():
        return [model("mnist1d_cnn", include_top=False, name=name) for name in ("left", "right")]

    (one, other), parts = backbones(), backbones()
    file = saved(two(one, other), tmp_path / "w.weights.h5")
    load_weights(two(*parts), file)
    assert same(parts[0].layers, one.layers) and same(parts[1].layers, other.layers)
    bare = saved(drawn(), tmp_path / "bare.weights.h5")
    got = refusal(load_weights, two(*parts), bare, until="left/stage1")
    assert got.endswith("the file has no left/stage1.")
    assert "until, one of the layers left/stage1, right/stage1" in refusal(
        load_weights, two(*parts), file, until="stage1"
    )
