"""Comparisons of an op with its NumPy reference on TensorFlow.

The op runs uncompiled, as islands, inside XLA and with unknown sizes; gradients are compared too.
Every function returns the largest difference it found, relative to the output's largest magnitude.
"""

import contextlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.checks import Refusal
from tests.ops.cases import Setting, cotangent

# A float32 sum of at most 4 * 4 * 4 offsets * 9 channels is good to some 1e-6 of its scale; a wrong element, 1e-1.
CLOSE = 1e-5
# Float64: the difference quotients below are exact but for rounding (1e-16 of the loss, over a step of 1e-3).
STEEP = 1e-9


def flat(outputs):
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def difference(got, want, what=""):
    """Returns the largest distance relative to the scale of `want`; infinities and NaN must match."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, (what, got.shape, want.shape)
    if want.dtype.kind in "iub":
        np.testing.assert_array_equal(got, want, err_msg=str(what))
        return 0.0
    got, want = got.astype("float64"), want.astype("float64")
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite], want[~finite], err_msg=str(what))
    assert np.isfinite(got[finite]).all(), what
    scale = np.abs(want[finite]).max(initial=0) or 1.0
    return float(np.abs(got[finite] - want[finite]).max(initial=0) / scale)


def close(got, want, tolerance=CLOSE, what=""):
    got, want = flat(got), flat(want)
    assert len(got) == len(want), what
    worst = max(difference(g, w, what) for g, w in zip(got, want))
    assert worst <= tolerance, (worst, what)
    return worst


def uncompiled(case, rank, count=None):
    """Compares the uncompiled op on random settings, by default 20 in 2D and 10 in 1D and 3D."""
    count = count or (20 if rank == 2 else 10)
    with ops.no_islands():
        return max(_against_loop(case, setting) for setting in case.random(rank, count))


def compiled(case, rank, settings=None):
    """Compares the op as users call it: eagerly, as an island; two of the ten settings."""
    return max(_against_loop(case, setting) for setting in settings or case.ten(rank)[2::4])


def _against_loop(case, setting):
    inputs, kwargs = setting
    return close(case.op(*inputs, **kwargs), case.reference(*inputs, **kwargs), what=(case.op.__name__, setting))


def unknown_sizes(case, rank, indices=(0, 4, 7)):
    """Compares the op in a tf.function with an unknown batch, and unknown spatial sizes where the op allows that.

    Three of the ten settings. Numbers 4 and 9 know their spatial sizes, and run as islands.
    """

    def run(inputs, kwargs, known):
        pooled = [a.ndim == rank + 2 and (i == 0 or a.dtype.kind == "i") for i, a in enumerate(inputs)]
        shapes = [
            (None, *(a.shape[1:-1] if known else (None,) * rank), a.shape[-1]) if free else a.shape
            for a, free in zip(inputs, pooled)
        ]
        specs = [tf.TensorSpec(shape, a.dtype) for shape, a in zip(shapes, inputs)]
        fn = tf.function(lambda *tensors: case.op(*tensors, **kwargs), input_signature=specs, autograph=False)
        return fn(*inputs)

    worst, ten = 0.0, case.ten(rank)
    for index in (index for index in indices if index < len(ten)):
        inputs, kwargs = ten[index]
        known = not case.free or index % 5 == 4
        with contextlib.nullcontext() if index % 5 == 4 else ops.no_islands():
            got = run(inputs, kwargs, known)
        worst = max(worst, close(got, case.reference(*inputs, **kwargs), what=(case.op.__name__, inputs, kwargs)))
    return worst


def inside_xla(case, rank, settings=None):
    """Compares forward and gradients in one XLA-compiled function; three of the ten settings."""
    settings = settings or case.ten(rank)[::4]

    def run(inputs):
        return [outputs_and_gradients(case, Setting(tensors, s.kwargs)) for tensors, s in zip(inputs, settings)]

    worst = 0.0
    inputs = [setting.inputs for setting in settings]
    with ops.no_islands():
        separate = run(inputs)
    whole = tf.function(run, jit_compile=True, autograph=False)(inputs)
    for (y, grads), (_, expected), (arrays, kwargs) in zip(whole, separate, settings):
        what = (case.op.__name__, arrays, kwargs)
        worst = max(worst, close(y, case.reference(*arrays, **kwargs), what=what), close(grads, expected, what=what))
    return worst


def island_gradients(case, rank, chosen=(3,)):
    """Compares the gradients of islands, compiled apart from the forward pass, with the uncompiled ones."""
    settings = [case.ten(rank)[index] for index in chosen]
    with ops.no_islands():
        expected = [outputs_and_gradients(case, setting)[1] for setting in settings]
    return max(close(outputs_and_gradients(case, s)[1], e, what=s) for s, e in zip(settings, expected))


def outputs_and_gradients(case, setting):
    """Returns the op's outputs, and its floating inputs' gradients of the first output times fixed random numbers."""
    inputs = [tf.convert_to_tensor(a) for a in setting.inputs]
    floating = [a for a in inputs if a.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floating)
        outputs = flat(case.op(*inputs, **setting.kwargs))
        loss = tf.reduce_sum(outputs[0] * cotangent(outputs[0].shape, outputs[0].dtype.name))
    return outputs, tape.gradient(loss, floating)


def double(setting):
    return setting._replace(inputs=tuple(a.astype("float64") if a.dtype.kind == "f" else a for a in setting.inputs))


def slopes(case, rank, settings=None):
    """Compares the gradient along a random direction in float64 with the reference's central difference.

    Of the ten settings all in 2D, every second in 1D and 3D.
    Sums are bilinear, so their central difference is exact. Where a maximum is taken, values are 1 apart and the step
    moves none of them past another. A curve's central difference has the error a * step^2 + b * step^4 + ...: a second
    one, with twice the step, cancels the first term, and the second is 1e-12 where the curve's scale is 1.
    """
    rng, step, worst = np.random.default_rng(rank), 1e-3, 0.0
    for inputs, kwargs in map(double, settings or case.ten(rank)[:: 1 if rank == 2 else 2]):
        with ops.no_islands():
            grads = [np.asarray(g) for g in outputs_and_gradients(case, Setting(inputs, kwargs))[1]]
        ways = [rng.uniform(-1, 1, a.shape) * (a.dtype.kind == "f") for a in inputs]

        def loss(step, inputs=inputs, kwargs=kwargs, ways=ways):
            moved = [a + step * way if a.dtype.kind == "f" else a for a, way in zip(inputs, ways)]
            y = flat(case.reference(*moved, **kwargs))[0]
            return (y * cotangent(y.shape, "float64")).sum()

        slope = (loss(step) - loss(-step)) / (2 * step)
        if case.curved:
            slope = (4 * slope - (loss(2 * step) - loss(-2 * step)) / (4 * step)) / 3
        products = [g * way for g, way in zip(grads, ways)]  # the floating inputs come first
        error = abs(sum(p.sum() for p in products) - slope) / sum(np.abs(p).sum() for p in products)
        # a root near 0 bends by more than its scale
        assert error <= (100 * STEEP if case.curved else STEEP), (error, case.op.__name__, kwargs)
        worst = max(worst, error)
    return worst


def second_order(fn, *inputs):
    """Returns the gradient of the squared gradient, in float64."""
    inputs = [tf.constant(a, "float64") for a in inputs]
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            loss = tf.reduce_sum(fn(*inputs) ** 2)
        total = tf.add_n([tf.reduce_sum(g**2) for g in inner.gradient(loss, inputs)])
    return [np.asarray(g) for g in outer.gradient(total, inputs)]


def compiled_at_random(case, rank):
    """Compares the ten and 200 random settings, as islands; takes minutes."""
    return compiled(case, rank, case.ten(rank) + case.random(rank, 200))


def uncompiled_at_random(case, rank):
    """Compares the uncompiled op on 100 random settings."""
    return uncompiled(case, rank, 100)


def inside_xla_of_all(case, rank):
    """Compares all ten settings in one function that XLA compiles."""
    return inside_xla(case, rank, case.ten(rank))


def unknown_sizes_of_all(case, rank):
    """Compares all ten settings with unknown sizes."""
    return unknown_sizes(case, rank, range(10))


def slopes_of_all(case, rank):
    """Compares the gradients of all ten settings."""
    return slopes(case, rank, case.ten(rank))


# What every op is tried with, in every rank: `@pytest.mark.parametrize("check", CHECKS)`.
CHECKS = [
    uncompiled,
    compiled,
    unknown_sizes,
    inside_xla,
    island_gradients,
    slopes,
    pytest.param(uncompiled_at_random, marks=pytest.mark.large),
    pytest.param(compiled_at_random, marks=pytest.mark.large),
    pytest.param(inside_xla_of_all, marks=pytest.mark.large),
    pytest.param(slopes_of_all, marks=pytest.mark.large),
    pytest.param(unknown_sizes_of_all, marks=pytest.mark.large),
]


def refuses(words, fn, *args, **kwargs):
    """Asserts that `fn` raises one of kzoo's one-line errors that contains these words."""
    with pytest.raises(Refusal, match=re.escape(words)) as caught:
        fn(*args, **kwargs)
    assert "\n" not in str(caught.value)


