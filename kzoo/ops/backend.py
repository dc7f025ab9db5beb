"""What the ops need of a backend and `keras.ops` lacks: tensors as they come, and one convolution primitive.

`keras.ops.conv` refuses a stride with a dilation, and its grouped form leaves an XLA-only function in exports.

Source: none.
"""

import keras

from kzoo.checks import require
from kzoo.ops.xla import island

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def tensors(who, layer, *arrays):
    """Arrays, tensors or Keras variables as backend tensors; a symbolic input is refused by naming the layer to use.

    >>> tensors("conv", "Conv", keras.Input((8, 1)))
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: conv expects arrays or tensors, and in a functional model the layer kzoo.layers.Conv1D; \
received a KerasTensor=(None, 8, 1).
    """
    for array in arrays:
        if isinstance(array, keras.KerasTensor):
            rank = len(array.shape) - 2
            name = f"{layer}{rank if 1 <= rank <= 3 else '{1,2,3}'}D"
            expected = f"arrays or tensors, and in a functional model the layer kzoo.layers.{name}"
            require(False, who, expected, **{"a KerasTensor": tuple(array.shape)})
    if keras.backend.backend() == "tensorflow":
        # keras.ops.convert_to_tensor hands a variable on as its resource, which an inner tf.function cannot read
        return tuple(map(tf.convert_to_tensor, arrays))
    return tuple(map(keras.ops.convert_to_tensor, arrays))


def convolve(x, kernel, strides, padding, dilations):
    """The backend's convolution, strides and dilations together, in 1D to 3D, without groups.

    Shapes: x (B, *spatial, C), kernel (*size, C, F); returns (B, *output, F). `padding` is "VALID" or "SAME".
    """
    if keras.backend.backend() == "tensorflow":
        span, (size, stride) = (kernel.shape[-3] - 1) * dilations[-1] + 1, (x.shape[-2], strides[-1])
        if padding == "VALID" and stride > 1 and size is not None and size < span + stride:
            # one output on the last axis, so this stride is idle; with it some of oneDNN's kernels read wrong cells
            x, strides = x[..., :span, :], (*strides[:-1], 1)
        # with a dilation, TensorFlow on CPU has a gradient in oneDNN alone (float32, bfloat16); XLA has it for all
        plain = max(dilations) == 1 or x.dtype in (tf.float32, tf.bfloat16)
        run = _convolve if plain else _compiled_convolve
        return run(x, kernel, strides=strides, padding=padding, dilations=dilations)

    from jax import lax

    rank = len(strides)
    spatial = "DHW"[-rank:]
    layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    return lax.conv_general_dilated(x, kernel, strides, padding, rhs_dilation=dilations, dimension_numbers=layout)


def _convolve(x, kernel, *, strides, padding, dilations):
    if len(strides) == 1:
        return tf.nn.conv1d(x, kernel, strides[0], padding, dilations=dilations[0])
    conv = tf.nn.conv2d if len(strides) == 2 else tf.nn.conv3d
    return conv(x, kernel, (1, *strides, 1), padding, dilations=(1, *dilations, 1))


_compiled_convolve = island(_convolve)
