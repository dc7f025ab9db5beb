"""Matrices of convolutions: their products equal the layers, and their facts are those of the sources."""

import keras
import numpy as np
import pytest
from keras import layers as K

from kzoo.analysis.conv_kernel import conv_kernel
from kzoo.analysis.conv_matrix import convolution_matrix
from kzoo.checks import Refusal
from kzoo.layers import (
    Conv1D,
    Conv2D,
    Conv3D,
    DeformableConv2D,
    FFTConv2D,
    GaborConv2D,
    LocallyConnected1D,
    LocallyConnected2D,
    MaxPoolingWithArgmax2D,
    SpatiallySeparableConv2D,
    SpatiallySeparableConv3D,
    StandardizedConv2D,
    TableConv2D,
    TiledConv1D,
    TiledConv2D,
)
from kzoo.ops.xla import no_islands

FIRST = {"data_format": "channels_first"}
CASES = [
    (Conv2D(3, 3), (5, 6, 2)),
    (Conv2D(4, (2, 3), 2, "same", dilation_rate=2, groups=2), (7, 6, 4)),
    (Conv2D(2, 3, padding=((2, 0), (0, 1)), **FIRST), (3, 4, 5)),
    (Conv2D(2, 3, padding="reflect"), (4, 5, 2)),
    (Conv2D(2, 5, padding="circular", **FIRST), (1, 3, 4)),
    (Conv1D(2, 3, padding=("replicate", 4)), (3, 2)),
    (Conv1D(2, 3, padding="full"), (4, 1)),
    (Conv3D(2, 2, padding="circular"), (3, 2, 4, 2)),
    (TiledConv2D(2, 3, tile=(2, 3), padding="same"), (5, 7, 2)),
    (TiledConv1D(2, 3, tile=2, strides=2, **FIRST), (2, 9)),
    (LocallyConnected2D(2, 2, strides=2, **FIRST), (2, 5, 6)),
    (LocallyConnected1D(2, 3, padding="circular"), (6, 2)),
    (TableConv2D(3, 2, connections=[[0], [1, 2], [0, 2]]), (4, 4, 3)),
    (SpatiallySeparableConv2D(2, 3, terms=2, padding="same"), (5, 4, 2)),
    (SpatiallySeparableConv3D(2, (2, 1, 3)), (3, 2, 4, 1)),
    (StandardizedConv2D(2, 2, groups=2, use_gain=True), (4, 4, 4)),
    (FFTConv2D(2, 3, padding="same"), (5, 5, 2)),
    (GaborConv2D(4, 3), (4, 5, 2)),
    (K.Conv1D(3, 3, padding="causal", dilation_rate=2, activation="relu"), (7, 2)),
    (K.Conv2D(4, 3, 2, "same", groups=2), (6, 7, 4)),
    (K.Conv3D(2, 2, 2), (4, 5, 4, 2)),
    (K.DepthwiseConv1D(3, depth_multiplier=2, activation="tanh"), (6, 3)),
    (K.DepthwiseConv2D(3, 2, "same", depth_multiplier=2), (5, 6, 2)),
    (K.SeparableConv1D(2, 3, padding="same"), (5, 3)),
    (K.SeparableConv2D(4, 2, 2, depth_multiplier=2), (5, 4, 2)),
    (K.Conv1DTranspose(2, 3, 2, "same"), (5, 3)),
    (K.Conv2DTranspose(2, (3, 2), (2, 3), "valid", output_padding=1), (3, 4, 2)),
    (K.Conv2DTranspose(1, 2, 3), (2, 3, 1)),
    (K.Conv3DTranspose(2, 3, 2, "same"), (2, 3, 2, 2)),
]


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("layer, shape", CASES, ids=lambda value: getattr(value, "name", None))
def test_is_the_layer(layer, shape):
    """Times any inputs, and times each input that is 1 at one place; bias and activation are left out."""
    found = convolution_matrix(layer, shape)
    assert found.array.shape[1] == np.prod(shape) and found.weight_index.shape == (found.connections,)
    if layer.bias is not None:
        layer.bias.assign(noise(*layer.bias.shape))
    linear = type(layer).from_config({**layer.get_config(), "activation": None})
    linear.build((None, *shape))
    linear.set_weights(layer.get_weights())
    x = np.concatenate([np.zeros((1, *shape)), np.eye(np.prod(shape)).reshape(-1, *shape), noise(2, *shape)])
    with no_islands():
        y = np.asarray(linear(x.astype("float32"))).reshape(len(x), -1)
    wanted = y[1:] - y[0]
    np.testing.assert_allclose(x[1:].reshape(len(x) - 1, -1) @ found.array.T, wanted, atol=2e-5)
    entry = np.zeros(found.matrix.shape, bool)
    entry[found.matrix.tocoo().row, found.matrix.tocoo().col] = True
    assert not found.array[~entry].any() and found.sparsity == pytest.approx(1 - entry.mean())
    # entries of one number are equal, and those of one weight are that weight
    assert all(np.ptp(found.matrix.data[found.weight_index == i]) == 0 for i in set(found.weight_index))
    weights = conv_kernel(layer).weights.ravel()
    single = found.weight_index < weights.size
    np.testing.assert_array_equal(found.matrix.data[single], weights[found.weight_index[single]])


