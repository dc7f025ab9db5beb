"""Greedy layer-wise pretraining: order, inputs of each layer, interruptions, methods of other names, refusals."""

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.models.layer_autoencoder import layer_autoencoder
from kzoo.models.pretrain import Batches, pretrain

L = keras.layers
MODULE = importlib.import_module("kzoo.models.pretrain")  # kzoo.models.pretrain is the function
SHORT = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01}


@pytest.fixture
def x():
    """Images with structure: sums of a few patterns."""
    draw = np.random.default_rng(0)
    return (draw.normal(size=(36, 3)) @ draw.normal(size=(3, 64))).reshape(36, 8, 8, 1).astype("float32")


def small():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(4, 3, activation="tanh", name="conv1"),
            L.MaxPooling2D(name="pool"),
            L.Conv2D(3, 2, activation="tanh", name="conv2"),
            L.Flatten(name="flatten"),
            L.Dense(2, "softmax", name="predictions"),
        ]
    )


def test_layers_are_trained_one_after_the_other(x):
    """As by hand: the second on what the trained first one and the pool make of the data; the last layer stays."""
    model, wanted = small(), small()
    losses = pretrain(model, x, **SHORT)
    assert list(losses) == ["conv1", "conv2"] and all(len(each) == 2 for each in losses.values())
    for number, name in enumerate(("conv1", "conv2")):
        keras.utils.set_random_seed(number)
        layer = wanted.get_layer(name)
        inputs = keras.Model(wanted.inputs, layer.input).predict(x, verbose=0, batch_size=8)
        autoencoder = layer_autoencoder(layer, "denoising", 0.01)
        autoencoder.fit(Batches(inputs, 8, 0), epochs=2, shuffle=False, verbose=0)
    for got, expected in zip(model.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert all(map(np.array_equal, model.layers[-1].get_weights(), small().layers[-1].get_weights()))


def test_datasets_and_chosen_layers(x):
    model, same = small(), small()
    losses = pretrain(model, tf.data.Dataset.from_tensor_slices((x, np.zeros(36))).batch(10), layers=["conv1"], **SHORT)
    assert list(losses) == ["conv1"]
    pretrain(same, x, layers=["conv1"], **SHORT)
    np.testing.assert_array_equal(model.get_weights()[0], same.get_weights()[0])


def test_an_interrupted_training_goes_on(x, tmp_path, monkeypatch):
    whole, broken = small(), small()
    expected = pretrain(whole, x, **SHORT)

    def interrupted(layer, *args, **kwargs):
        if layer.name == "conv2":
            raise KeyboardInterrupt
        return layer_autoencoder(layer, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MODULE, "layer_autoencoder", interrupted)
        pretrain(broken, x, folder=tmp_path / "it", **SHORT)
    again = small()
    assert pretrain(again, x, folder=tmp_path / "it", **SHORT) == expected
    assert all(map(np.array_equal, again.get_weights(), whole.get_weights()))
    assert sorted(path.name for path in (tmp_path / "it").iterdir()) == ["layer1.npz", "layer2.npz", "pretrain.json"]
    with pytest.raises(Refusal, match="the settings of the training in .*, or another folder"):
        pretrain(small(), x, "sparse", folder=tmp_path / "it", **SHORT)


def test_each_epoch_has_its_own_order():
    batches = Batches(np.arange(10.0)[:, None], 4, 0)
    orders = []
    for _ in range(2):
        parts = [batches[number][0] for number in range(len(batches))]
        assert [len(part) for part in parts] == [4, 4, 2]
        orders.append(np.concatenate(parts).ravel())
        batches.on_epoch_end()
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10)) and not np.array_equal(*orders)


def test_adapt_and_tica_are_methods(seeds):
    norm = keras.Sequential([keras.Input((1,)), L.Normalization()])
    assert pretrain(norm, np.float32([[1], [3]]), "adapt")(np.float32([[5]])).numpy().item() == 3


@pytest.mark.parametrize(
    "given, words",
    [
        ({"method": "denoise"}, "pretrain expects method, did you mean 'denoising'"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": 0}, "learning_rate, a number above 0; received learning_rate=0"),
        ({"layers": []}, "layers, at least one name; received layers=[]"),
        ({"layers": ["conv3"]}, "layers, did you mean 'conv2' or 'conv1'"),
        ({"layers": ["pool"]}, "Dense layers and convolutions of Keras; received layer='pool'"),
        ({"data": np.zeros((4, 8, 8))}, "examples of shape (8, 8, 1); received data=(4, 8, 8)"),
        ({"data": np.zeros((0, 8, 8, 1))}, "data with at least one example; received examples=0"),
    ],
)
def test_refusals(x, given, words):
    with pytest.raises(Refusal) as caught:
        pretrain(small(), **{"data": x, **SHORT, **given})
    assert words in str(caught.value)
