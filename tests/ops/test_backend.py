"""Backend functions: conversion to tensors, convolution, Fourier transform; the same numbers on JAX."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops import backend
from kzoo.ops.backend import check_floating, convolve, irfftn, rfftn, spatial_rank, sum_dtype, tensors
from tests import references
from tests.collect import collect
from tests.ops.cases import RANKS, normal
from tests.ops.harness import CLOSE, close, flat, outputs_and_gradients, refuses

CASES = collect("OP_CASES")


@pytest.mark.parametrize("name, rank", [(name, rank) for name, case in CASES.items() for rank in case.ranks])
def test_jax_gives_the_same_numbers(jax_results, name, rank):
    """The settings of `on_jax`, compiled by JAX in float32: the reference's outputs, TensorFlow's gradients.

    With fast compilation, products and sums are rounded one by one: twice the usual difference.
    """
    case = CASES[name]
    for index, (inputs, kwargs) in enumerate(settings := case.on_jax(rank)):
        at = f"{name}/{rank}/{index}/"
        want = flat(case.reference(*inputs, **kwargs))
        close([jax_results[f"{at}y{i}"] for i in range(len(want))], want, 2 * CLOSE, what=(at, kwargs))
        with ops.no_islands():
            grads = outputs_and_gradients(case, settings[index])[1]
        close([jax_results[f"{at}g{i}"] for i in range(len(grads))], grads, 2 * CLOSE, what=(at, kwargs))


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


@pytest.mark.parametrize("rank, padding", [(1, "VALID"), (1, "SAME"), (2, "VALID"), (2, "SAME"), (3, "VALID")])
def test_convolve_takes_strides_with_dilations(seeds, rank, padding):
    x, kernel = normal(seeds, 1, *(7,) * rank, 1), normal(seeds, *(2,) * rank, 1, 1)
    got = convolve(x, kernel, (2,) * rank, padding, (3,) * rank)
    close(got, references.conv(x, kernel, strides=2, padding=padding.lower(), dilations=3))


@pytest.mark.parametrize("dilations", [(1, 3, 2), (1, 2, 3)])
def test_convolve_in_3d_with_dilations_that_differ(seeds, dilations):
    """TensorFlow's conv3d would infer the shape of the graph's output with the last two dilations swapped."""
    x, kernel = normal(seeds, 2, 4, 9, 9, 2), normal(seeds, 2, 2, 3, 2, 3)
    graph = tf.function(functools.partial(convolve, strides=(1, 2, 1), padding="VALID", dilations=dilations))
    want = references.conv(x, kernel, strides=(1, 2, 1), padding="valid", dilations=dilations)
    assert graph.get_concrete_function(x, kernel).output_shapes == want.shape
    close(graph(x, kernel), want)


@pytest.mark.parametrize("rank, padding", [(1, "SAME"), (2, "VALID"), (2, "SAME"), (3, "VALID")])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dilated_convolution_without_xla(seeds, dtype, rank, padding, monkeypatch):
    """With its gradient, also where TensorFlow has none."""
    monkeypatch.setattr(backend, "_dilates", lambda dtype, rank: False)
    x, kernel = (tf.cast(normal(seeds, *shape), dtype) for shape in ((2, *(6,) * rank, 2), (*(2, 2, 3)[:rank], 2, 3)))
    strides = (1, 2, 1)[:rank]
    with ops.no_islands(), tf.GradientTape() as tape:
        tape.watch(kernel)
        y = convolve(x, kernel, strides, padding, (2,) * rank)
    exact = [tf.cast(a, "float64").numpy() for a in (x, kernel)]
    want = references.conv(*exact, strides=strides, padding=padding.lower(), dilations=2)
    close(tf.cast(y, "float64"), want, 1e-5 if dtype == "float32" else 2**-7)
    assert np.isfinite(tf.cast(tape.gradient(y, kernel), "float32")).all()


def test_spatial_rank():
    assert [spatial_rank("pool", (None, *(5,) * rank, 2)) for rank in RANKS] == [1, 2, 3]
    for shape in ((), (2,), (2, 3), (1, 2, 3, 4, 5, 6)):
        words = f"pool expects x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape={shape}"
        refuses(words, spatial_rank, "pool", shape)
    refuses("pool expects y (b, s, c) with 1 to 3 spatial axes", spatial_rank, "pool", (2, 3), "y (b, s, c)")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_what_floats_is_summed_in_at_least_32_bits(dtype):
    x = tf.zeros(1, dtype)
    assert check_floating("pool", x) is None and check_floating("pool", keras.Input((1,), dtype=dtype)) is None
    for given in (dtype, x.dtype):
        assert tf.as_dtype(sum_dtype(given)) == ("float64" if dtype == "float64" else "float32")


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "complex64"])
def test_what_does_not_float_is_refused(dtype):
    refuses("pool expects floating x; received dtype=", check_floating, "pool", tf.zeros(1, dtype))


LENGTHS = [((7,), (7,)), ((6,), (9,)), ((5,), (8,)), ((1,), (1,)), ((6, 7), (6, 7)), ((4, 3), (7, 8)), ((3, 1), (4, 1))]


@pytest.mark.parametrize("size, lengths", LENGTHS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rfftn_equals_numpy(seeds, size, lengths, dtype):
    """Odd and even lengths, padded or not; and the inverse leads back."""
    x = normal(seeds, 2, 3, *size).astype(dtype)
    z = rfftn(tf.constant(x), lengths)
    want = np.fft.rfftn(x, lengths, range(-len(lengths), 0))
    assert z.dtype == {"float32": "complex64", "float64": "complex128"}[dtype]
    tolerance = {"float32": 1e-6, "float64": 1e-14}[dtype]
    close([tf.math.real(z), tf.math.imag(z)], [want.real, want.imag], tolerance)
    again = irfftn(tf.math.real(z), tf.math.imag(z), lengths)
    close(again, np.pad(x, [(0, 0)] * 2 + [(0, n - m) for m, n in zip(size, lengths)]), tolerance)


@pytest.mark.parametrize("size, lengths", LENGTHS)
def test_gradient_of_rfftn_is_tensorflow_s(seeds, size, lengths):
    """In float64, of a loss with another factor for each part of each frequency; of the second order too."""
    x = tf.constant(normal(seeds, 2, *size), "float64")
    theirs = (tf.signal.rfft, tf.signal.rfft2d)[len(lengths) - 1]
    factors = normal(seeds, 2, 2, *np.fft.rfftn(np.zeros(lengths)).shape).astype("float64")

    def gradients(transform):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                z = transform(x, lengths)
                loss = tf.reduce_sum(factors[0] * tf.math.real(z) ** 2 + factors[1] * tf.math.imag(z))
            first = inner.gradient(loss, x)
            total = tf.reduce_sum(first**2)
        return [first, outer.gradient(total, x)]

    close(gradients(rfftn), gradients(theirs), 1e-12)


@pytest.mark.parametrize("jit", [False, True])
def test_rfftn_with_lengths_known_only_inside_a_graph(seeds, jit):
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = rfftn(x, tuple(tf.unstack(tf.shape(x)[1:] + 1)))
            loss = tf.reduce_sum(tf.math.real(z) ** 2)
        return loss, tape.gradient(loss, x)

    x = normal(seeds, 2, 4, 5)
    known = slope(tf.constant(x))
    spec = [tf.TensorSpec(x.shape if jit else (None, None, None))]  # XLA's transform wants its lengths
    close(list(tf.function(slope, spec, jit_compile=jit, autograph=False)(x)), list(known))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_one_tap_with_strides_is_no_strided_convolution(rank, padding):
    """The gradient of that writes outside its memory on CPUs with oneDNN (TensorFlow 2.21)."""
    x, kernel = tf.ones((2, *(12, 8, 7)[:rank], 2)), tf.ones((*(1,) * rank, 2, 3))

    @tf.function(autograph=False)
    def gradients(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            y = convolve(x, kernel, (2,) * rank, padding, (2,) * rank)
        return y, tape.gradient(y, (x, kernel))

    graph = gradients.get_concrete_function(x, kernel).graph
    strides = [tuple(op.get_attr("strides")) for op in graph.get_operations() if op.type.startswith("Conv")]
    assert strides and all(set(each) == {1} for each in strides)
    y, (dx, dk) = gradients(x, kernel)
    assert y.shape == (2, *(6, 4, 4)[:rank], 3) and (y.numpy() == 2).all()
    seen = np.zeros(x.shape)
    seen[(slice(None), *(slice(None, None, 2),) * rank)] = 3
    np.testing.assert_array_equal(dx, seen)
    assert (dk.numpy() == 2 * np.prod((6, 4, 4)[:rank])).all()
