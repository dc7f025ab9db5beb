"""The two backends: what the ops take as tensors, one convolution primitive, and the same numbers on JAX."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops.backend import convolve, tensors
from tests.ops.cases import CASES, RANKS, normal
from tests.ops.harness import close, flat, outputs_and_gradients, refuses


@pytest.mark.parametrize("name, rank", [(name, rank) for name, case in CASES.items() for rank in case.ranks])
def test_jax_gives_the_same_numbers(jax_results, name, rank):
    """The ten settings, compiled by JAX in float32: the loop's outputs, and TensorFlow's uncompiled gradients."""
    case = CASES[name]
    for index, (inputs, kwargs) in enumerate(settings := case.ten(rank)):
        at = f"{name}/{rank}/{index}/"
        want = flat(case.reference(*inputs, **kwargs))
        close([jax_results[f"{at}y{i}"] for i in range(len(want))], want, what=(at, kwargs))
        with ops.no_islands():
            grads = outputs_and_gradients(case, settings[index])[1]
        close([jax_results[f"{at}g{i}"] for i in range(len(grads))], grads, what=(at, kwargs))


def test_arrays_lists_tensors_and_variables_are_taken(seeds):
    x, kernel = normal(seeds, 1, 5, 2), normal(seeds, 3, 2, 4)
    want = ops.conv(x, kernel)
    for a, b in (
        (x.tolist(), kernel.tolist()),
        (tf.constant(x), tf.Variable(kernel)),
        (keras.Variable(x), keras.Variable(kernel)),
    ):
        np.testing.assert_array_equal(ops.conv(a, b), want)
        assert all(isinstance(t, tf.Tensor) for t in tensors("conv", "Conv{}D", a, b))


def test_a_variable_is_read_inside_a_compiled_island(seeds):
    """And its gradient reaches the variable."""
    kernel = keras.Variable(normal(seeds, 2, 3, 1, 1))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(ops.tiled_conv(np.ones((1, 6, 1), "float32"), kernel))
    np.testing.assert_array_equal(tape.gradient(y, kernel.value), np.full((2, 3, 1, 1), 2.0))


@pytest.mark.parametrize("shape, name", [((4, 1), "Conv1D"), ((4, 4, 4, 1), "Conv3D"), ((1,), "Conv{1,2,3}D")])
def test_a_symbol_is_refused_by_naming_the_layer(shape, name):
    words = f"conv expects arrays or tensors, and in a functional model the layer kzoo.layers.{name}; received"
    refuses(words, tensors, "conv", "Conv{}D", np.ones(3), keras.Input(shape))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_convolve_takes_strides_with_dilations(seeds, rank, padding):
    x, kernel = normal(seeds, 1, *(7,) * rank, 1), normal(seeds, *(2,) * rank, 1, 1)
    got = convolve(x, kernel, (2,) * rank, padding, (3,) * rank)
    close(got, CASES["conv"].reference(x, kernel, strides=2, padding=padding.lower(), dilations=3))
