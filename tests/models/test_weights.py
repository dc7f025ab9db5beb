"""Weights of tags, files and runs: what is loaded, and that what differs is told by the layers' names."""

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
    """The text of the Refusal that a call raises: one line."""
    with pytest.raises(Refusal) as caught:
        call(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def drawn(name="mnist1d_cnn", **settings):
    """A net with weights that no initialiser gives."""
    net = model(name, **settings)
    draw = np.random.default_rng(1)
    net.set_weights([draw.normal(size=w.shape) for w in net.get_weights()])
    return net


def saved(net, file):
    """The file, with the net's weights in it."""
    (net.save_weights if str(file).endswith("h5") else net.save)(file)
    return file


def same(got, want):
    """Whether two lists of layers hold the same weights."""
    return all(np.array_equal(a, b) for x, y in zip(got, want, strict=True) for a, b in zip(x.weights, y.weights))


@pytest.fixture
def tags(monkeypatch):
    """The table of tags, to be changed."""
    monkeypatch.setattr(weights, "_TAGS", dict(weights._TAGS))


def test_shipped_weights():
    """The weights that kzoo ships have the error of the run that trained them, about 14 %."""
    net, test = model("mnist1d_cnn", weights="mnist1d"), load("mnist1d").test
    x, y = next(iter(test.once(test.size)))
    assert np.mean(net.predict(x, verbose=0).argmax(-1) != y.numpy()) < 0.15
    assert tags_of("mnist1d_cnn") == describe("mnist1d_cnn")["weights"] == ["mnist1d"] and tags_of("mnist1d_fc") == []
    maps = model("mnist1d_cnn", weights="mnist1d", features="stage2", name="mine")
    assert same(maps.layers[1:3], net.layers[1:3])


@pytest.mark.parametrize("file", ["w.weights.h5", "net.keras", "run"])
def test_files_and_runs(tmp_path, monkeypatch, file):
    """Also a run's name; also a net without the top, and one whose statistics are the data's own affair."""
    net = drawn()
    if file == "run":
        (tmp_path / "saved_models" / "run").mkdir(parents=True)
        saved(net, tmp_path / "saved_models" / "run" / "model.keras")
        monkeypatch.chdir(tmp_path)
    path = "run" if file == "run" else str(saved(net, tmp_path / file))
    assert same(model("mnist1d_cnn", weights=path).layers, net.layers)
    bare = model("mnist1d_cnn", include_top=False, weights=path)
    assert same(bare.layers, net.layers[:4])
    scaled = keras.layers.Normalization(mean=1.0, variance=4.0)(keras.Input((40, 1)))
    assert same(model("mnist1d_cnn", input_tensor=scaled, weights=path).layers[2:], net.layers[1:])


def test_until(tmp_path):
    """First layers from elsewhere, whatever is behind them."""
    source = drawn()
    file = saved(source, tmp_path / "w.weights.h5")
    net = model("mnist1d_cnn", classes=4, stages=2)
    last = np.array(net.layers[-1].kernel)
    assert load_weights(net, file, until="stage1") is net
    assert same(net.layers[1:2], source.layers[1:2]) and not same(net.layers[2:3], source.layers[2:3])
    load_weights(net, file, until="stage2")
    assert same(net.layers[1:3], source.layers[1:3]) and np.array_equal(last, net.layers[-1].kernel)
    assert "until, did you mean 'stage2'" in refusal(load_weights, net, file, until="stage22")
    assert "predictions has" in refusal(load_weights, net, file, until="predictions")


def test_batch_norms_and_half_precision(tmp_path):
    settings = {"blocks": 1, "width": 0.25, "input_shape": (16, 16, 3)}
    net = drawn("resnet20_cifar", **settings)
    file = saved(net, tmp_path / "w.weights.h5")
    assert same(model("resnet20_cifar", **settings, weights=file).layers, net.layers)
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
        "stage1 has (3, 1, 15) (15,) in the file and (3, 1, 4) (4,) in the net; "
        "stage2 has (3, 15, 15) (15,) in the file and (3, 4, 4) (4,) in the net; "
        "stage3 has (3, 15, 15) (15,) in the file and (3, 4, 4) (4,) in the net and 1 more."
    )
    got = refusal(model, "mnist1d_cnn", stages=4, kernel_size=2, weights=file)
    assert got.endswith("and 2 more.")
    got = refusal(model, "mnist1d_cnn", stages=2, input_shape=(19, 1), weights=file)
    assert got.endswith("model 'mnist1d_cnn': the net has no stage3.")
    got = refusal(model, "nielsen_3", weights=file)
    assert "predictions has (60, 10) (10,) in the file and (100, 10) (10,) in the net; " in got
    assert "the file has no stage1_conv, stage2_conv, fc1; the net has no stage1, stage2, stage3." in got
    # of a deeper net the first stages would fit, but mean something else
    assert "the net has no stage3" in refusal(model, "mnist1d_cnn", stages=2, include_top=False, weights=file)


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
    net = drawn()
    file = saved(net, tmp_path / "w.weights.h5")
    register_weights("mnist1d_cnn", "mine", file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert same(model("mnist1d_cnn", weights="mine").layers, net.layers)
    assert "predictions has" in refusal(model, "mnist1d_cnn", weights="mine", classes=3)
    assert "not yet taken" in refusal(register_weights, "mnist1d_cnn", "mine", file, "")
    assert "file, a .weights.h5 or .keras file" in refusal(register_weights, "mnist1d_cnn", "other", "w.npz", "")
    saved(drawn(classes=3), file)
    got = refusal(model, "mnist1d_cnn", weights="mine")
    assert got.startswith(f"{file} is not weights 'mine' of 'mnist1d_cnn': its SHA-256 is ")
    file.unlink()
    assert "an existing file" in refusal(model, "mnist1d_cnn", weights="mine")


def test_downloads(tmp_path, monkeypatch, tags):
    """Through Keras's own cache; without a network one line says what is missing."""
    net, asked = drawn(), []
    file = saved(net, tmp_path / "w.weights.h5")
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()
    register_weights("mnist1d_cnn", "far", file.as_uri(), fingerprint)
    monkeypatch.setattr(keras.utils, "get_file", lambda *args, **more: asked.append((args, more)) or file)
    assert same(model("mnist1d_cnn", weights="far").layers, net.layers)
    assert asked == [
        (("mnist1d_cnn-far.weights.h5", file.as_uri()), {"file_hash": fingerprint, "cache_subdir": "kzoo"})
    ]

    def offline(*_, **__):
        raise Exception("URL fetch failure on https://x: None -- [Errno -3]\n no name")  # noqa: TRY002 (Keras's way)

    monkeypatch.setattr(keras.utils, "get_file", offline)
    got = refusal(model, "mnist1d_cnn", weights="far")
    assert got.startswith("weights 'far' of 'mnist1d_cnn' cannot be fetched, which takes a network once: URL fetch")
