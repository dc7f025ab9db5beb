"""k-max pooling of sequences, with a fixed k or one that decreases with depth.

Source: as `kzoo.ops.k_max_pool`.
"""

import math
from typing import Any

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import ORDERED, BaseLayer
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import DATA, Fields, whole
from kzoo.ops.k_max_pool import check_k, dynamic_k, k_max_pool
from kzoo.types import DataFormat, KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class KMaxPooling1D(BaseLayer):
    """Keeps the k largest values of each channel of a sequence, in their original order.

    Shapes: (B, L, C) -> (B, k, C), or channels first; L is at least k, and may be unknown only if k is fixed.
    Arguments: k; depth, None or (layer, layers): layer number `layer` of `layers` then keeps max(k, ceil((layers -
    layer) / layers * length)) values; length, of the model's input sequence, by default this layer's input length;
    data_format.

    >>> x = keras.ops.ones((1, 18, 4))
    >>> tuple(KMaxPooling1D(3)(x).shape), tuple(KMaxPooling1D(3, depth=(1, 3))(x).shape)
    ((1, 3, 4), (1, 12, 4))
    """

    takes = ORDERED

    def __init__(
        self,
        k: int,
        depth: tuple[int, int] | None = None,
        length: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        check_k(who, k, None)
        pair = depth is None or (isinstance(depth, (tuple, list)) and len(depth) == 2 and all(map(is_integer, depth)))
        good = pair and (depth is None or 1 <= depth[0] <= depth[1])
        require(good, who, "depth, None or (layer, layers) with 1 <= layer <= layers", depth=depth)
        require(length is None or is_integer(length, 1), who, "length, None or an integer above 0", length=length)
        self.k, self.depth = int(k), depth if depth is None else (int(depth[0]), int(depth[1]))
        self.length = length if length is None else int(length)
        self.data_format = as_data_format(who, data_format)

    def output_length(self, size):
        """Returns the number of values kept of a sequence of this length, which is None if unknown."""
        if self.depth is None:
            return self.k
        length = self.length or size
        require(length is not None, type(self).__name__, "length, or a known input length, with depth", length=length)
        return dynamic_k(self.k, *self.depth, length)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        return from_channels_last(k_max_pool(x, self.output_length(x.shape[1])), self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        batch, size, channels = shape_to_channels_last(who, input_shape, 1, self.data_format)
        length = self.output_length(size)
        check_k(who, length, size)
        return shape_from_channels_last((batch, length, channels), self.data_format)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0], DATA)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return math.prod(input_shapes[0][1:])

    def get_config(self):
        names = ("k", "depth", "length", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
