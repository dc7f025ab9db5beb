"""Maps equal those of the model cut at a layer, and shares of zeros those that a loop counts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.layer_maps import feature_maps
from kzoo.checks import Refusal
from kzoo.layers import Conv2D
from kzoo.models.registry import model

L = keras.layers


def small(data_format="channels_last"):
    shape = (9, 8, 2) if data_format == "channels_last" else (2, 9, 8)
    inputs = keras.Input(shape)
    x = Conv2D(3, 3, activation="relu", data_format=data_format, name="conv1")(inputs)
    x = L.LeakyReLU(name="leaky")(x)
    x = Conv2D(4, 3, data_format=data_format, name="conv2")(x)
    x = keras.ops.relu(x)
    x = L.ReLU(max_value=1.0, name="bounded")(x)
    x = L.Flatten(name="flat")(x)
    return keras.Model(inputs, L.Dense(2, "softmax", name="classes")(x), name="small")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_maps_and_zeros(data_format, seeds):
    built = small(data_format)
    first = data_format == "channels_first"
    x = seeds.normal(size=(7, *built.input_shape[1:])).astype("float32")
    relu = next(layer.name for layer in built.operations if type(layer).__name__ == "Relu")
    wanted, zeros = {}, {}
    for name in ("conv1", "conv2", "bounded", "classes"):
        y = keras.Model(built.inputs, built.get_layer(name).output)(x).numpy()
        zeros[name] = sum(value == 0 for value in y.ravel()) / y.size
        wanted[name] = np.moveaxis(y, 1, -1) if first and y.ndim > 2 else y
    zeros[relu] = zeros["bounded"]  # which has no further zeros
    del zeros["classes"], zeros["conv2"]
    assert 0 < zeros["conv1"] < 1

    nested = keras.Sequential([keras.Input(built.input_shape[1:]), L.Rescaling(1.0), built])
    for form, prefix in ((built, ""), (nested, "small/")):
        for name, maps in wanted.items():
            found = feature_maps(form, name, x, batch_size=3)
            np.testing.assert_allclose(found, maps, rtol=1e-5, atol=1e-6)
            assert found.layer == prefix + name
            assert found.zeros == {f"{prefix}{path}": share for path, share in zeros.items()}
    np.testing.assert_array_equal(found.inputs, np.moveaxis(x, 1, -1) if first else x)


def test_sequential_models_and_datasets(seeds):
    x = seeds.normal(size=(5, 6, 1)).astype("float32")
    conv = L.Conv1D(3, 3, activation="relu", name="conv")
    built = keras.Sequential([keras.Input((6, 1)), conv, L.Flatten(), L.Dense(2)])
    wanted = conv(x)
    data = tf.data.Dataset.from_tensor_slices((x, np.arange(5))).batch(2)
    for found in (feature_maps(built, "conv", x), feature_maps(built, "conv", data)):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        assert found.zeros == {"conv": np.mean(wanted == 0)}


def test_shared_rectifiers_count_all_calls():
    relu = L.ReLU(name="relu")
    x = keras.Input((4,))
    built = keras.Model(x, L.Concatenate(name="both")([relu(x), relu(-x)]))
    found = feature_maps(built, "both", np.array([[1.0, 2.0, 3.0, 0.0]]))
    assert found.zeros == {"relu": 5 / 8} and found.maps.tolist() == [[1, 2, 3, 0, 0, 0, 0, 0]]


def test_pictures(seeds, tmp_path):
    built = small()
    x = seeds.normal(size=(2, 9, 8, 2))
    found = feature_maps(built, "conv1", x)
    sheet = found.plot(tmp_path / "maps.png", example=1)
    assert [axes.get_title() for axes in sheet.axes] == ["input", "map 0", "map 1", "map 2"]
    np.testing.assert_allclose(sheet.axes[2].images[0].get_array(), found.maps[1, :, :, 1])
    np.testing.assert_allclose(sheet.axes[0].images[0].get_array(), x[1].mean(-1))
    assert "zeros over all examples" in sheet.get_suptitle()
    assert feature_maps(built, "classes", x).plot().axes[1].get_title() == "outputs"
    signal = model("mnist1d_cnn")
    assert len(feature_maps(signal, "stage1", seeds.normal(size=(1, 40, 1))).plot().axes) > 10
    with pytest.raises(Refusal, match="^feature_maps expects example, an index of 2; received example=2"):
        found.plot(example=2)


def test_refusals():
    built = small()
    x = np.zeros((2, 9, 8, 2))
    with pytest.raises(Refusal, match="^feature_maps expects a functional or built Sequential model"):
        feature_maps(keras.Sequential([keras.layers.Conv1D(1, 2, name="conv")]), "conv", x)
    with pytest.raises(Refusal, match="did you mean 'conv1'"):
        feature_maps(built, "konv1", x)
    with pytest.raises(Refusal, match="^feature_maps expects inputs of shape"):
        feature_maps(built, "conv1", x[0])
    with pytest.raises(Refusal, match="^feature_maps expects data with at least one example"):
        feature_maps(built, "conv1", x[:0])
