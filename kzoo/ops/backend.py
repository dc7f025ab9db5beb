"""Backend functions that `keras.ops` lacks: conversion to tensors, convolution, Fourier transform.

`keras.ops.conv` does not take a stride together with a dilation, and its grouped form leaves an XLA-only function in
exported graphs. `keras.ops.rfft` transforms one axis, in one precision.
"""

import functools
import itertools

import keras

from kzoo.checks import Refusal, require
from kzoo.ops.xla import compiling, island

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def tensors(who, layer, *arrays):
    """Returns arrays, tensors or Keras variables as backend tensors.

    A symbolic input is refused with a message that names the layer to use; `layer` holds {} where the layer's name has
    the number of spatial axes.

    >>> tensors("conv", "Conv{}D", keras.Input((8, 1)))
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: conv expects arrays or tensors, and in a functional model the layer kzoo.layers.Conv1D; \
received a KerasTensor=(None, 8, 1).
    """
    for array in arrays:
        if isinstance(array, keras.KerasTensor):
            rank = len(array.shape) - 2
            name = layer.format(rank if 1 <= rank <= 3 else "{1,2,3}")
            expected = f"arrays or tensors, and in a functional model the layer kzoo.layers.{name}"
            require(False, who, expected, **{"a KerasTensor": tuple(array.shape)})
    # keras.ops.convert_to_tensor passes a variable on as its resource, which an inner tf.function cannot read
    tensorflow = keras.backend.backend() == "tensorflow"
    convert = tf.convert_to_tensor if tensorflow else keras.ops.convert_to_tensor
    try:
        return tuple(map(convert, arrays))
    except (TypeError, ValueError):
        kinds = ", ".join(type(array).__name__ for array in arrays)
        raise Refusal(f"{who} expects arrays of numbers or tensors; received {kinds}.") from None


def spatial_rank(who, shape, layout="x (batch, *spatial, channels)"):
    """Returns the number of spatial axes, which must be 1 to 3."""
    rank = len(shape) - 2
    require(1 <= rank <= 3, who, f"{layout} with 1 to 3 spatial axes", shape=tuple(shape))
    return rank


def dtype_of(x):
    """Returns the name of a tensor's dtype, such as "float32"."""
    return keras.backend.standardize_dtype(x.dtype)


def check_floating(who, x):
    """Raises a ValueError unless x is floating."""
    require("float" in dtype_of(x), who, "floating x", dtype=dtype_of(x))


def check_ordered(who, x):
    """Raises a ValueError unless x is floating or integer."""
    require("float" in dtype_of(x) or "int" in dtype_of(x), who, "floating or integer x", dtype=dtype_of(x))


def check_one_dtype(who, what, **parts):
    """Raises a ValueError unless all tensors have the same dtype; `what` names them in the message."""
    dtypes = {name: dtype_of(part) for name, part in parts.items()}
    require(len(set(dtypes.values())) == 1, who, f"{what} of one dtype", **dtypes)


def ceil_div(n, d):
    """Returns n / d rounded up, for an n of at least 0, which may be a tensor.

    Not as -(-n // d), which ONNX rounds the other way.

    >>> ceil_div(7, 2)
    4
    """
    return (n + d - 1) // d


def sum_dtype(dtype):
    """Returns the dtype to sum in: float32 for 16-bit floats, otherwise the dtype itself."""
    return "float32" if keras.backend.standardize_dtype(dtype) in ("float16", "bfloat16") else dtype


def scatter_maximum(indices, values, shape):
    """Returns what `keras.ops.scatter` does, with the maximum of the values at an index and 0 instead of their sum."""
    if keras.backend.backend() == "tensorflow":
        return tf.tensor_scatter_nd_max(tf.zeros(shape, values.dtype), indices, values)
    return keras.ops.zeros(shape, values.dtype).at[tuple(indices.T)].max(values)


