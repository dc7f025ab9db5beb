"""Low-rank locally connected layers: each position mixes a few kernels that all positions share.

Source: as `kzoo.ops.low_rank_locally_connected`. The mixture from the input is a convolution here; the authors use a
small network with several scales. Their bias for each row and column is left out: `untied_bias` has one for each
position.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import as_bool, is_integer, require
from kzoo.layers.base_conv import BaseConv, per_kernel
from kzoo.layers.identifiers import set_identified
from kzoo.ops.bias_add import bias_add
from kzoo.ops.conv import conv
from kzoo.ops.low_rank_locally_connected import low_rank_locally_connected
from kzoo.types import DataFormat, Initializer, Padding, Size

MIXTURES = ("axes", "positions", "input")


class LowRankLocallyConnected(BaseConv):
    """Any rank; use `LowRankLocallyConnected1D` or `LowRankLocallyConnected2D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        kernels: int = 2,
        mixture: str = "axes",
        softmax: bool = True,
        mixture_initializer: Initializer = None,
        *args: Any,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        who = type(self).__name__
        require(is_integer(kernels, least=1), who, "kernels, an integer above 0", kernels=kernels)
        require(mixture in MIXTURES, who, f"mixture, one of {', '.join(MIXTURES)}", mixture=mixture)
        self.kernels, self.mixture, self.softmax = int(kernels), mixture, as_bool(who, softmax=softmax)
        set_identified(self, mixture_initializer=mixture_initializer)

    def build_kernel(self, channels, output):
        draw = per_kernel(self.kernels, self.kernel_initializer)

        def stacked(shape, dtype=None):
            *size, _, count, filters = shape
            return ops.moveaxis(draw((count, *size, channels, filters), dtype), 0, -2)

        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.kernels, self.filters),
            initializer=stacked,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.mixture == "input":
            shape = (*self.kernel_size, channels, self.kernels)
            self.gate = self.add_weight(name="mixture_kernel", shape=shape, initializer="zeros")
            self.mixtures = [self._mixture_weight("mixture_bias", (self.kernels,), 1)]
            return
        known = None not in output
        require(known, type(self).__name__, "known spatial sizes, as positions have mixtures", output=output)
        shapes = [(n, self.kernels) for n in output] if self.mixture == "axes" else [(*output, self.kernels)]
        self.mixtures = [self._mixture_weight(f"mixture_{i}", shape, len(shapes)) for i, shape in enumerate(shapes)]

    def _mixture_weight(self, name, shape, parts):
        """Creates one of the weights whose sum is the mixture, by default equal everywhere: a convolution."""
        equal = keras.initializers.Constant(1 / (parts * self.kernels**0.5))
        return self.add_weight(name=name, shape=shape, initializer=self.mixture_initializer or equal)

    def op(self, x):
        geometry = (self.strides, self.padding, self.dilation_rate)
        if self.mixture == "input":
            mixture = bias_add(conv(x, self.gate, *geometry), self.mixtures[0])
        elif self.mixture == "axes":
            mixture = sum(ops.expand_dims(w, self._other_axes(axis)) for axis, w in enumerate(self.mixtures))
        else:
            mixture = ops.convert_to_tensor(self.mixtures[0])
        mixture = ops.softmax(mixture) if self.softmax else mixture
        return low_rank_locally_connected(x, self.kernel, mixture, *geometry)

    def _other_axes(self, axis):
        return tuple(other for other in range(self.rank) if other != axis)

    def products(self, channels: int) -> int:
        taps, gated = math.prod(self.kernel_size) * channels, self.mixture == "input"
        return self.kernels * (taps * self.filters + self.filters + taps * gated)

    def get_config(self):
        config = {"kernels": self.kernels, "mixture": self.mixture, "softmax": self.softmax}
        config["mixture_initializer"] = keras.initializers.serialize(self.mixture_initializer)
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("kzoo")
class LowRankLocallyConnected1D(LowRankLocallyConnected):
    """A convolution of signals in which each position mixes a few shared kernels in proportions of its own.

    Shapes: (B, L, C) -> (B, L', filters), or channels first; L must be known, unless the mixture is "input".
    Weights: kernel (kernel_size, C, kernels, filters); mixture_0 (L', kernels), or with "input" mixture_kernel
    (kernel_size, C, kernels) and mixture_bias (kernels,); bias (filters,), or (L', filters) with `untied_bias`.
    Arguments: as `Conv1D`, without groups, and kernels, how many there are; mixture, what the proportions are: "axes",
    of each axis a weight for each of its positions, added up; "positions", a weight for each position; "input", a
    convolution of the input. softmax, whether they are then made positive with the sum 1. mixture_initializer, None:
    the same everywhere, so that the layer starts as a convolution.

    >>> layer = LowRankLocallyConnected1D(15, 3, strides=2, kernels=4)
    >>> tuple(layer(keras.ops.ones((1, 40, 1))).shape), layer.count_params()
    ((1, 19, 15), 271)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class LowRankLocallyConnected2D(LowRankLocallyConnected):
    """A convolution of images in which each position mixes a few shared kernels in proportions of its own.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first; H and W must be known, unless the mixture is
    "input".
    Weights: kernel (*kernel_size, C, kernels, filters); with mixture "axes" mixture_0 (H', kernels) and mixture_1 (W',
    kernels), with "positions" mixture_0 (H', W', kernels), with "input" mixture_kernel (*kernel_size, C, kernels) and
    mixture_bias (kernels,); bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments: as `LowRankLocallyConnected1D`.

    >>> layer = LowRankLocallyConnected2D(4, 3, kernels=2)
    >>> tuple(layer(keras.ops.ones((1, 9, 8, 3))).shape), layer.count_params()
    ((1, 7, 6, 4), 246)
    """

    rank = 2
