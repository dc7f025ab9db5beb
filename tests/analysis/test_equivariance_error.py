"""Equivariance errors against their closed forms and a NumPy loop, in all data formats, nested or not."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.equivariance_error import equivariance, equivariance_by_layer
from kzoo.checks import Refusal
from kzoo.layers import Conv1D, Conv2D, Conv3D, LocallyConnected2D, TiledConv2D
from kzoo.models.registry import model as zoo_model

EXACT = 1e-6


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def chain(shape, *parts):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape), *parts])


def shift_errors(layer, amounts, shape=(8, 8, 2), **arguments):
    layer = chain(shape, layer)
    return equivariance(layer, layer.layers[-1].name, "shift", noise(2, *shape), amounts, **arguments)


@pytest.mark.parametrize("cls", [Conv1D, Conv2D, Conv3D], ids=lambda cls: cls.__name__)
def test_circular_convolutions_are_equivariant(cls):
    shape = (7, 8, 9)[-cls.rank :]
    amounts = [1, -2, 3, (1,) * cls.rank]
    found = shift_errors(cls(3, 3, padding="circular", activation="relu"), amounts, (*shape, 2))
    assert found.error.shape == (4,) and (found.error < EXACT).all() and (found.inner_error < EXACT).all()
    assert found.multiple_of_stride.all() and found.strides == (1,) * cls.rank


def test_tiled_convolutions_move_with_their_tile():
    found = shift_errors(TiledConv2D(3, 3, tile=2, padding="circular"), range(1, 7)).error
    assert (found[1::2] < EXACT).all() and (found[::2] > 0.1).all()


def test_locally_connected_layers_do_not_move():
    assert (shift_errors(LocallyConnected2D(3, 3, padding="circular"), range(1, 7)).error > 0.1).all()


@pytest.mark.parametrize("border", ["circular", "zeros", "replicate", "reflect", "crop"])
def test_zero_padding_breaks_it_at_the_border_only(border):
    found = shift_errors(Conv2D(3, 3, padding="same"), [1, -2, (1, 1)], border=border)
    assert (found.error > 0.05).all() and (found.inner_error < EXACT).all()


@pytest.mark.parametrize(("strides", "amounts"), [(1, [1, -2, (1, 1)]), (2, [2, -4, (-2, 4)])], ids=str)
@pytest.mark.parametrize("border", ["circular", "zeros"])
def test_convolutions_without_padding_move_where_they_see_what_moves(border, strides, amounts):
    found = shift_errors(Conv2D(3, 3, strides=strides), amounts, (11, 11, 2), border=border)
    assert (found.error > 0.05).all() and (found.inner_error < EXACT).all()


def test_strides():
    found = shift_errors(Conv2D(3, 3, strides=2, padding="circular"), range(1, 7))
    np.testing.assert_array_equal(found.multiple_of_stride, [False, True] * 3)
    np.testing.assert_array_equal(found.error < EXACT, found.multiple_of_stride)
    assert (found.error[::2] > 0.1).all() and found.strides == (2, 2)


def test_enlarged_maps_move_further():
    found = shift_errors(layers.UpSampling2D(2), [1, 2])
    assert (found.error == 0).all() and found.strides == (0.5, 0.5)


def test_positions_next_to_the_border_are_not_interpolated():
    """Sums of three ones, except next to the border: a position between them would lie between two sums."""
    sums = Conv1D(1, 3, strides=2, padding="same", kernel_initializer="ones", name="sums")
    found = equivariance(chain((8, 1), sums), "sums", "shift", np.ones((1, 8, 1)), [1, -1])
    assert (found.inner_error == 0).all() and (found.error > 0.1).any() and not found.multiple_of_stride.any()


def symmetric(kernel, rotation):
    kernel = kernel + kernel[:, ::-1]
    return sum(np.rot90(kernel, turns) for turns in range(4)) if rotation else kernel


@pytest.mark.parametrize("padding", ["same", "circular"])
def test_symmetric_kernels(padding):
    """Kernels that are symmetric about the vertical axis flip with columns; those of all symmetries turn, too."""
    x, conv = noise(2, 7, 7, 2), Conv2D(3, 3, padding=padding, name="conv")
    model = chain((7, 7, 2), conv)
    kernel = np.asarray(conv.kernel)
    assert (equivariance(model, "conv", "flip", x).error > 0.1).all()
    conv.kernel.assign(symmetric(kernel, False))
    found = equivariance(model, "conv", "flip", x)
    assert found.amounts == (0, 1) and found.error[0] > 0.1 and found.error[1] < EXACT
    assert equivariance(model, "conv", "rotation", x, [90]).error[0] > 0.1
    conv.kernel.assign(symmetric(kernel, True))
    found = equivariance(model, "conv", "rotation", x, [-90, 0, 90, 180, 45])
    assert (found.error[:-1] < EXACT).all() and found.error[-1] > 0.1


def test_scaling_of_a_pointwise_layer():
    """A linear layer without a bias that sees one pixel commutes with interpolation."""
    found = equivariance(chain((8, 9, 2), Conv2D(3, 1, name="conv")), "conv", "scale", noise(2, 8, 9, 2), [0.5, 1.3])
    assert (found.error < EXACT).all() and (found.inner_error < EXACT).all()


@pytest.mark.parametrize(("transform", "amount"), [("shift", 2), ("rotation", 30), ("scale", 1.5), ("flip", 1)])
def test_against_a_loop(transform, amount):
    """Errors of all positions, and of those that see only pixels of the image before and after."""
    x = noise(3, 9, 9, 1)
    model = chain((9, 9, 1), Conv2D(2, 3, padding="same", activation="tanh", name="conv"))
    found = equivariance(model, "conv", transform, x, [amount], "zeros", batch_size=2)

    def moved(array):
        """As written by hand: linear interpolation at the point that each position comes from."""
        out, known = np.zeros_like(array), np.zeros((9, 9), bool)
        for i in range(9):
            for j in range(9):
                y, z = i - 4.0, j - 4.0
                angle = np.radians(30)
                y, z = {
                    "shift": (y, z - 2),
                    "rotation": (np.cos(angle) * y + np.sin(angle) * z, np.cos(angle) * z - np.sin(angle) * y),
                    "scale": (y / 1.5, z / 1.5),
                    "flip": (y, -z),
                }[transform]
                y, z = y + 4, z + 4
                known[i, j] = 0 <= y <= 8 and 0 <= z <= 8
                for row in (int(np.floor(y)), int(np.floor(y)) + 1):
                    for column in (int(np.floor(z)), int(np.floor(z)) + 1):
                        weight = (1 - abs(y - row)) * (1 - abs(z - column))
                        if 0 <= row < 9 and 0 <= column < 9:
                            out[:, i, j] += weight * array[:, row, column]
        return out, known

    t, data = moved(x)
    before, after = np.asarray(model(x), "float64"), np.asarray(model(t), "float64")
    wanted, _ = moved(before)
    np.testing.assert_allclose(
        found.error, np.linalg.norm(after - wanted) / np.linalg.norm(before), rtol=1e-4, atol=1e-6
    )
    padded = np.pad(data, 1)
    sees_data = np.array([[padded[i : i + 3, j : j + 3].all() for j in range(9)] for i in range(9)])
    inside = np.pad(np.ones((7, 7)), 1)
    source, _ = moved(inside[None, ..., None])
    inner = (sees_data & (source[0, ..., 0] > 1 - 1e-6))[..., None]
    difference = np.linalg.norm((after - wanted) * inner) / np.linalg.norm(wanted * inner)
    np.testing.assert_allclose(found.inner_error, difference, rtol=1e-4, atol=1e-6)
    assert 0 < inner.sum() < 81 and (found.error > 0.01).all()


def test_similarities_are_compared_as_the_other_transformations():
    x, model = noise(2, 9, 9, 2), chain((9, 9, 2), Conv2D(3, 3, strides=2, padding="same", name="conv"))
    for transform, amount, same in (("shift", (2, 3), (1, 0, 2, 3)), ("rotation", 30, (1, 30, 0, 0))):
        found = equivariance(model, "conv", "similarity", x, [same], "crop")
        wanted = equivariance(model, "conv", transform, x, [amount], "crop")
        assert found.error == wanted.error > 0.01 and found.multiple_of_stride == wanted.multiple_of_stride
        np.testing.assert_array_equal(found.inner_error, wanted.inner_error)
    combined = equivariance(model, "conv", "similarity", x, [(1, 90, 2, 4), (1.2, 90, 1, 4)])
    assert combined.multiple_of_stride.tolist() == [True, False] and combined.border == "zeros"
    with pytest.raises(Refusal, match="^equivariance expects amounts, a sequence of tuples .*; received amounts="):
        equivariance(model, "conv", "similarity", x)


def test_layers_without_positions_are_compared_as_they_are():
    x = noise(2, 8, 8, 2)
    model = chain((8, 8, 2), Conv2D(3, 3, padding="circular"), layers.GlobalMaxPooling2D(name="pool"))
    found = equivariance(model, "pool", "shift", x, [1, 3])
    assert (found.error < EXACT).all() and np.isnan(found.inner_error).all() and found.strides == ()
    flat = chain((8, 8, 2), layers.Flatten(name="flat"))
    wanted = np.linalg.norm(np.roll(x, 1, 2) - x) / np.linalg.norm(x)
    np.testing.assert_allclose(equivariance(flat, "flat", "shift", x, [1]).error, wanted, rtol=1e-6)


def test_cropped_positions_are_not_compared():
    """Moved out and filled with zeros: of a layer that adds 1 to each pixel only the filled positions differ."""
    for border, differs in (("crop", False), ("zeros", True)):
        found = shift_errors(layers.Rescaling(1.0, 1.0), [2, (0, -3)], border=border)
        assert ((found.error > 0.1) == differs).all()
    conv, x = chain((8, 2), Conv1D(3, 3, padding="same", name="conv")), noise(2, 8, 2)
    moved, wanted = np.asarray(conv(np.pad(x, [(0, 0), (2, 0), (0, 0)])[:, :8]))[:, 2:], np.asarray(conv(x))[:, :-2]
    found = equivariance(conv, "conv", "shift", x, [2], "crop")
    np.testing.assert_allclose(found, np.linalg.norm(moved - wanted) / np.linalg.norm(wanted), rtol=1e-5)
    far = shift_errors(Conv2D(1, 5), [7], border="crop")  # beyond the map of 4 positions: nothing is left
    assert np.isnan(far.error).all()


def test_maps_that_are_zero():
    model = chain((6, 1), layers.Rescaling(0.0, name="zero"))
    assert equivariance(model, "zero", "shift", noise(1, 6, 1), [1]).error == 0
    local = chain((6, 1), layers.ReLU(max_value=1, name="relu"))
    assert equivariance(local, "relu", "shift", -np.ones((1, 6, 1)), [1]).error == 0


def small(data_format="channels_last"):
    x = keras.Input((8, 8, 2) if data_format == "channels_last" else (2, 8, 8))
    y = Conv2D(4, 3, strides=2, padding="same", activation="relu", data_format=data_format, name="conv1")(x)
    y = Conv2D(4, 3, padding="same", data_format=data_format, name="conv2")(y)
    y = layers.GlobalAveragePooling2D(data_format=data_format, name="pool")(y)
    return keras.Model(x, layers.Dense(3, "softmax", name="classes")(y), name="small")


def test_structures_and_data_formats():
    flat, first = small(), small("channels_first")
    sequence = keras.Sequential([keras.Input((8, 8, 2)), *flat.layers[1:]])
    nested = keras.Sequential([keras.Input((8, 8, 2)), flat])
    first.set_weights(flat.get_weights())
    x = noise(3, 8, 8, 2)
    wanted = equivariance_by_layer(flat, "shift", x, [1, 2])
    assert wanted.layers == ("conv1", "conv2", "pool", "classes") and wanted.error.shape == (4, 2)
    assert wanted.multiple_of_stride.tolist() == [[False, True]] * 2 + [[True, True]] * 2
    for model, inputs in ((sequence, x), (nested, x), (first, np.moveaxis(x, -1, 1))):
        found = equivariance_by_layer(model, "shift", inputs, [1, 2])
        assert [path.rpartition("/")[2] for path in found.layers] == list(wanted.layers)
        np.testing.assert_allclose(found.error, wanted.error, rtol=1e-4)
        np.testing.assert_allclose(found.inner_error, wanted.inner_error, atol=1e-5)
        single = equivariance(model, "conv2", "shift", inputs, [1, 2])
        np.testing.assert_allclose(single, wanted.error[1], rtol=1e-4)


def test_layers_that_cannot_be_compared_are_left_out():
    shared = layers.Conv1D(2, 3, padding="same", name="shared")
    x = keras.Input((8, 2))
    y = layers.Conv1D(2, 3, name="conv")(shared(shared(x)))
    model = keras.Model(x, layers.Reshape((2, 2, 3), name="reshaped")(layers.Flatten(name="flat")(y)))
    found = equivariance_by_layer(model, "shift", noise(1, 8, 2), [1])
    assert found.layers == ("conv", "flat")
    assert equivariance_by_layer(model, "flip", noise(1, 8, 2), layers=["flat"]).layers == ("flat",)
    with pytest.raises(Refusal, match="is called 2 times"):
        equivariance(model, "shared", "shift", noise(1, 8, 2))
    with pytest.raises(Refusal, match=r"^equivariance expects layer, one whose output is a map or \(batch, channels\)"):
        equivariance(model, "reshaped", "shift", noise(1, 8, 2))


class Undeclared(layers.Layer):
    """A layer that declares no receptive field."""

    def call(self, x):
        return 2 * x

    def compute_output_shape(self, shape):
        return shape


def test_unknown_strides():
    model = chain((8, 1), layers.Conv1D(2, 3, strides=2, name="conv"), Undeclared(name="double"))
    with pytest.raises(Refusal, match="^equivariance expects layer, one whose stride is known; before or at double"):
        equivariance(model, "double", "shift", noise(1, 8, 1))
    found = equivariance(model, "double", "flip", noise(1, 8, 1))
    np.testing.assert_allclose(found.error, equivariance(model, "conv", "flip", noise(1, 8, 1)).error, rtol=1e-6)
    assert np.isnan(found.inner_error).all()
    assert equivariance_by_layer(model, "shift", noise(1, 8, 1)).layers == ("conv",)


def test_a_model_of_the_zoo(tmp_path):
    model, x = zoo_model("mnist1d_cnn"), noise(4, 40, 1)
    found = equivariance_by_layer(model, "shift", x)
    assert found.error.shape == (len(found.layers), 17) and np.isfinite(found.error).all()
    assert (found.error[:, 8] < EXACT).all() and (found.error[:, 0] > 0.1).all()
    assert found.plot(tmp_path / "a.png").axes
    single = equivariance(model, "stage2", "shift", x)
    assert single.plot(tmp_path / "b.png").axes and np.asarray(single) is single.error
    assert equivariance(small(), "conv2", "shift", noise(1, 8, 8, 2), [(1, 0), 2]).plot().axes


def test_refusals():
    model, x = small(), noise(1, 8, 8, 2)
    for arguments, message in (
        (("conv9", "shift", x), "did you mean 'conv"),
        (("conv1", "turn", x), "^equivariance expects transform, one of"),
        (("conv1", "shift", x[0]), "^equivariance expects inputs, an array of numbers"),
        (("conv1", "shift", x, [9]), "^equivariance expects amounts"),
        (("conv1", "shift", x, [1], "wrap"), "^equivariance expects border, one of .*'crop'"),
        (("conv1", "shift", x, [1], None, 0), "^equivariance expects batch_size"),
    ):
        with pytest.raises(Refusal, match=message):
            equivariance(model, *arguments)
    with pytest.raises(Refusal, match="^equivariance_by_layer expects layers, a sequence of names; received layers="):
        equivariance_by_layer(model, "shift", x, layers="conv1")
