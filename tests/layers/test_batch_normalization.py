"""BatchNormalization: the contract, Keras's layer in training and at inference, what it leaves to Keras's layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.layers import BatchNormalization
from tests.layer_checks import check_layer, randomize, same
from tests.layers.cases import Case, noise

FIELD_CASES = {"BatchNormalization": [("exact", {"momentum": 0.9})]}
LAYER_CASES = {"BatchNormalization": Case({"epsilon": 0.01, "momentum": 0.9}, noise(2, 7, 8, 6))}
SHAPES = [(6, 3), (3, 5, 2), (4, 6, 5, 3), (2, 3, 4, 5, 2), (1, 1, 1, 3)]


@pytest.mark.parametrize("cls", [BatchNormalization])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def trained(layer, x):
    """Returns outputs in training, gradients, and the outputs at inference that follow."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(y, "float32") ** 3)
    return [
        y,
        *tape.gradient(loss, [x, *layer.trainable_variables]),
        layer.moving_mean,
        layer.moving_variance,
        layer(x),
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "settings",
    [{}, {"scale": False, "epsilon": 0.1}, {"center": False}, {"momentum": 0.5, "axis": 1}, {"renorm": True}],
    ids=str,
)
def test_equals_keras_layer(settings, shape):
    ours, theirs = BatchNormalization(**settings), keras.layers.BatchNormalization(**settings)
    for layer in (ours, theirs):
        layer.build(shape)
    randomize(ours)
    theirs.set_weights(ours.get_weights())
    for got, want in zip(trained(ours, tf.constant(noise(*shape))), trained(theirs, tf.constant(noise(*shape)))):
        same(got, want, 1e-4)


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16", "mixed_float16"])
def test_equals_keras_layer_in_other_precisions(policy):
    x = tf.constant(100 * noise(4, 6, 5, 3))
    got, want = (trained(cls(dtype=policy), x) for cls in (BatchNormalization, keras.layers.BatchNormalization))
    for one, other in zip(got, want):
        assert one.dtype == other.dtype
        same(one, other, 1e-6 if policy == "float64" else 1e-2)


def test_a_mask_and_a_frozen_layer_are_as_in_keras():
    x, mask = noise(2, 5, 3), np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]], bool)
    ours, theirs = BatchNormalization(), keras.layers.BatchNormalization()
    same(ours(x, mask=mask, training=True), theirs(x, mask=mask, training=True))
    same(ours.moving_mean, theirs.moving_mean)
    ours.trainable = theirs.trainable = False
    before = np.array(ours.moving_mean)
    same(ours(x, training=True), theirs(x, training=True))
    np.testing.assert_array_equal(ours.moving_mean, before)


def test_training_with_an_unknown_batch_runs_the_fused_operation():
    layer = BatchNormalization()
    layer.build((None, 4, 4, 3))
    graph = tf.function(lambda x: layer(x, training=True)).get_concrete_function(tf.TensorSpec((None, 4, 4, 3))).graph
    assert "FusedBatchNormV3" in {node.op for node in graph.as_graph_def().node}
    assert graph.structured_outputs.shape == (None, 4, 4, 3)