def fused_batch_norm(x, gamma, beta, epsilon):
    """Returns what `kzoo.ops.batch_norm` does, of float32 on TensorFlow; mean and variance have no gradient."""
    images = x if len(x.shape) == 4 else tf.reshape(x, (tf.shape(x)[0], -1, 1, x.shape[-1]))
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(images, gamma, beta, epsilon=epsilon)
    count = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
    # TensorFlow's variance has Bessel's correction, except of one value
    return tf.reshape(y, tf.shape(x)), mean, variance * (tf.maximum(count - 1, 1) / count)


def convolve(x, kernel, strides, padding, dilations):
    """Returns the backend's convolution in 1D to 3D, with strides and dilations together, without groups.

    Shapes: x (B, *spatial, C), kernel (*size, C, F); returns (B, *output, F). `padding` is "VALID", or "SAME" but for
    dilations in 3D.
    """
    if keras.backend.backend() == "tensorflow":
        if max(strides) > 1 and set(kernel.shape[:-2]) == {1}:
            # oneDNN's gradient of a strided convolution with one tap writes outside its memory
            steps = (slice(None), *(slice(None, None, step) for step in strides))
            once = (1,) * len(strides)
            return convolve(x[steps], kernel, once, padding, once)
        span, (size, stride) = (kernel.shape[-3] - 1) * dilations[-1] + 1, (x.shape[-2], strides[-1])
        if padding == "VALID" and stride > 1 and size is not None and size < span + stride:
            # one output on the last axis, so this stride has no effect; with it some oneDNN kernels read wrong elements
            x, strides = x[..., :span, :], (*strides[:-1], 1)
        if len(strides) == 3 and dilations[1] != dilations[2]:
            # in graphs TensorFlow's conv3d takes these two for each other; without the last, they may be equal
            run = functools.partial(convolve, dilations=(*dilations[:2], dilations[1]))
            return _sum_over_taps(run, x, kernel, strides, dilations, axes=(2,))
        if x.shape[0] == 0:  # without XLA TensorFlow returns an output of the input's size
            return convolve(tf.pad(x, [(0, 1), *[(0, 0)] * (len(x.shape) - 1)]), kernel, strides, padding, dilations)[
                :0
            ]
        native = max(dilations) == 1 or _dilates(x.dtype.name, len(strides))
        run = _convolve if native else _compiled_convolve
        return run(x, kernel, strides=strides, padding=padding, dilations=dilations)

    from jax import lax

    rank = len(strides)
    spatial = "DHW"[-rank:]
    layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    return lax.conv_general_dilated(x, kernel, strides, padding, rhs_dilation=dilations, dimension_numbers=layout)


def _convolve(x, kernel, *, strides, padding, dilations):
    if x.dtype == tf.float16 and not tf.config.list_logical_devices("GPU"):
        # TensorFlow's convolution of float16 on CPU sums gradients in 16 bits and takes six times as long
        x, kernel = tf.cast(x, tf.float32), tf.cast(kernel, tf.float32)
        return tf.cast(_convolve(x, kernel, strides=strides, padding=padding, dilations=dilations), tf.float16)
    if len(strides) == 1:
        return tf.nn.conv1d(x, kernel, strides[0], padding, dilations=dilations[0])
    conv = tf.nn.conv2d if len(strides) == 2 else tf.nn.conv3d
    return conv(x, kernel, (1, *strides, 1), padding, dilations=(1, *dilations, 1))


