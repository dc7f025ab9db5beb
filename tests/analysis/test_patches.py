"""The strongest patches equal those of a loop over all positions, in every form of model and data."""

from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.patches import Place, crop, top_patches
from kzoo.checks import Refusal
from kzoo.layers import Conv2D
from kzoo.layers.field import Field
from kzoo.models.registry import model


def small(rank, data_format="channels_last"):
    """A convolution, a strided one and a class layer."""
    last = data_format == "channels_last"
    shape = (11, 9, 8)[:rank]
    conv = Conv2D if rank == 2 else getattr(keras.layers, f"Conv{rank}D")
    inputs = keras.Input((*shape, 2) if last else (2, *shape))
    more = {"padding": "same", "data_format": data_format}
    x = conv(3, 3, name="conv1", **more)(inputs)
    x = conv(4, 2, 2, name="conv2", activation="relu", **more)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(3, "softmax", name="classes")(x), name="small")


def forms(built):
    """The model itself, as a Sequential one, and within another."""
    yield built
    yield keras.Sequential([keras.Input(built.input_shape[1:]), *built.layers[1:]])
    yield keras.Sequential([keras.Input(built.input_shape[1:]), keras.layers.Rescaling(1.0), built])


def by_loop(maps, x, count, field):
    """The largest position of each example, and of these the largest, cropped from an input within a sea of zeros."""
    size, stride, padding = field
    rank = maps.ndim - 1
    found = []
    for example, values in enumerate(maps):
        best = max(values.ravel())
        position = next(index for index in np.ndindex(values.shape) if values[index] == best)
        sea = np.pad(x[example], [(50, 50)] * rank + [(0, 0)])
        corner = tuple(p * stride - padding for p in position)
        patch = sea[tuple(slice(at + 50, at + 50 + size) for at in corner)]
        found.append((-best, Place(example, position, corner), patch))
    return sorted(found, key=lambda entry: entry[:2])[:count]


@pytest.mark.parametrize("rank, data_format", [(1, "channels_last"), (2, "channels_last"), (2, "channels_first")])
def test_maps_by_a_loop(rank, data_format, seeds):
    built = small(rank, data_format)
    first = data_format == "channels_first"
    x = seeds.normal(size=(7, *built.input_shape[1:])).astype("float32")
    # sizes are 11 and 9 (odd): "same" pads the second convolution with one pixel after the input
    for layer, unit, field in (("conv1", 1, (3, 1, 1)), ("conv2", -1, (4, 2, 1))):
        maps = keras.Model(built.inputs, built.get_layer(layer).output)(x).numpy()
        maps = np.moveaxis(maps, 1, -1) if first else maps
        last = np.moveaxis(x, 1, -1) if first else x
        wanted = by_loop(maps[..., unit], last, 4, field)
        for form in forms(built):
            found = top_patches(form, layer, unit, x, count=4, batch_size=3)
            assert found.places == tuple(place for _, place, _ in wanted)
            np.testing.assert_allclose(found.values, [-value for value, _, _ in wanted], rtol=1e-5)
            np.testing.assert_array_equal(np.asarray(found), [patch for _, _, patch in wanted])


def test_single_units_and_classes(seeds):
    built = small(2)
    x = seeds.normal(size=(5, *built.input_shape[1:])).astype("float32")
    maps = keras.Model(built.inputs, built.get_layer("conv2").output)(x).numpy()
    found = top_patches(built, "conv2", (1, -1, 2), x, count=2)
    order = np.argsort(-maps[:, 1, -1, 2], kind="stable")[:2]
    assert found.places == tuple(Place(int(i), (1, 4), (1, 7)) for i in order)
    np.testing.assert_array_equal(found.patches[0, :, :2], x[order[0], 1:5, 7:9])
    assert not found.patches[:, :, 2:].any()  # beyond the last column

    for form in forms(built):
        found = top_patches(form, "classes", 1, x, count=9)
        probabilities = form(x).numpy()
        assert len(found.patches) == 5  # as many as there are examples
        np.testing.assert_array_equal(found.patches, x[[place.example for place in found.places]])
        assert {place[1:] for place in found.places} == {((), (0, 0))}
        dense = built.get_layer("classes")
        features = keras.Model(built.inputs, dense.input)(x).numpy()
        logits = (features @ np.asarray(dense.kernel) + np.asarray(dense.bias))[:, 1]
        np.testing.assert_allclose(found.values, np.sort(logits)[::-1], rtol=1e-4, atol=1e-5)
        assert probabilities.shape == (5, 3)


