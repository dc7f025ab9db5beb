"""A constraint that keeps the filters of one place orthogonal, so that they learn different things without labels.

Source: Le et al. 2010, "Tiled convolutional neural networks": the projection W <- (W W^T)^(-1/2) W after
each step, of those filters only that see the same cells.
"""

import math

import keras
from keras import ops

from kzoo.checks import is_integer, require


@keras.saving.register_keras_serializable("kzoo")
class OrthogonalFilters(keras.constraints.Constraint):
    """The nearest kernels whose filters are orthonormal; of a tiled convolution, each tile's for themselves.

    Shapes: kernel (*tile, *kernel_size, C, filters), without a tile in a plain convolution; at most as many filters as
    a kernel has weights. Arguments: rank, the number of spatial axes. A filter that depends on others is replaced.
    Errors: ValueError that names the argument, what is expected and what came. Source: this file's head.

    >>> kernel = OrthogonalFilters()(ops.reshape(ops.convert_to_tensor([3.0, 0.0, 3.0, 2.0]), (1, 1, 2, 2)))
    >>> matrix = ops.reshape(kernel, (2, 2))
    >>> (ops.transpose(matrix) @ matrix).numpy().round(3) + 0
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, rank=2):
        require(is_integer(rank, least=1), "OrthogonalFilters", "rank, an integer above 0", rank=rank)
        self.rank = int(rank)

    def __call__(self, kernel):
        shape = tuple(kernel.shape)
        known = len(shape) >= self.rank + 2
        require(known, "OrthogonalFilters", f"a kernel of {self.rank} spatial axes", kernel=shape)
        weights, filters = math.prod(shape[-self.rank - 2 : -1]), shape[-1]
        fits = 0 < filters <= weights
        require(fits, "OrthogonalFilters", f"at most {weights} filters, a kernel's weights", filters=filters)
        # the polar factor U V^T is that product where it exists, and as good where it does not
        u, _, vt = ops.svd(ops.reshape(kernel, (-1, weights, filters)), full_matrices=False)
        return ops.reshape(ops.matmul(u, vt), shape)

    def get_config(self):
        return {"rank": self.rank}
