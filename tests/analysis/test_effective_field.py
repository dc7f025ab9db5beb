"""Effective receptive fields, against closed forms and gradients of the model cut off at the layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kzoo.analysis.effective_field import effective_receptive_field
from kzoo.checks import Refusal
from kzoo.layers import Conv1D, Conv2D
from kzoo.layers.field import Field
from kzoo.models.registry import model
from kzoo.ops.xla import no_islands


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def chain(depth, shape, cls, size=3, **kwargs):
    """Convolutions whose weights all are 1."""
    kwargs = {"padding": "same", "kernel_initializer": "ones", **kwargs}
    return keras.Sequential(
        [keras.Input(shape), *(cls(1, size, name=f"conv{i + 1}", **kwargs) for i in range(depth))], name="chain"
    )


def convolved_boxes(depth, size=3):
    box = np.ones(1)
    for _ in range(depth):
        box = np.convolve(box, np.ones(size))
    return box


def test_a_chain_of_boxes():
    """Its gradient is the box convolved with itself, of variance k (3^2 - 1) / 12 (Luo et al. 2016)."""
    depth, n = 6, 31
    found = effective_receptive_field(chain(depth, (n, 1), layers.Conv1D), f"conv{depth}", noise(2, n, 1))
    wanted = np.pad(convolved_boxes(depth), n // 2 - depth)
    np.testing.assert_allclose(np.sqrt(found), wanted, rtol=1e-5)
    np.testing.assert_allclose(found.sigma, np.sqrt(depth * 2 / 3), rtol=1e-5)
    assert found.centre == pytest.approx((15.0,)) and found.position == (15,)
    assert found.theoretical == (Field(2 * depth + 1, 1, depth),) and found.box() == [(15 - depth, 2 * depth + 1)]
    assert found.size == np.sum(wanted > (1 - 0.9545) * wanted.max()) == 9


@pytest.mark.parametrize("first", [False, True])
def test_images(first):
    """Each axis has its own kernel size; the data formats agree."""
    kwargs = {"data_format": "channels_first"} if first else {}
    built = chain(4, (2, 21, 25) if first else (21, 25, 2), Conv2D, (3, 5), **kwargs)
    found = effective_receptive_field(built, "conv4", noise(2, *built.input_shape[1:]))
    rows, columns = np.pad(convolved_boxes(4), 6), np.pad(convolved_boxes(4, 5), 4)
    np.testing.assert_allclose(found.array, 2 * np.outer(rows, columns) ** 2, rtol=1e-4)  # of two channels
    np.testing.assert_allclose(found.sigma, np.sqrt([4 * 2 / 3, 4 * 2]), rtol=1e-4)
    assert [field.size for field in found.theoretical] == [9, 17]


def by_hand(built, layer, x, unit=None):
    """For each example and channel one gradient."""
    part = keras.Model(built.inputs, built.get_layer(layer).output)
    total, count = 0.0, 0
    for example in x:
        inputs = tf.constant(example[None])
        for channel in range(part.output.shape[-1]) if unit is None else [unit]:
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                y = part(inputs)
                value = y[(0, *(n // 2 for n in y.shape[1:-1]), channel)]
            total, count = total + np.sum(tape.gradient(value, inputs).numpy()[0] ** 2.0, -1), count + 1
    return total / count


@pytest.mark.parametrize("name, layer", [("mnist1d_cnn", "stage2"), ("mnist1d_tiled", "stage1")])
def test_means_over_channels_and_inputs(name, layer):
    built = model(name)
    x = noise(3, *built.input_shape[1:])
    nested = keras.Sequential([keras.Input(built.input_shape[1:]), built])
    with no_islands():
        found = effective_receptive_field(built, layer, x, batch_size=2)
        np.testing.assert_allclose(found.array, by_hand(built, layer, x), rtol=1e-4, atol=1e-9)
        one = effective_receptive_field(built, layer, x, unit=1)
        np.testing.assert_allclose(one.array, by_hand(built, layer, x, 1), rtol=1e-4, atol=1e-9)
        within = effective_receptive_field(nested, f"{built.name}/{layer}", x)
    np.testing.assert_allclose(within.array, found.array, rtol=1e-5)
    assert within.theoretical == found.theoretical and within.layer == f"{built.name}/{layer}"


def test_units():
    """At other positions, counted from either end, and of layers without a map."""
    built = chain(2, (9, 1), Conv1D)
    x = noise(1, 9, 1)
    for position in (2, -7):
        found = effective_receptive_field(built, "conv2", x, (position, 0))
        np.testing.assert_allclose(np.sqrt(found), [1, 2, 3, 2, 1, 0, 0, 0, 0], rtol=1e-6)
        assert found.box() == [(0, 5)] and found.position == (2,)
    flat = keras.Sequential([keras.Input((9, 1)), *built.layers, layers.Flatten(), layers.Dense(2, name="fc")])
    found = effective_receptive_field(flat, "fc", x, 1)
    assert found.position == () and found.box() == [(0, 9)] and found.theoretical[0].size is None


@pytest.mark.parametrize("shape, cls", [((9, 1), layers.Conv1D), ((9, 9, 1), Conv2D), ((5, 6, 7, 1), layers.Conv3D)])
def test_pictures(tmp_path, shape, cls):
    found = effective_receptive_field(chain(1, shape, cls), "conv1", noise(1, *shape))
    axes = found.plot(tmp_path / "field.png").axes[0]
    assert (tmp_path / "field.png").stat().st_size
    text = {label.get_text() for label in axes.get_legend().get_texts()}
    assert "theoretical field" in text and "effective 3.0 pixels" in axes.get_title()


@pytest.mark.parametrize(
    "arguments, match",
    [
        (
            ("conv1", noise(9, 1)),
            r"an array of numbers of shape \(batch, ...\) = \(None, 9, 1\)",
        ),
        (("conv1", noise(0, 9, 1)), "that is not empty; received"),
        (("conv1", noise(1, 8, 1)), "an array of numbers of shape"),
        (("conv7", noise(1, 9, 1)), "did you mean 'conv"),
        (("conv1", noise(1, 9, 1), 1), "unit, a channel or"),
        (("conv1", noise(1, 9, 1), (9, 0)), "unit, a channel or"),
        (("conv1", noise(1, 9, 1), None, 0), "batch_size, an integer above 0"),
        (
            ("dead", noise(1, 9, 1)),
            "units with gradients other than 0; .*received layer='dead'",
        ),
    ],
)
def test_refusals(arguments, match):
    built = chain(2, (9, 1), layers.Conv1D)
    built.add(layers.Conv1D(1, 1, kernel_initializer="zeros", name="dead"))
    with pytest.raises(Refusal, match=match):
        effective_receptive_field(built, *arguments)


def test_refused_models():
    dense = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="fc")])
    with pytest.raises(Refusal, match="a model whose input has 1 to 3 spatial axes"):
        effective_receptive_field(dense, "fc", noise(1, 4))
    with pytest.raises(Refusal, match="a functional or built Sequential model"):
        effective_receptive_field(keras.Sequential(), "fc", noise(1, 4))
