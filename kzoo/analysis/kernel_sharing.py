"""How local the weights of a layer are, and how few shared kernels would do for all of its positions.

The kernels of all positions, one in each row, form a matrix. Its best approximation of rank q are mixtures of q shared
kernels, one kernel for a convolution; by Eckart & Young 1936, "The approximation of one matrix by another of lower
rank", the share of the squared weights that it explains is that of the q largest squared singular values.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.analysis.plotted import Plotted
from kzoo.checks import is_integer, require
from kzoo.figures import figure
from kzoo.layers.locally_connected import LocallyConnected
from kzoo.layers.tiled_conv import TiledConv

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class WeightSharing(Plotted):
    """How local the weights of a layer are, and how much of them few shared kernels explain.

    locality: the share of the squared weights within the windows; 1 for layers that have no others.
    shares: number q - 1 is the share of the squared weights within the windows that mixtures of q shared kernels
    explain; shares[0] is 1 for a convolution.
    chance: the same if the weights are shuffled, which is what a small number of positions explains.
    positions: how many kernels there are.
    """

    layer: str
    locality: float
    shares: np.ndarray
    chance: np.ndarray
    positions: int

    @property
    def array(self) -> np.ndarray:
        return self.shares

    def draw(self) -> "Figure":
        from matplotlib.ticker import MaxNLocator

        sheet = figure(6, 4)
        axes = sheet.subplots()
        count = np.arange(1, len(self.shares) + 1)
        axes.plot(count, 100 * self.shares, marker="o", color="#0072B2", label="weights")
        axes.plot(count, 100 * self.chance, ls=":", color="black", label="weights shuffled")
        title = f"Shared kernels of {self.layer}: {self.positions} positions"
        axes.set(xlabel="shared kernels", ylabel="squared weights explained (%)", title=title, ylim=(0, 103))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
        return sheet


def weight_sharing(
    layer: keras.layers.Layer,
    maps: Sequence[int] | None = None,
    kernel_size: int | Sequence[int] | None = None,
    strides: int | Sequence[int] = 1,
    seed: int = 0,
) -> WeightSharing:
    """Returns how much of a layer's weights one kernel that all positions share, or a few, would explain.

    Arguments: layer, a locally connected or tiled one of kzoo's that has been built, or a `keras.layers.Dense` on the
    flattened maps of an image or signal, whose units then are maps too: those at each position of a convolution of this
    kernel_size and strides without padding, position by position and channels last. maps, only for Dense: the shape
    (*spatial, channels) of its input. seed, of the shuffled weights.
    ValueError for other layers, and unless the units of Dense are as many as the positions or a multiple.

    >>> from kzoo.layers import LocallyConnected2D
    >>> layer = LocallyConnected2D(4, 3, kernel_initializer="ones")
    >>> layer.build((None, 6, 6, 1))
    >>> weight_sharing(layer).shares[0].item()
    1.0
    """
    require(layer.built, "weight_sharing", "a layer that has been built", layer=layer.name)
    if isinstance(layer, (LocallyConnected, TiledConv)):
        kernel, locality = np.asarray(layer.kernel), 1.0
        kernels = kernel.reshape(int(np.prod(kernel.shape[: layer.rank])), -1)
    else:
        expected = "a locally connected or tiled layer of kzoo's, or a Dense layer"
        require(isinstance(layer, keras.layers.Dense), "weight_sharing", expected, layer=type(layer).__name__)
        kernels, locality = _of_dense(np.asarray(layer.kernel), maps, kernel_size, strides)
    kernels = kernels.astype("float64")
    require(np.any(kernels), "weight_sharing", "weights other than 0", layer=layer.name)
    shuffled = np.random.default_rng(seed).permuted(kernels.ravel()).reshape(kernels.shape)
    return WeightSharing(layer.name, locality, _explained(kernels), _explained(shuffled), len(kernels))


def _explained(kernels):
    """Returns the share of squared weights that the best mixtures of 1, 2, ... kernels explain."""
    squares = np.linalg.svd(kernels, compute_uv=False) ** 2
    return np.cumsum(squares) / squares.sum()


def _of_dense(kernel, maps, kernel_size, strides):
    """Returns the weights of each position's units within its window, and their share of all squared weights."""
    given = isinstance(maps, (tuple, list)) and len(maps) > 1 and all(is_integer(n, 1) for n in maps)
    require(given, "weight_sharing", "maps, the shape (*spatial, channels) of a Dense layer's input", maps=maps)
    fits = int(np.prod(maps)) == kernel.shape[0]
    require(fits, "weight_sharing", f"maps of {kernel.shape[0]} values, as many as Dense has inputs", maps=tuple(maps))
    *spatial, _ = maps
    sizes, steps = (
        _per_axis(name, n, len(spatial)) for name, n in (("kernel_size", kernel_size), ("strides", strides))
    )
    fits = all(size <= n for size, n in zip(sizes, spatial))
    require(fits, "weight_sharing", f"a kernel_size of at most {tuple(spatial)}", kernel_size=sizes)
    output = [(n - size) // step + 1 for n, size, step in zip(spatial, sizes, steps)]
    positions = int(np.prod(output))
    expected = f"units that are a multiple of the {positions} positions"
    require(kernel.shape[1] % positions == 0, "weight_sharing", expected, units=kernel.shape[1])
    weights = kernel.reshape(*maps, positions, -1)
    found = []
    for position in range(positions):
        corner = np.unravel_index(position, output)
        window: Any = tuple(slice(step * at, step * at + size) for at, step, size in zip(corner, steps, sizes))
        found.append(weights[window][..., position, :].ravel())
    kernels = np.stack(found)
    total = np.square(kernel, dtype="float64").sum()
    return kernels, float(np.square(kernels, dtype="float64").sum() / total) if total else 0.0


def _per_axis(name, value, rank):
    values = (value,) * rank if is_integer(value, 1) else value
    good = isinstance(values, (tuple, list)) and len(values) == rank and all(is_integer(n, 1) for n in values)
    require(good, "weight_sharing", f"{name}, an integer above 0 or {rank} of them", **{name: value})
    return tuple(values)
