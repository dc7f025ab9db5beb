"""A constraint that keeps the filters of each position orthogonal, so that they learn different features.

Source: Le et al. 2010, "Tiled convolutional neural networks": the projection W <- (W W^T)^(-1/2) W after each step,
only of filters that see the same pixels.
"""

import math

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class OrthogonalFilters(keras.constraints.Constraint):
    """Projects kernels to the nearest ones with orthonormal filters, separately for each tile of a tiled convolution.

    Shapes: kernel (*tile, *kernel_size, C, filters), without a tile for a plain convolution; at most as many filters as
    a kernel has weights. Linearly dependent filters are replaced.
    Arguments: rank, the number of spatial axes.

    >>> kernel = OrthogonalFilters()(ops.reshape(ops.convert_to_tensor([3.0, 0.0, 3.0, 2.0]), (1, 1, 2, 2)))
    >>> matrix = ops.reshape(kernel, (2, 2))
    >>> (ops.transpose(matrix) @ matrix).numpy().round(3) + 0
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, rank: int = 2):
        require(is_integer(rank, least=1), "OrthogonalFilters", "rank, an integer above 0", rank=rank)
        self.rank = int(rank)

    def __call__(self, kernel: Tensor) -> Tensor:
        shape = tuple(kernel.shape)
        known = len(shape) >= self.rank + 2
        require(known, "OrthogonalFilters", f"a kernel of {self.rank} spatial axes", kernel=shape)
        weights, filters = math.prod(shape[-self.rank - 2 : -1]), shape[-1]
        fits = 0 < filters <= weights
        require(fits, "OrthogonalFilters", f"at most {weights} filters, a kernel's weights", filters=filters)
        # the polar factor U V^T equals that projection where it exists, and is orthonormal where it does not
        u, _, vt = ops.svd(ops.reshape(kernel, (-1, weights, filters)), full_matrices=False)
        return ops.reshape(ops.matmul(u, vt), shape)

    def get_config(self):
        return {"rank": self.rank}
