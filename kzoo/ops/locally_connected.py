"""Locally connected operation: a convolution in which every output position has a kernel of its own.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.5, equation 9.9 ("unshared convolution");
LeCun 1989, "Generalization and network design strategies".
"""

from kzoo.ops.tiled_conv import rotated_conv


def locally_connected(x, kernel, strides=1, padding="valid", dilations=1):
    """Weighted sums over sliding windows, with weights that depend on the position.

    Shapes: x (B, *spatial, C), kernel (*output, *size, C, F), in 1 to 3 spatial axes; returns (B, *output, F).
    Units: strides, padding and dilations in cells. padding: as `conv`.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> from keras import ops
    >>> kernel = ops.reshape(ops.arange(3.0), (3, 1, 1, 1))
    >>> locally_connected(ops.ones((1, 3, 1)), kernel)[0, :, 0].numpy()
    array([0., 1., 2.], dtype=float32)
    """
    return rotated_conv("locally_connected", "LocallyConnected{}D", x, kernel, strides, padding, dilations, local=True)
