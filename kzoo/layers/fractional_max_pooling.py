"""Fractional max pooling layers: downsampling by any ratio, over regions drawn at random in training.

Source: as `kzoo.ops.fractional_max_pool`.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import keras
from keras import ops

from kzoo.checks import as_bool, is_number, require
from kzoo.layers.base_layer import ORDERED, BaseLayer, set_seed
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import EXACT, UPPER_BOUND, Field, Fields, whole
from kzoo.ops.fractional_max_pool import fractional_edges, fractional_max_pool
from kzoo.ops.sizes import after_checks, require_size, sizes_of
from kzoo.types import DataFormat, KnownShape, Shape, Tensor

TOLERANCE = 1e-9  # so that 33 / 1.1 gives 30, not 29.999...


class FractionalMaxPooling(BaseLayer):
    """Any rank; use `FractionalMaxPooling1D`, `2D` or `3D`."""

    rank: int
    takes = ORDERED

    def __init__(
        self,
        pooling_ratio: float | Sequence[float] = 2**0.5,
        overlapping: bool = False,
        pseudo_random: bool = True,
        data_format: DataFormat = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        ratios: Any = pooling_ratio if isinstance(pooling_ratio, (tuple, list)) else (pooling_ratio,) * self.rank
        good = len(ratios) == self.rank and all(is_number(ratio) and 1 <= ratio < math.inf for ratio in ratios)
        expected = f"pooling_ratio, a number of at least 1 or {self.rank} of them"
        require(good, who, expected, pooling_ratio=pooling_ratio)
        self.pooling_ratio = tuple(map(float, ratios))
        self.overlapping = as_bool(who, overlapping=overlapping)
        self.pseudo_random = as_bool(who, pseudo_random=pseudo_random)
        self.data_format = as_data_format(who, data_format)
        set_seed(self, seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        self._check(sizes_of(x))  # sizes may have been unknown when the layer was built
        x = after_checks(x)
        edges, widest = [], 1
        for size, ratio in zip(ops.shape(x)[1:-1], self.pooling_ratio):
            count, pseudo_random = region_count(size, ratio), self.pseudo_random or not training
            samples = 0.5
            if training:
                shape = () if pseudo_random else (count,)
                samples = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
            edges.append(fractional_edges(size, count, samples, pseudo_random))
            # size / count is at least the ratio and less than twice the ratio
            widest = max(widest, -(-size // count) if isinstance(size, int) else math.ceil(2 * ratio))
        return from_channels_last(fractional_max_pool(x, edges, self.overlapping, widest), self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        batch, *spatial, channels = shape_to_channels_last(who, input_shape, self.rank, self.data_format)
        self._check(spatial)
        counts = (None if n is None else region_count(n, ratio) for n, ratio in zip(spatial, self.pooling_ratio))
        return shape_from_channels_last((batch, *counts, channels), self.data_format)

    def _check(self, spatial):
        expected = "an input of at least pooling_ratio pixels on each axis"
        for size, ratio in zip(spatial, self.pooling_ratio):
            fits = size is None or size >= math.ceil(ratio)
            require_size(fits, type(self).__name__, expected, size=size, pooling_ratio=ratio)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        """Returns a bound that holds for the regions drawn in training too."""
        spatial = shape_to_channels_last(type(self).__name__, input_shapes[0], self.rank, self.data_format)[1:-1]
        if None in spatial:
            return whole(input_shapes[0], UPPER_BOUND)
        fields = []
        for size, ratio in zip(spatial, self.pooling_ratio):
            stride = Fraction(size, region_count(size, ratio))
            count, longer = region_count(size, ratio), size % region_count(size, ratio)
            # how far an edge can lie from i * stride: by rounding, or where all the longer steps come first
            shift = Fraction(count - 1, count) if self.pseudo_random else Fraction(longer * (count - longer), count)
            shift, last = shift * (longer > 0), stride - 1 + self.overlapping
            status = UPPER_BOUND if longer else EXACT
            fields.append(Field.between(-shift, last + shift, stride, status))
        return tuple(fields)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return math.prod(input_shapes[0][1:])

    def get_config(self):
        names = ("pooling_ratio", "overlapping", "pseudo_random", "data_format", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kzoo")
class FractionalMaxPooling1D(FractionalMaxPooling):
    """Max pooling of signals by a non-integer ratio, over regions drawn at random in training.

    Shapes: (B, L, C) -> (B, floor(L / ratio), C), or channels first.
    Arguments: as `FractionalMaxPooling2D`.

    >>> tuple(FractionalMaxPooling1D(1.5)(keras.ops.ones((1, 20, 3))).shape)
    (1, 13, 3)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class FractionalMaxPooling2D(FractionalMaxPooling):
    """Max pooling of images by a non-integer ratio, over regions drawn at random in training.

    Shapes: (B, H, W, C) -> (B, floor(H / ratio), floor(W / ratio), C), or channels first.
    Arguments: pooling_ratio, a number of at least 1 or one for each axis, in the paper between 1 and 2; overlapping,
    whether adjacent regions share their border pixels; pseudo_random, whether regions come from a randomly shifted even
    sequence or from a random order; data_format; seed.
    Each training call draws one set of regions for the whole batch. At inference the even sequence is used; the paper
    draws at inference too and averages several passes, for which call the layer with training=True.

    >>> tuple(FractionalMaxPooling2D(2**0.5)(keras.ops.ones((1, 36, 25, 3))).shape)
    (1, 25, 17, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class FractionalMaxPooling3D(FractionalMaxPooling):
    """Max pooling of volumes or clips by a non-integer ratio, over regions drawn at random in training.

    Shapes: (B, D, H, W, C) -> (B, floor(D / ratio), floor(H / ratio), floor(W / ratio), C), or channels first.
    Arguments: as `FractionalMaxPooling2D`.

    >>> tuple(FractionalMaxPooling3D((1, 1.5, 1.5))(keras.ops.ones((1, 4, 9, 9, 1))).shape)
    (1, 4, 6, 6, 1)
    """

    rank = 3


def region_count(size, ratio):
    """Returns floor(size / ratio), at least 1, for an integer or a scalar tensor."""
    if isinstance(size, int):
        return max(math.floor(size / ratio + TOLERANCE), 1)
    return ops.maximum(ops.cast(ops.floor(ops.cast(size, "float64") / ratio + TOLERANCE), "int32"), 1)
