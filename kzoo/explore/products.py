"""What a cell of a convolution's map is the sum of: the patch that it reads, its kernel, and their products."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kzoo.analysis.conv_kernel import check_known, conv_kernel, tap_reads
from kzoo.checks import Refusal, require

SHOWN = 6  # input channels whose products are returned; the others are summed
MAX_TAPS = 2**10


class ConvTerms(NamedTuple):
    """What the cells of a convolution's map are sums of, in the same form for all kinds of convolution.

    size: of the kernel; weights: (*tile, taps, weights of a tap); links: (channels, filters), the number of the weight
    in a tap, or -1; reads: (*output, taps), the position of the input that a tap reads, or -1 for padding; bias:
    (*tile, filters) or (filters,).
    """

    size: tuple[int, ...]
    weights: np.ndarray
    links: np.ndarray
    reads: np.ndarray
    bias: np.ndarray


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


def conv_terms(layer: Any, spatial: Sequence[int]) -> ConvTerms:
    """Returns what the cells of a convolution's map are sums of, for an input of a spatial shape.

    >>> import keras
    >>> layer = keras.layers.Conv1D(4, 3)
    >>> layer.build((None, 5, 2))
    >>> [array.shape for array in conv_terms(layer, (5,))[1:]]
    [(1, 3, 8), (2, 4), (3, 3), (4,)]
    """
    check_known(layer)
    kernel, bias = conv_kernel(layer), getattr(layer, "bias", None)
    array = np.zeros(kernel.links.shape[1]) if bias is None else np.asarray(bias)
    return ConvTerms(tuple(layer.kernel_size), kernel.weights, kernel.links, tap_reads(layer, tuple(spatial)), array)


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
    size, weights, links, reads, bias = conv_terms(layer, x.shape[:-1])
    sides, filters = reads.shape[:-1], links.shape[1]
    inside = len(position) == len(sides) and all(0 <= at < n for at, n in zip(position, sides))
    require(inside, "explore", f"a position inside {sides}", position=tuple(position))
    require(0 <= filter < filters, "explore", f"channel below {filters}", channel=filter)
    tile = _in_tile(position, weights.shape[:-2])
    taps, read = weights[tile], reads[tuple(position)]
    channels = np.flatnonzero(links[:, filter] >= 0)
    kernels = taps[:, links[channels, filter]].T
    patches = np.where(read >= 0, x.reshape(-1, x.shape[-1])[read].T[channels], 0)
    sums = (patches * kernels).sum(1)
    first = np.sort(np.argsort(-np.abs(sums), kind="stable")[:SHOWN])
    return Products(
        size,
        tile if max(weights.shape[:-2]) > 1 else (),
        [int(channel) for channel in channels[first]],
        patches[first],
        kernels[first],
        float(np.delete(sums, first).sum()),
        float(bias[(*_in_tile(position, bias.shape[:-1]), filter)]),
    )


def _in_tile(position: Sequence[int], tile: Sequence[int]) -> tuple[int, ...]:
    """Returns a position within the tile that repeats over a map; () for weights without positions."""
    return tuple(at % n for at, n in zip(position, tile))
