"""What the ops need of a backend and `keras.ops` lacks: tensors as they come, and one convolution primitive.

`keras.ops.conv` refuses a stride with a dilation, and its grouped form leaves an XLA-only function in exports.

Source: none.
"""

import keras

from kzoo.checks import require

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
        require(
            not isinstance(array, keras.KerasTensor),
            who,
            f"arrays or tensors, and in a functional model the layer kzoo.layers.{layer}{len(array.shape) - 2}D"
            if isinstance(array, keras.KerasTensor)
            else "",
            **{"a KerasTensor": tuple(getattr(array, "shape", ()))},
        )
    if keras.backend.backend() == "tensorflow":
        # keras.ops.convert_to_tensor hands a variable on as its resource, which an inner tf.function cannot read
        return tuple(map(tf.convert_to_tensor, arrays))
    return tuple(map(keras.ops.convert_to_tensor, arrays))


def convolve(x, kernel, strides, padding, dilations):
    """The backend's convolution, strides and dilations together, in 1D to 3D, without groups.

    Shapes: x (B, *spatial, C), kernel (*size, C, F); returns (B, *output, F). `padding` is "VALID" or "SAME".
    """
    rank = len(strides)
    if keras.backend.backend() == "tensorflow":
        if rank == 1:
            return tf.nn.conv1d(x, kernel, strides[0], padding, dilations=dilations[0])
        conv = tf.nn.conv2d if rank == 2 else tf.nn.conv3d
        return conv(x, kernel, (1, *strides, 1), padding, dilations=(1, *dilations, 1))

    from jax import lax

    spatial = "DHW"[-rank:]
    layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    return lax.conv_general_dilated(x, kernel, strides, padding, rhs_dilation=dilations, dimension_numbers=layout)
