"""Kernels of the first or a named convolution, their Gabor functions, and the nearest filters made by hand."""

import keras
import numpy as np
import pytest

from kzoo.analysis.kernels import filters, hand_made, nearest_filter
from kzoo.checks import Refusal
from kzoo.layers import Conv2D, GaborConv2D, LocallyConnected2D
from kzoo.models.registry import model
from kzoo.ops.filters import gabor, sobel

L = keras.layers


def with_kernels(kernels):
    """A model whose first convolution has kernels (height, width, in, out)."""
    *size, channels, out = kernels.shape
    conv = L.Conv2D(out, size, use_bias=False, name="conv1")
    built = keras.Sequential([keras.Input((16, 16, channels)), L.Rescaling(2.0), conv, L.Conv2D(2, 3, name="conv2")])
    conv.set_weights([kernels])
    return built


def test_synthetic_kernels(seeds):
    wave = np.asarray(gabor((7, 7), 1.0, 0.1, 0.06, 1.1, 0.4, 0.3, -0.2, 0.8))
    noise = seeds.normal(size=(7, 7, 1, 1))
    built = with_kernels(np.concatenate([wave, noise], -1))
    found = filters(built)
    assert found.layer == "conv1" and np.asarray(found).shape == (7, 7, 1, 2)
    np.testing.assert_array_equal(found, built.get_layer("conv1").kernel)
    assert found.gabor[0].share > 0.99 > 0.8 > found.gabor[1].share
    assert found.gabor is found.gabor  # computed once
    assert filters(built, "conv2").array.shape == (3, 3, 2, 2)
    nested = keras.Sequential([keras.Input((16, 16, 1)), built])
    assert filters(nested).layer == f"{built.name}/conv1"
    np.testing.assert_array_equal(filters(nested), found)
    np.testing.assert_array_equal(filters(nested, "conv2"), filters(built, "conv2"))


def test_sobel():
    kernels = np.concatenate([sobel(), -3 * sobel()[..., 1:]], -1)
    found = filters(with_kernels(kernels)).nearest
    assert found == [("Sobel y", 1.0), ("Sobel x", 1.0), ("Sobel x", -1.0)]


@pytest.mark.parametrize("size", [(3, 3), (5, 5), (7, 5), (4, 4), (11, 11)], ids=str)
def test_hand_made_filters_are_nearest_to_themselves(size, seeds):
    made = hand_made(size)
    assert {"Sobel x", "Sobel y", "Laplacian", "Gaussian", "Gaussian derivative x", "box", "identity"} <= set(made)
    for name, each in made.items():
        assert np.linalg.norm(each) == pytest.approx(1)
        found = nearest_filter(0.3 * each[..., None] * [[[1, 0.5, -0.2]]])
        assert found == (name, 1.0)
        found = nearest_filter(-each[..., None] + 1e-3 * seeds.normal(size=(*size, 1)))
        assert found.name == name and found.similarity < -0.99


def test_the_cosine_by_a_loop(seeds):
    kernel = seeds.normal(size=(5, 5, 1))
    found = nearest_filter(kernel)
    cosines = {}
    for name, each in hand_made((5, 5)).items():
        cosines[name] = sum(a * b for a, b in zip(each.ravel(), kernel.ravel())) / np.sqrt((kernel**2).sum())
    best = max(cosines, key=lambda name: abs(cosines[name]))
    assert found.name == best and found.similarity == pytest.approx(cosines[best], abs=1e-6)
    assert nearest_filter(np.zeros((3, 3, 1))).similarity == 0


def test_layers_with_kernels():
    for layer, shape in (
        (Conv2D(4, (3, 5)), (3, 5, 2, 4)),
        (L.Conv2DTranspose(4, 3), (3, 3, 2, 4)),
        (L.DepthwiseConv2D(3, depth_multiplier=2), (3, 3, 1, 4)),
        (GaborConv2D(4, 7), (7, 7, 1, 4)),
    ):
        built = keras.Sequential([keras.Input((16, 16, 2)), L.ReLU(), layer])
        assert filters(built).array.shape == shape
    assert all(fit.share > 0.98 for fit in filters(built).gabor)  # which are Gabor functions minus their mean
    signal = filters(model("mnist1d_cnn"))
    assert signal.array.ndim == 3 and signal.plot().axes


def test_depthwise_kernels_have_one_filter_for_each_output():
    layer = L.DepthwiseConv2D(3, depth_multiplier=2)
    built = keras.Sequential([keras.Input((8, 8, 2)), layer])
    edges, line = sobel()[:, :, 0], hand_made((3, 3))["line x"]
    layer.set_weights([np.stack([edges, np.stack([line, -edges[..., 0]], -1)], 2), np.zeros(4)])
    names = [f"{each.name} {each.similarity:+.0f}" for each in filters(built).nearest]
    assert names == ["Sobel y +1", "Sobel x +1", "line x +1", "Sobel y -1"]


def test_pictures(seeds, tmp_path):
    sheet = filters(with_kernels(seeds.normal(size=(5, 5, 3, 3)))).plot(tmp_path / "rgb.png")
    assert (tmp_path / "rgb.png").stat().st_size > 1000
    assert len([axes for axes in sheet.axes if axes.axison]) == 6
    kernels = filters(with_kernels(seeds.normal(size=(5, 5, 3, 3))))
    assert len([axes for axes in kernels.draw(compare=False).axes if axes.axison]) == 3
    assert "gabor" not in vars(kernels)  # what takes seconds is not computed


def test_refusals():
    dense = keras.Sequential([keras.Input((4,)), L.Dense(2, name="fc")], name="dense")
    with pytest.raises(Refusal, match="^filters expects a model with a convolution; received model='dense'"):
        filters(dense)
    with pytest.raises(Refusal, match="^filters expects layer, a convolution whose positions share a kernel"):
        filters(dense, "fc")
    with pytest.raises(Refusal, match="^analysis expects a Keras model; received model='Dense'"):
        filters(L.Dense(2))
    local = keras.Sequential([keras.Input((8, 8, 1)), LocallyConnected2D(2, 3, name="local")])
    with pytest.raises(Refusal, match="^filters expects layer, a convolution whose positions share a kernel"):
        filters(local, "local")
    with pytest.raises(Refusal, match="did you mean 'conv1'"):
        filters(with_kernels(np.ones((3, 3, 1, 1))), "konv1")
    with pytest.raises(Refusal, match="^filters expects finite kernels; received layer='conv1'"):
        filters(with_kernels(np.full((3, 3, 1, 1), np.nan)))
    with pytest.raises(Refusal, match="^filters expects kernels of images, of "):
        nearest_of_signals = filters(model("mnist1d_cnn")).nearest
        assert not nearest_of_signals
