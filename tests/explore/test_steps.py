"""A model as a flat list of calls: the order of `walk.run`, nested models, several inputs, and composed fields."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kzoo.analysis.receptive_field import receptive_fields
from kzoo.analysis.walk import compute, run
from kzoo.explore.steps import is_channelwise, model_steps
from kzoo.layers.blur_pooling import BlurPooling2D
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax2D
from kzoo.layers.padding import Padding2D
from kzoo.layers.scaled_tanh import ScaledTanh
from kzoo.layers.subsampling import Subsampling2D
from kzoo.models.registry import model


def nested():
    inner = keras.Sequential([keras.Input((12, 1)), layers.Conv1D(2, 3, name="a"), layers.ReLU(name="b")], name="inner")
    x, y = keras.Input((14, 1), name="x"), keras.Input((12, 1), name="y")
    first = layers.Conv1D(1, 3, name="first")(x)
    return keras.Model([x, y], layers.Add(name="add")([inner(first), inner(y)]))


@pytest.mark.parametrize("net", [nested, lambda: model("segnet_basic")], ids=["nested", "segnet"])
def test_steps_are_the_calls_that_run_visits(net):
    net = net()
    visited = []

    def visit(path, operation, args, kwargs):
        y = compute(path, operation, args, kwargs)
        visited.append((path, tuple(keras.tree.flatten(y)[0].shape[1:])))
        return y

    shapes = [(1, *x.shape[1:]) for x in net.inputs]
    specs = [tf.TensorSpec(shape, x.dtype) for shape, x in zip(shapes, net.inputs)]
    tf.function(lambda *x: run(net, x, visit)).get_concrete_function(*specs)  # traces it, computes nothing
    steps = model_steps(net, shapes)
    assert [(step.path, step.shape) for step in steps[len(net.inputs) :]] == visited
    assert all(source.step < number for number, step in enumerate(steps) for source in step.sources)


def test_a_shared_model_is_two_groups_of_steps():
    steps = model_steps(nested())
    assert [step.path for step in steps] == ["x", "y", "first", "inner/a", "inner/b", "inner/a", "inner/b", "add"]
    assert [[source.step for source in step.sources] for step in steps] == [[], [], [0], [2], [3], [1], [5], [4, 6]]


def seen(steps, number, position):
    """Returns the first and last pixel of the input that a position of a 1D map sees, step by step."""
    boxes = {number: (position, position)}
    for at in range(number, 0, -1):
        for source in steps[at].sources:
            (size, stride, padding), (first, last) = source.axes[0], boxes[at]
            boxes[source.step] = (first * stride - padding, last * stride - padding + size - 1)
    return boxes[0]


def test_fields_of_steps_compose_to_those_of_the_model():
    net = model("mnist1d_tiled")
    steps, fields = model_steps(net), receptive_fields(net)
    for number in (1, 2, 3):
        (field,) = fields[steps[number].path]
        first = field.first_pixel(2)
        assert seen(steps, number, 2) == (first, first + field.size - 1)


def test_what_a_layer_does_not_declare():
    @keras.saving.register_keras_serializable("test_steps")
    class Mine(layers.Layer):
        def call(self, x):
            return x

    steps = model_steps(keras.Sequential([keras.Input((4, 4, 1)), Mine(name="mine"), layers.Flatten(name="flat")]))
    assert steps[1].status == "unknown" and steps[1].sources[0].axes == [(None, 1, 0)] * 2
    assert steps[2].status == "exact" and steps[2].shape == (16,)


def test_shapes_of_a_model_that_takes_any_size():
    x = keras.Input((None, 1))
    net = keras.Model(x, layers.Conv1D(2, 3, strides=2, name="a")(x))
    assert model_steps(net)[1].shape == (None, 2)
    assert model_steps(net, [(1, 9, 1)])[1].shape == (4, 2)
    np.testing.assert_equal(model_steps(net, [(1, 9, 1)])[0].shape, (9, 1))


@pytest.mark.parametrize(
    "layer",
    [
        *(layers.MaxPooling2D(), layers.AveragePooling2D(3), layers.UpSampling2D(), layers.ZeroPadding2D()),
        *(layers.Cropping2D(), layers.ReLU(), layers.Activation("tanh"), layers.BatchNormalization()),
        *(Padding2D(1, "reflect"), BlurPooling2D(), ScaledTanh(), Subsampling2D(), MaxPoolingWithArgmax2D()),
    ],
    ids=lambda layer: layer.name,
)
def test_channelwise_layers_read_maps_of_the_same_number(layer):
    x = tf.constant(np.random.default_rng(0).uniform(0.1, 1, (1, 8, 8, 3)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(keras.tree.flatten(layer(x))[0][..., 1])
    gradient = np.abs(tape.gradient(y, x))
    assert is_channelwise(layer)
    assert gradient[..., 1].any() and not gradient[..., ::2].any()


@pytest.mark.parametrize(
    "layer",
    [layers.Conv2D(3, 1), layers.DepthwiseConv2D(1), layers.Dense(3), layers.Softmax(), layers.Activation("softmax")],
    ids=lambda layer: layer.name,
)
def test_other_layers_are_not_known_to_be_channelwise(layer):
    assert not is_channelwise(layer)
