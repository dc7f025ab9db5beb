"""What a cell of a convolution's map is the sum of: the patch that it reads, its kernel, and their products."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kzoo.analysis.conv_kernel import check_known, conv_kernel, tap_reads
from kzoo.checks import Refusal, require

SHOWN = 6  # input channels whose products are returned; the others are summed
MAX_TAPS = 2**10


class Products(NamedTuple):
    """The terms of one cell before the activation.

    size: of the kernel; tile: which of a tiled convolution's kernels is used; channels: the input channels whose
    products have the largest sums, or fewer if the kernel reads fewer; patches, kernels: (channels, taps), a patch is 0
    where it reads padding; rest: the sum of the products of other channels; bias.
    """

    size: tuple[int, ...]
    tile: tuple[int, ...]
    channels: list[int]
    patches: np.ndarray
    kernels: np.ndarray
    rest: float
    bias: float

    @property
    def total(self) -> float:
        """The sum of all products and the bias."""
        return float((self.patches * self.kernels).sum()) + self.rest + self.bias


def has_products(layer: Any) -> bool:
    """Returns whether a layer is a convolution whose products are known, with a kernel that is small enough to show."""
    try:
        check_known(layer)
    except Refusal:
        return False
    return int(np.prod(layer.kernel_size)) <= MAX_TAPS


def cell_products(layer: Any, x: np.ndarray, position: Sequence[int], filter: int) -> Products:
    """Returns the terms of a cell of a convolution's map; x: what the layer reads, (*spatial, channels).

    Refuses layers that are no convolution, and cells outside the map.

    >>> import keras
    >>> layer = keras.layers.Conv1D(1, 3, kernel_initializer="ones")
    >>> layer.build((None, 5, 1))
    >>> found = cell_products(layer, np.arange(5.0)[:, None], [1], 0)
    >>> found.patches.tolist(), found.total
    ([[1.0, 2.0, 3.0]], 6.0)
    """
    check_known(layer)
    kernel, reads = conv_kernel(layer), tap_reads(layer, x.shape[:-1])
    sides, filters = reads.shape[:-1], kernel.links.shape[1]
    inside = len(position) == len(sides) and all(0 <= at < n for at, n in zip(position, sides))
    require(inside, "explore", f"a position inside {sides}", position=tuple(position))
    require(0 <= filter < filters, "explore", f"channel below {filters}", channel=filter)
    tile = tuple(at % n for at, n in zip(position, kernel.weights.shape[:-2]))
    taps, read = kernel.weights[tile], reads[tuple(position)]
    channels = np.flatnonzero(kernel.links[:, filter] >= 0)
    kernels = taps[:, kernel.links[channels, filter]].T
    patches = np.where(read >= 0, x.reshape(-1, x.shape[-1])[read].T[channels], 0)
    sums = (patches * kernels).sum(1)
    first = np.sort(np.argsort(-np.abs(sums), kind="stable")[:SHOWN])
    rest = float(np.delete(sums, first).sum())
    used = tile if max(kernel.weights.shape[:-2]) > 1 else ()
    return Products(
        tuple(layer.kernel_size),
        used,
        [int(channel) for channel in channels[first]],
        patches[first],
        kernels[first],
        rest,
        _bias(layer, position, filter),
    )


def _bias(layer: Any, position: Sequence[int], filter: int) -> float:
    bias = getattr(layer, "bias", None)
    if bias is None:
        return 0.0
    array = np.asarray(bias)  # of a tiled or locally connected layer there may be one for each position of the tile
    return float(array[(*(at % n for at, n in zip(position, array.shape[:-1])), filter)])
