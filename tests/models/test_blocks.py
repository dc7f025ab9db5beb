"""What families share: the way in, the way out, and weights from every kind of file."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.models.blocks import classify, finish, start
from kzoo.models.registry import model

X = np.random.default_rng(0).normal(size=(3, 40, 1)).astype("float32")


def refusal(call, *args, **settings):
    with pytest.raises(Refusal) as caught:
        call(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_start():
    assert start("net", (40, 1)).shape == (None, 40, 1) and start("net", [None, 3]).shape == (None, None, 3)
    given = keras.Input((8, 8, 3))
    assert start("net", (1, 1), given) is given
    assert (
        refusal(start, "net", (0, 1)) == "net expects input_shape, sizes above 0 or None; received input_shape=(0, 1)."
    )
    assert "input_tensor" in refusal(start, "net", (8,), "x")


def test_classify_heads():
    x = keras.Input((4, 4, 2))
    top = classify("net", x, True, 5, "softmax", None, kernel_initializer="ones")
    net = keras.Model(x, top)
    assert [layer.name for layer in net.layers[1:]] == ["flatten", "predictions"] and top.shape == (None, 5)
    assert net.get_layer("predictions").get_weights()[0].sum() == 4 * 4 * 2 * 5
    flat = keras.Input((7,))
    assert [layer.name for layer in keras.Model(flat, classify("net", flat, True, 5, None, None)).layers[1:]] == [
        "predictions"
    ]
    assert classify("net", flat, False, 5, None, "avg") is flat and classify("net", x, False, 5, None, None) is x
    assert classify("net", x, False, None, None, "max").shape == (None, 2)


def test_hidden_layers_come_between():
    x = keras.Input((4, 2))
    dense = layers.Dense(3, name="fc1")
    net = keras.Model(x, classify("net", x, True, 5, None, None, [dense, layers.Dropout(0.5, name="d")]))
    assert [layer.name for layer in net.layers[1:]] == ["flatten", "fc1", "d", "predictions"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A net with weights that no initialiser gives, and a folder for its files."""
    net = model("mnist1d_cnn")
    net.set_weights([np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(net.get_weights())])
    return net, tmp_path_factory.mktemp("weights")


@pytest.mark.parametrize("kind", ["w.weights.h5", "net.keras", "run"])
def test_weights_round_trip(trained, kind):
    net, folder = trained
    path = folder / kind
    if kind == "run":
        path.mkdir()
        net.save(path / "model.keras")
    else:
        (net.save_weights if kind.endswith("h5") else net.save)(path)
    for form in (str(path), path):
        got = model("mnist1d_cnn", weights=form)
        for a, b in zip(net.get_weights(), got.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(net(X), got(X))


def test_weights_of_a_run_with_preprocessing(trained):
    """A run's model begins with its preprocessing, which the bare net lacks."""
    net, folder = trained
    inputs = keras.Input((40, 1))
    norm = layers.Normalization(mean=1.0, variance=4.0)(layers.Rescaling(0.5)(inputs))
    whole = model("mnist1d_cnn", input_tensor=norm)
    whole.set_weights(net.get_weights())
    whole.save(folder / "whole.keras")
    np.testing.assert_array_equal(model("mnist1d_cnn", weights=folder / "whole.keras")(X), net(X))


def test_refused_weights(trained):
    net, folder = trained
    net.save_weights(folder / "ok.weights.h5")
    for weights in (folder / "none.keras", folder / "none.weights.h5", folder / "w.h5", "", "imagenet", folder):
        assert f"received weights={str(weights)!r}" in refusal(model, "mnist1d_cnn", weights=weights)
    assert "cannot be built so" in refusal(model, "mnist1d_cnn", filters=4, weights=folder / "ok.weights.h5")
    assert "cannot be built so" in refusal(model, "nielsen_3", weights=folder / "ok.weights.h5")
    for name in ("broken.keras", "broken.weights.h5"):
        (folder / name).write_bytes(b"not a file of weights")
        with pytest.raises((Refusal, OSError)) as caught:  # an OSError is one line at the command line too
            model("mnist1d_cnn", weights=folder / name)
        assert str(caught.value)


def test_finish_keeps_the_source():
    inputs = keras.Input((4,))
    net = finish("net", *(lambda x: (x, layers.Dense(2)(x)))(layers.Rescaling(2.0)(inputs)))
    assert net.inputs[0] is inputs and net.name == "net"
