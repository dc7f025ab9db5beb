"""k-max pooling for sequences, with a fixed k or one that falls with depth.

Source: as `kzoo.ops.k_max_pool`.
"""

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.k_max_pool import check_k, dynamic_k, k_max_pool


@keras.saving.register_keras_serializable("kzoo")
class KMaxPooling1D(BaseLayer):
    """The k largest values of each channel of a sequence, in their order.

    Shapes: (B, L, C) -> (B, k, C), or channels first; L at least k, and unknown only if k is fixed.
    Arguments: k; depth, None or (layer, layers): k is then the least, and layer number `layer` of `layers` keeps
    max(k, ceil((layers - layer) / layers * length)); length, that of the net's own input, by default this layer's;
    data_format.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.k_max_pool`.

    >>> x = keras.ops.ones((1, 18, 4))
    >>> tuple(KMaxPooling1D(3)(x).shape), tuple(KMaxPooling1D(3, depth=(1, 3))(x).shape)
    ((1, 3, 4), (1, 12, 4))
    """

    def __init__(self, k, depth=None, length=None, data_format=None, **kwargs):
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

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def kept(self, size):
        """How many of `size` cells, None if unknown, are kept."""
        if self.depth is None:
            return self.k
        length = self.length or size
        require(length is not None, type(self).__name__, "length, or a known input length, with depth", length=length)
        return dynamic_k(self.k, *self.depth, length)

    def call(self, inputs):
        x = to_last(inputs, self.data_format)
        return from_last(k_max_pool(x, self.kept(x.shape[1])), self.data_format)

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        batch, size, channels = shape_to_last(who, input_shape, 1, self.data_format)
        kept = self.kept(size)
        check_k(who, kept, size)
        return shape_from_last((batch, kept, channels), self.data_format)

    def get_config(self):
        names = ("k", "depth", "length", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