def test_ties_are_in_order():
    built = keras.Sequential([keras.Input((6, 1)), keras.layers.Conv1D(1, 2, kernel_initializer="ones", name="sum")])
    x = np.zeros((8, 6, 1), "uint8")
    x[3], x[6] = 1, 1
    found = top_patches(built, "sum", 0, x, count=4, batch_size=2)
    assert [place.example for place in found.places] == [3, 6, 0, 1]
    assert {place.position for place in found.places} == {(0,)} and found.patches.dtype == np.uint8


def test_datasets(seeds):
    built = small(1)
    x = seeds.normal(size=(10, 11, 2)).astype("float32")
    wanted = top_patches(built, "conv1", 0, x)
    data = tf.data.Dataset.from_tensor_slices((x, np.arange(10)))
    for dataset in (data, data.map(lambda x, y: x), data.map(lambda x, y: (x, y, 1.0))):
        found = top_patches(built, "conv1", 0, dataset.batch(4))
        assert found.places == wanted.places
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(Refusal, match=r"^top_patches expects inputs of shape \(None, 11, 2\), the first axis that of"):
        top_patches(built, "conv1", 0, data)


def test_fields_of_unknown_and_enlarging_layers(seeds):
    x = inputs = keras.Input((None, 1))
    x = keras.layers.Conv1D(1, 3, 2, padding="same", kernel_initializer="ones", name="half")(x)
    x = keras.layers.UpSampling1D(2, name="twice")(x)
    built = keras.Model(inputs, keras.layers.Lambda(lambda x: 1 * x, name="opaque")(x))
    spike = np.zeros((1, 8, 1), "float32")
    spike[0, 5] = 1
    found = top_patches(built, "twice", 0, spike)
    # size 8 is padded after its end only, which the model does not know; two pixels share a field of 3, here bound by 4
    assert found.places == (Place(0, (4,), (3,)),) and found.patches.ravel().tolist() == [0, 0, 1, 0]
    assert top_patches(built, "opaque", 0, spike).patches.shape == (1, 8, 1)
    assert [Field(3, 2, 1).first_pixel(p) for p in (0, 1)] == [-1, 1] and Field(None).first_pixel(3) == 0
    repeated = Field.between(Fraction(-1, 2), 0, Fraction(1, 2))
    assert [repeated.first_pixel(p) for p in range(4)] == [0, 0, 1, 1]


def test_boxes_outside_the_input():
    x = np.arange(1, 13).reshape(3, 4, 1)
    assert crop(x, (-1, 3), (2, 2)).ravel().tolist() == [0, 0, 4, 0]
    assert not crop(x, (5, 0), (2, 2)).any() and not crop(x, (-4, 0), (2, 2)).any()


def test_a_model_of_the_zoo_and_its_picture(seeds, tmp_path):
    x = seeds.normal(size=(12, 32, 32, 1)).astype("float32")
    found = top_patches(model("lenet5"), "stage2", 3, x)
    assert found.patches.shape[0] == 9 and (np.diff(found.values) <= 0).all()
    sheet = found.plot(tmp_path / "patches.png")
    assert len(sheet.axes) == 9 and (tmp_path / "patches.png").stat().st_size > 1000


def test_refusals():
    built = small(2)
    x = np.zeros((2, 11, 9, 2), "float32")
    with pytest.raises(Refusal, match="^top_patches expects a functional or built Sequential model"):
        top_patches(keras.Sequential([keras.layers.Conv1D(1, 2, name="conv")]), "conv", 0, x)
    with pytest.raises(Refusal, match="did you mean 'conv1'"):
        top_patches(built, "conf1", 0, x)
    with pytest.raises(Refusal, match="^top_patches expects unit, a channel"):
        top_patches(built, "conv1", 3, x)
    with pytest.raises(Refusal, match="^top_patches expects count, an integer above 0; received count=0"):
        top_patches(built, "conv1", 0, x, count=0)
    with pytest.raises(Refusal, match="the first axis that of the examples; received shape=\\(11, 9, 2\\)"):
        top_patches(built, "conv1", 0, x[0])
    with pytest.raises(Refusal, match="^top_patches expects data with at least one example"):
        top_patches(built, "conv1", 0, x[:0])
    for weight in built.get_layer("conv1").weights:
        weight.assign(keras.ops.full_like(weight, np.nan))
    with pytest.raises(Refusal, match="values that are numbers, of conv1; received example=0"):
        top_patches(built, "conv1", 0, x, batch_size=1)
    open_size = keras.Sequential([keras.Input((None, 1)), keras.layers.Conv1D(1, 2, name="conv")])
    sizes = tf.data.Dataset.from_generator(
        lambda: (np.zeros((1, n, 1), "float32") for n in (4, 5)), output_signature=tf.TensorSpec((1, None, 1))
    )
    with pytest.raises(Refusal, match=r"^top_patches expects inputs of one shape, here \(4, 1\); received shape=\(5"):
        top_patches(open_size, "conv", 0, sizes)