def test_facts():
    """A 3 x 3 kernel on 4 x 4 pixels; an edge detector on 320 x 280 (Goodfellow et al. 2016, figure 9.6)."""
    small = convolution_matrix(Conv2D(1, 3), (4, 4, 1))
    assert (small.matrix.shape, small.connections, small.distinct_weights) == ((4, 16), 36, 9)
    assert small.sparsity == 1 - 36 / 64
    edges = convolution_matrix(Conv2D(1, (1, 2)), (280, 320, 1))
    rows, columns = edges.matrix.shape
    assert rows * columns == 320 * 280 * 319 * 280 == pytest.approx(8.0e9, rel=0.001)
    assert edges.connections + (edges.connections - rows) == 319 * 280 * 3 == 267_960  # products and sums
    assert edges.distinct_weights == 2
    dense = convolution_matrix(Conv2D(1, 1), (512, 512, 1))
    assert dense.matrix.shape[0] * dense.matrix.shape[1] == 2**36 == pytest.approx(68e9, rel=0.02)
    with pytest.raises(Refusal, match=r"at most 2 GiB to convert to a NumPy array.* GiB=29.8"):
        np.asarray(edges)


def test_weights_with_and_without_sharing():
    """A 7 x 7 filter over three colours at the 24 x 24 positions of a 30 x 30 image; five unshared ones: 423,360."""
    shared, unshared = (convolution_matrix(cls(1, 7), (30, 30, 3)) for cls in (Conv2D, LocallyConnected2D))
    assert shared.matrix.shape == unshared.matrix.shape == (24 * 24, 30 * 30 * 3)
    assert shared.connections == unshared.connections == unshared.distinct_weights == 423_360 // 5 == 84_672
    assert shared.distinct_weights == 147


@pytest.mark.parametrize(
    "layer, distinct",
    [(TiledConv1D(2, 3, tile=2), 12), (LocallyConnected1D(2, 3), 36), (Conv1D(2, 3), 6), (Conv1D(1, 9, 1, 4), 9)],
    ids=lambda value: getattr(value, "name", None),
)
def test_shared_weights(layer, distinct):
    found = convolution_matrix(layer, (8, 1))
    assert found.distinct_weights == distinct == len(np.unique(found.weight_index))


def test_weights_in_padding_are_in_no_entry():
    assert convolution_matrix(Conv1D(1, 9, padding="same"), (2, 1)).distinct_weights == 3


def test_sums_of_weights():
    """Outputs at the border read an input through two weights; zero weights are entries too."""
    found = convolution_matrix(Conv1D(1, 3, padding="reflect", kernel_initializer="zeros"), (3, 1))
    assert found.weight_index.tolist() == [1, 3, 0, 1, 2, 3, 1]
    assert found.connections == 7 and found.distinct_weights == 3


@pytest.mark.parametrize("settings, output", [({"strides": (2, 3)}, (3, 3)), ({"dilation_rate": 2}, (3, 7))])
def test_the_transposed_convolution(settings, output):
    """Its matrix is the transpose of the convolution's, whose output has the size of its input.

    TensorFlow does not compute dilated ones on CPUs.
    """
    kernel = noise(3, 2, 4, 5)
    conv, transposed = K.Conv2D(5, (3, 2), **settings), K.Conv2DTranspose(4, (3, 2), **settings)
    conv.build((None, 7, 9, 4))
    transposed.build((None, *output, 5))
    conv.kernel.assign(kernel)
    transposed.kernel.assign(kernel)
    matrix, back = convolution_matrix(conv, (7, 9, 4)), convolution_matrix(transposed, (*output, 5))
    np.testing.assert_array_equal(matrix.array, back.array.T)
    assert matrix.distinct_weights == back.distinct_weights == kernel.size


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize(
    "layer, shape",
    [
        (Conv2D(3, 3, padding="circular"), (5, 4, 2)),
        (Conv2D(2, (5, 2), padding="circular", dilation_rate=2, data_format="channels_first"), (4, 5, 6)),
        (Conv1D(2, 7, padding="circular"), (5, 2)),
        (TableConv2D(2, 2, padding="circular", connections=[[0], [0, 1]]), (4, 4, 2)),
        (K.Conv2D(2, 3, padding="same"), (5, 5, 2)),
        (Conv1D(2, 3, 2, "circular"), (8, 2)),
        (TiledConv1D(2, 3, padding="circular"), (8, 2)),
    ],
    ids=["2d", "first", "longer", "table", "zeros", "strides", "tiled"],
)
def test_singular_values(layer, shape, circular, monkeypatch):
    if not circular:
        monkeypatch.setattr("kzoo.analysis.conv_matrix.SMALL", 3)
    found = convolution_matrix(layer, shape)
    wanted = np.linalg.svd(found.array.astype("float64"), compute_uv=False)
    if circular or found.circulant:
        np.testing.assert_allclose(found.singular_values(), wanted, atol=1e-6)
    np.testing.assert_allclose(found.singular_values(3), wanted[:3], rtol=1e-6)
    assert found.spectral_norm() == pytest.approx(wanted[0], rel=1e-6)