def _convolve_anywhere(x, kernel, *, strides, padding, dilations):
    """Returns the convolution; outside XLA as a sum over taps if TensorFlow has no dilated one.

    It has one in graphs in 1D and 2D, but not its gradient. Exported graphs need no gradient.
    """
    native = len(strides) < 3 and not tf.executing_eagerly()
    if native or compiling() or max(dilations) == 1 or _dilates(x.dtype.name, len(strides)):
        return _convolve(x, kernel, strides=strides, padding=padding, dilations=dilations)
    if padding == "SAME":
        spans = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilations)]
        needed = [(ceil_div(n, s) - 1) * s + span - n for n, s, span in zip(x.shape[1:-1], strides, spans)]
        pads = [(max(n, 0) // 2, max(n, 0) - max(n, 0) // 2) for n in needed]
        x = tf.pad(x, [(0, 0), *pads, (0, 0)])
    run = functools.partial(_convolve, dilations=(1,) * len(strides))
    return _sum_over_taps(run, x, kernel, strides, dilations, range(len(strides)))


_compiled_convolve = island(_convolve_anywhere, plain=False)


def _sum_over_taps(run, x, kernel, strides, dilations, axes):
    """Returns a convolution as the sum of one for each tap of these axes, whose dilations they do not need."""
    sizes, total = keras.ops.shape(x)[1:-1], 0
    for taps in itertools.product(*(range(kernel.shape[axis]) for axis in axes)):
        view, chosen = [slice(None)] * len(x.shape), [slice(None)] * len(kernel.shape)
        for axis, tap in zip(axes, taps):
            start, last = tap * dilations[axis], (kernel.shape[axis] - 1) * dilations[axis]
            view[axis + 1], chosen[axis] = slice(start, start + sizes[axis] - last), slice(tap, tap + 1)
        y = run(x[tuple(view)], kernel[tuple(chosen)], strides=strides, padding="VALID")
        total += keras.ops.cast(y, sum_dtype(y.dtype))
    return keras.ops.cast(total, x.dtype)


@functools.cache
def _dilates(dtype, rank):
    """Returns whether TensorFlow runs dilated convolutions of this dtype, and their gradients, without XLA.

    On CPU only oneDNN does, which TensorFlow uses on some processors and for some dtypes. What is tried is the gradient
    for the input, which TensorFlow also offers as a function.
    """
    with tf.init_scope():
        if not tf.executing_eagerly():
            return False
        dy, kernel, shape = tf.ones((1, *(3,) * rank, 1), dtype), tf.ones((*(2,) * rank, 1, 1), dtype), (5,) * rank
        try:
            tf.nn.conv_transpose(dy, kernel, (1, *shape, 1), strides=1, padding="VALID", dilations=2)
        except tf.errors.OpError:
            return False
    return True


def gradient_of(fn, x, dy):
    """Returns the gradient of `fn(x)` for x, given the gradient dy of its output; TensorFlow only."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = fn(x)  # dropped from a graph wherever the gradient does not need it
    return tape.gradient(y, x, dy)


def rfftn(x, lengths):
    """Returns the Fourier transform of real x over its last 1 or 2 axes, each zero-padded to its length; complex."""
    if keras.backend.backend() == "tensorflow":
        axes = len(x.shape) - len(lengths)
        # tf.signal pads too, but not an empty batch
        gaps = [(0, 0)] * axes + [(0, n - size) for n, size in zip(lengths, keras.ops.shape(x)[axes:])]
        return _rfftn(tf.pad(x, gaps), len(lengths))

    from jax import numpy

    return numpy.fft.rfftn(x, lengths, range(-len(lengths), 0))


def irfftn(real, imaginary, lengths):
    """Returns the inverse of `rfftn`, from the real and the imaginary part."""
    if keras.backend.backend() == "tensorflow":
        return (tf.signal.irfft, tf.signal.irfft2d)[len(lengths) - 1](tf.complex(real, imaginary), lengths)

    from jax import lax, numpy

    return numpy.fft.irfftn(lax.complex(real, imaginary), lengths, range(-len(lengths), 0))


def _rfftn(x, rank):
    """Returns TensorFlow's transform with a fast gradient.

    TensorFlow's own gradient multiplies each map by a matrix of length x length.
    """
    forward = (tf.signal.rfft, tf.signal.rfft2d)[rank - 1]

    @tf.custom_gradient
    def transform(x):
        def gradient(g):
            lengths = tf.unstack(tf.shape(x)[-rank:])
            # irfft counts a frequency twice if rfft leaves out its mirror image: all but 0 and, of an even length, half
            frequency = tf.range(tf.shape(g)[-1])
            share = tf.cast(tf.where(tf.equal(2 * frequency % lengths[-1], 0), 1.0, 0.5), x.dtype)
            total = tf.cast(tf.reduce_prod(lengths), x.dtype)
            return irfftn(tf.math.real(g) * share, tf.math.imag(g) * share, lengths) * total

        return forward(x), gradient

    return transform(x)