# What every pool refuses of (ksize, strides, padding, dilations) over 4 x 5 elements, in its own name.
BAD_WINDOWS = [
    ((5,), "a window that fits into the padded input on spatial axis 0; received ksize=5"),
    ((2, 1, "valid", 4), "ksize=2, dilation=4, input=4, padding=(0, 0)"),
    ((0,), "ksize, an integer of at least 1 or 2 of them; received ksize=0"),
    ((2.0,), "ksize=2.0"),
    ((None,), "ksize=None"),
    (((2, 2, 2),), "ksize=(2, 2, 2)"),
    ((2, 0), "strides=0"),
    ((2, 1.5), "strides=1.5"),
    ((2, 2, ("mirror", 1)), "padding=('mirror', 1)"),
    ((2, 2, -1), "padding, an integer of at least 0"),
    ((2, 2, "valid", True), "dilations=True"),
    ((2, 2, ("circular", 5)), "circular padding of at most 4; received padding=(5, 5), size=4"),
    ((2, 1, 2), "windows that each meet the input on spatial axis 0; received ksize=2, dilation=1, stride=1, input=4"),
    ((2, 1, "same", 6), "windows that each meet the input on spatial axis 0"),
]


def bad_samples(layer, integers=False):
    """Returns x that every pool must refuse, and the messages; `layer` is the one named for a symbolic image.

    integers: whether the pool takes these.
    """
    shape = (1, 4, 5, 2)
    dtypes = "floating or integer" if integers else "floating"
    ranks = "x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape="
    return [
        *[(np.zeros(shape, kind), f"{dtypes} x; received dtype=") for kind in ("int32", bool, "complex64")[integers:]],
        (np.zeros((5, 2), "float32"), f"{ranks}(5, 2)"),
        (np.zeros((1, 1, *shape), "float32"), f"{ranks}(1, 1, 1, 4, 5, 2)"),
        (keras.Input(shape[1:]), f"the layer kzoo.layers.{layer}; received a KerasTensor=(None, 4, 5, 2)"),
    ]