def test_only_shifted_rows_are_transformed():
    shifted = [Conv1D(2, 3, padding="circular"), Conv1D(2, 5, padding=("circular", 2))]
    others = [Conv1D(2, 3, 2, "circular"), Conv1D(2, 3, padding=("circular", 2)), TiledConv1D(2, 3, padding="circular")]
    found = [convolution_matrix(layer, (8, 2)).circulant for layer in (*shifted, *others)]
    assert found == [(8, 2), (8, 2), None, None, None]


def test_large_matrices():
    """Sparse from the start: 2.4 million entries of 13,520 x 15,680."""
    found = convolution_matrix(Conv2D(20, 3), (28, 28, 20))
    assert found.connections == 26 * 26 * 20 * 9 * 20 and found.sparsity > 0.98
    with pytest.raises(Refusal, match="singular_values expects k of at most 6760 for a matrix of more than 2000"):
        found.singular_values()


def test_half_precision():
    found = convolution_matrix(Conv1D(2, 3, dtype="mixed_float16"), (5, 1))
    assert found.array.dtype == "float32" and convolution_matrix(Conv1D(1, 2, dtype="float64"), (4, 1)).array.dtype == (
        "float64"
    )


def test_pictures(tmp_path):
    found = convolution_matrix(Conv2D(1, 3), (4, 4, 1))
    axes = found.plot(tmp_path / "matrix.png").axes[0]
    picture = axes.images[0].get_array()
    assert (tmp_path / "matrix.png").stat().st_size and "9 weights" in axes.get_title()
    assert picture.shape == (4, 16) and picture.count() == 36 and len(np.unique(picture.compressed())) == 9
    with pytest.raises(Refusal, match="at most 1024 rows and columns to draw"):
        convolution_matrix(Conv2D(2, 3), (28, 28, 1)).plot()


class Weird(keras.layers.Conv2D):
    def convolution_op(self, inputs, kernel):
        return inputs


class Renamed(keras.layers.Conv2D):
    pass


@pytest.mark.parametrize(
    "layer, shape, match",
    [
        (K.MaxPooling2D(2, name="pool"), (4, 4, 1), "linear; received pool, MaxPooling2D"),
        (MaxPoolingWithArgmax2D(2, name="pool"), (4, 4, 1), "received pool, MaxPoolingWithArgmax2D"),
        (DeformableConv2D(2, 3, name="deform"), (4, 4, 1), "received deform, DeformableConv2D"),
        (GaborConv2D(2, 3, energy=True, name="gabor"), (4, 4, 1), "received gabor, GaborConv2D"),
        ("conv", (4, 4, 1), "received conv, str"),
        (Weird(2, 3, name="weird"), (4, 4, 1), "Weird has its own convolution_op; received layer='weird'"),
        (Conv2D(2, 3, name="conv"), (4, 4), "conv expects input_shape, 3 integers above 0"),
        (Conv2D(2, 3, name="conv"), (None, 4, 1), "conv expects input_shape, 3 integers above 0"),
        (Conv2D(2, 3, name="conv"), (2, 2, 1), "a window that fits"),
        (K.Conv2D(2, 3, name="conv"), (10**6, 10**6, 1), "the matrix of conv needs at least .* GiB of memory"),
    ],
)
def test_refusals(layer, shape, match):
    with pytest.raises(Refusal, match=match):
        convolution_matrix(layer, shape)


def test_built_layers():
    layer = LocallyConnected1D(1, 3, name="local")
    layer.build((None, 8, 2))
    with pytest.raises(Refusal, match=r"local expects input_shape with outputs of size \(6,\)"):
        convolution_matrix(layer, (9, 2))
    with pytest.raises(Refusal, match="local expects input_shape with 2 channels"):
        convolution_matrix(layer, (8, 1))
    assert convolution_matrix(Renamed(1, 3), (4, 4, 1)).connections == 36
    layer.kernel.assign(np.nan * layer.kernel)
    with pytest.raises(Refusal, match="singular_values expects weights that are finite; received layer='local'"):
        convolution_matrix(layer, (8, 2)).spectral_norm()
    with pytest.raises(Refusal, match="k, an integer from 1 to 6"):
        convolution_matrix(layer, (8, 2)).singular_values(0)
