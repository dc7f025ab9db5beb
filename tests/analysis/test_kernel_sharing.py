"""How shared weights are: convolutions, mixtures of few kernels, noise; Dense layers that hold a convolution."""

import keras
import numpy as np
import pytest

from kzoo.analysis.kernel_sharing import weight_sharing
from kzoo.checks import Refusal
from kzoo.layers import Conv2D, LocallyConnected1D, LocallyConnected2D, TiledConv2D
from tests.layer_checks import randomize


def local(kernels):
    """A layer with these kernels (H', W', 3, 3, C, F)."""
    layer = LocallyConnected2D(kernels.shape[-1], 3, use_bias=False)
    layer.build((None, kernels.shape[0] + 2, kernels.shape[1] + 2, kernels.shape[-2]))
    layer.set_weights([kernels])
    return layer


@pytest.mark.parametrize("few", [1, 2, 3])
def test_mixtures_of_few_kernels(seeds, few):
    shared, mixture = seeds.normal(size=(few, 3, 3, 2, 4)), seeds.normal(size=(5, 4, few))
    found = weight_sharing(local(np.einsum("ijq,q...->ij...", mixture, shared)))
    assert found.positions == 20 and found.locality == 1
    np.testing.assert_allclose(found.shares[few - 1 :], 1, atol=1e-6)
    assert few == 1 or found.shares[few - 2] < 0.999
    assert found.chance[0] < 0.4 and len(found.shares) == 20


def test_the_best_single_kernel(seeds):
    """Of independent kernels: the leading eigenvector of their products, and what it leaves."""
    kernels = seeds.normal(size=(4, 4, 3, 3, 1, 2))
    rows = kernels.reshape(16, -1)
    values, vectors = np.linalg.eigh(rows.T @ rows)
    residual = rows - np.outer(rows @ vectors[:, -1], vectors[:, -1])
    expected = 1 - (residual**2).sum() / (rows**2).sum()
    np.testing.assert_allclose(weight_sharing(local(kernels)).shares[0], expected, rtol=1e-6)


def test_tiles():
    layer = TiledConv2D(3, 2, tile=2)
    layer.build((None, 6, 6, 2))
    randomize(layer)
    found = weight_sharing(layer)
    assert found.positions == 4 and found.shares[-1] == pytest.approx(1)
    layer.kernel.assign(np.broadcast_to(layer.kernel[:1, :1], layer.kernel.shape))
    assert weight_sharing(layer).shares[0] == pytest.approx(1)


@pytest.mark.parametrize("size, strides", [((3, 2), (2, 1)), (2, 2)], ids=str)
def test_dense_that_is_a_convolution(size, strides):
    """The matrix of a convolution is local and shared; with noise it is neither."""
    conv = Conv2D(3, size, strides, use_bias=False)
    matrix = _matrix(conv)
    layer = keras.layers.Dense(matrix.shape[1], use_bias=False)
    layer.build((None, 84))
    layer.set_weights([matrix])
    found = weight_sharing(layer, (7, 6, 2), size, strides)
    assert found.locality == pytest.approx(1) and found.shares[0] == pytest.approx(1)
    layer.set_weights([matrix + np.random.default_rng(0).normal(size=matrix.shape)])
    found = weight_sharing(layer, (7, 6, 2), size, strides)
    assert found.locality < 0.3 and found.shares[0] < 0.7


def _matrix(conv):
    """Returns the matrix (inputs, outputs) of a convolution of 7 x 6 x 2 values, from its outputs for unit inputs."""
    units = np.eye(84, dtype="float32").reshape(84, 7, 6, 2)
    return np.asarray(conv(units)).reshape(84, -1)


def test_picture(seeds, tmp_path):
    sheet = weight_sharing(local(seeds.normal(size=(2, 3, 3, 3, 1, 2)))).plot(tmp_path / "it.png")
    (axes,) = sheet.axes
    assert [line.get_label() for line in axes.lines] == ["weights", "weights shuffled"]
    assert (tmp_path / "it.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "layer, given, words",
    [
        (LocallyConnected1D(2, 3), {}, "a layer that has been built"),
        (keras.layers.Conv2D(2, 3), {}, "a locally connected or tiled layer of kzoo's, or a Dense layer; received"),
        (
            keras.layers.Dense(18),
            {},
            "maps, the shape (*spatial, channels) of a Dense layer's input; received maps=None",
        ),
        (keras.layers.Dense(18), {"maps": (5, 5, 1), "kernel_size": 3}, "maps of 50 values, as many as Dense has"),
        (keras.layers.Dense(18), {"maps": (5, 5, 2)}, "kernel_size, an integer above 0 or 2 of them; received kernel"),
        (keras.layers.Dense(18), {"maps": (5, 5, 2), "kernel_size": 6}, "a kernel_size of at most (5, 5); received"),
        (keras.layers.Dense(17), {"maps": (5, 5, 2), "kernel_size": 3}, "units that are a multiple of the 9 positions"),
        (
            keras.layers.Dense(9, kernel_initializer="zeros"),
            {"maps": (5, 5, 2), "kernel_size": 3},
            "weights other than 0",
        ),
    ],
)
def test_refusals(layer, given, words):
    if "built" not in words:
        layer.build((None, 50) if isinstance(layer, keras.layers.Dense) else (None, 5, 5, 2))
    with pytest.raises(Refusal) as caught:
        weight_sharing(layer, **given)
    assert words in str(caught.value)
