"""The autoencoder of one layer: sizes, the loss by hand, penalties, refusals."""

import keras
import numpy as np
import pytest

from kzoo import layers as own
from kzoo import ops
from kzoo.checks import Refusal
from kzoo.models.layer_autoencoder import layer_autoencoder

L = keras.layers


def built(layer, *shape):
    keras.Sequential([keras.Input(shape), layer])
    return layer


@pytest.mark.parametrize(
    "layer, shape",
    [
        (L.Dense(3), (5,)),
        (L.Conv1D(3, 4, strides=3), (9, 2)),
        (L.Conv2D(3, 3, strides=2), (8, 7, 2)),
        (L.Conv2D(3, (3, 2), strides=(2, 3), padding="same"), (8, 7, 2)),
        (L.Conv2D(3, 2, dilation_rate=2), (6, 5, 1)),
        (L.Conv3D(2, 2, strides=2, padding="same"), (3, 4, 5, 1)),
    ],
    ids=str,
)
def test_reconstructions_have_the_size_of_inputs(seeds, layer, shape):
    model = layer_autoencoder(built(layer, *shape), "denoising", 0.01)
    x = seeds.normal(size=(2, *shape)).astype("float32")
    assert model(x).shape == x.shape
    kernel = np.array(layer.kernel)
    model.train_on_batch(x, x)
    assert np.any(kernel != layer.kernel)  # the layer itself


def test_loss_by_hand(seeds):
    """Half the squared error of an example, and the penalty; without noise at evaluation."""
    x = seeds.normal(size=(4, 6)).astype("float32")
    layer = built(L.Dense(3, "tanh"), 6)
    for method, settings in (("denoising", {"noise": 0.5}), ("contractive", {"rate": 0.2}), ("sparse", {"rate": 0.3})):
        model = layer_autoencoder(layer, method, 0.01, **settings)
        error = np.square(x - np.asarray(model(x))).sum(1).mean() / 2
        y = np.asarray(layer(x))
        penalty = {
            "denoising": 0,
            "contractive": 0.2 * np.mean(ops.contractive_penalty(y, layer.kernel, "tanh")),
            "sparse": 0.3 * np.abs(y).sum(1).mean(),
        }
        np.testing.assert_allclose(model.evaluate(x, x, verbose=0), error + penalty[method], rtol=1e-5)


def test_contraction(seeds):
    """A larger rate makes the Jacobian smaller."""
    x, norms = seeds.normal(size=(64, 6)).astype("float32"), []
    for rate in (0.0, 3.0):
        keras.utils.set_random_seed(0)
        layer = built(L.Dense(4, "sigmoid"), 6)
        layer_autoencoder(layer, "contractive", 0.05, rate=rate).fit(x, x, epochs=12, verbose=0)
        norms.append(np.mean(ops.contractive_penalty(layer(x), layer.kernel)))
    assert norms[1] < 0.5 * norms[0]


@pytest.mark.parametrize(
    "layer, method, settings, words",
    [
        (L.Dense(3), "sparce", {}, "pretrain expects method, did you mean 'sparse'"),
        (L.Dense(3), "sparse", {"noise": 0.1}, "rate, the only setting of sparse; received settings=['noise']"),
        (L.Dense(3), "denoising", {"noise": 1}, "noise, a number of at least 0 and below 1; received noise=1"),
        (L.Dense(3, "gelu"), "contractive", {}, "an activation among linear, sigmoid, tanh, relu, softplus, elu for"),
        (own.Maxout(2), "sparse", {}, "Dense layers and convolutions of Keras; received layer='maxout"),
    ],
)
def test_refusals(layer, method, settings, words):
    with pytest.raises(Refusal) as caught:
        layer_autoencoder(built(layer, 6), method, 0.01, **settings)
    assert words in str(caught.value)


def test_refuses_groups():
    layer = built(L.Conv2D(4, 3, groups=2), 6, 6, 2)
    with pytest.raises(Refusal, match="convolutions without groups"):
        layer_autoencoder(layer, "sparse", 0.01)
