"""Locally connected operation: a convolution with a kernel of its own at every output position.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.5, equation 9.9 ("unshared convolution"); LeCun
1989, "Generalization and network design strategies".
"""

from kzoo.ops.tiled_conv import tiled_or_local_conv
from kzoo.types import Padding, Size, Tensor


def locally_connected(
    x: Tensor, kernel: Tensor, strides: Size = 1, padding: Padding = "valid", dilations: Size = 1
) -> Tensor:
    """Returns weighted sums over sliding windows, with weights that depend on the position.

    Shapes: x (B, *spatial, C), kernel (*output, *size, C, F), in 1 to 3 spatial axes; returns (B, *output, F). padding:
    as `conv`.

    >>> from keras import ops
    >>> kernel = ops.reshape(ops.arange(3.0), (3, 1, 1, 1))
    >>> locally_connected(ops.ones((1, 3, 1)), kernel)[0, :, 0].numpy()
    array([0., 1., 2.], dtype=float32)
    """
    return tiled_or_local_conv(
        "locally_connected", "LocallyConnected{}D", x, kernel, strides, padding, dilations, local=True
    )