def traced(fn, *shapes, dtype="float32"):
    """Returns the op's graph for inputs of these shapes (None: unknown) without allocating them."""
    specs = [shape if isinstance(shape, tf.TensorSpec) else tf.TensorSpec(shape, dtype) for shape in shapes]
    return tf.function(fn, autograph=False).get_concrete_function(*specs)


def must_compile(graph_def):
    """Returns the functions of a graph that only XLA can run."""
    return [f.signature.name for f in graph_def.library.function if f.attr["_XlaMustCompile"].b]


def half_precision(case, rank, dtype):
    """Compares every second of the ten settings in a 16-bit precision with the float64 reference of the same inputs.

    Sums are in float32; rounded to the precision are the result and, in `tiled_conv`, each product of a kernel's row.
    Four half steps of the precision at the output's scale allow for that, but not for a missing element.
    """
    step = {"float16": 2**-11, "bfloat16": 2**-8, "float64": 1e-14}[dtype]
    with ops.no_islands():
        for inputs, kwargs in case.ten(rank)[::2]:
            low = [tf.cast(a, dtype) if a.dtype.kind == "f" else tf.constant(a) for a in inputs]
            exact = [np.asarray(tf.cast(a, "float64")) if a.dtype.is_floating else np.asarray(a) for a in low]
            y, want = flat(case.op(*low, **kwargs))[0], flat(case.reference(*exact, **kwargs))[0]
            assert y.dtype == dtype, (y.dtype, kwargs)
            close(tf.cast(y, "float64"), want, 4 * step, what=(case.op.__name__, kwargs))
