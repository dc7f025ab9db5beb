"""The kernels of a convolution, next to Gabor functions and filters made by hand."""

import dataclasses
import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np

from kzoo.analysis.array_grid import array_grid
from kzoo.analysis.gabor_fit import GaborFit, fit_gabor
from kzoo.analysis.panels import SIGNED
from kzoo.analysis.plotted import Plotted
from kzoo.checks import require
from kzoo.layers.gabor_conv import GaborConv2D
from kzoo.models.layer_paths import find_path, layer_paths
from kzoo.ops.filters import PARAMETERS, gabor, gaussian, sobel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN, ACROSS = 32, 8  # kernels of a figure, and in a row of one that only shows kernels


class NearestFilter(NamedTuple):
    """The filter made by hand that is nearest to a kernel; a negative similarity means the filter times -1."""

    name: str
    similarity: float


@dataclasses.dataclass(frozen=True, eq=False)
class Filters(Plotted):
    """Kernels (*kernel_size, in, out) of a layer and, for images, what each output's kernel resembles.

    `gabor` and `nearest` are lists with an entry for each output, computed when they are first used.
    """

    kernels: np.ndarray
    layer: str

    @property
    def array(self) -> np.ndarray:
        return self.kernels

    @functools.cached_property
    def gabor(self) -> list[GaborFit]:
        """The Gabor function nearest to each kernel; see `kzoo.analysis.gabor_fit`."""
        return [fit_gabor(kernel) for kernel in self._images()]

    @functools.cached_property
    def nearest(self) -> list[NearestFilter]:
        """The filter made by hand that is nearest to each kernel."""
        return [nearest_filter(kernel) for kernel in self._images()]

    def _images(self) -> np.ndarray:
        shape = self.kernels.shape
        require(len(shape) == 4, "filters", f"kernels of images, of {self.layer}", shape=shape)
        return np.moveaxis(self.kernels, -1, 0)

    def draw(self, compare: bool = True) -> "Figure":
        """Draws the kernels; `compare`: of images next to what they resemble, which takes seconds."""
        shown = np.moveaxis(self.kernels[..., :SHOWN], -1, 0)
        heading = f"Kernels of {self.layer}"
        if self.kernels.shape[-1] > SHOWN:
            heading += f", the first {SHOWN} of {self.kernels.shape[-1]}"
        if shown.ndim != 4 or not compare:
            titles, columns = [f"kernel {i}" for i in range(len(shown))], None if compare else min(len(shown), ACROSS)
            return array_grid(shown, titles, heading, columns, colours=SIGNED)
        arrays, titles = [], []
        for i, (kernel, fit, nearest) in enumerate(zip(shown, self.gabor, self.nearest)):
            largest = np.abs(kernel).max() or 1
            arrays += [kernel / largest, fit.kernel(kernel.shape[:2]) / largest]
            titles += [f"{i}: {nearest.name}\n{nearest.similarity:.2f}", f"Gabor\n{fit.share:.0%}"]
        columns = 2 * math.ceil(math.sqrt(len(shown) / 2))
        heading += ", each with its nearest filter (cosine)\nand Gabor function (share of variance)"
        return array_grid(arrays, titles, heading, columns, limits=(-1, 1), colours=SIGNED)


def filters(model: keras.Model, layer: str | None = None) -> Filters:
    """Returns the kernels of a model's first convolution, or of the named one's, and what they resemble.

    The kernels are those that the layer stores, (*kernel_size, in, out), also of transposed convolutions; of a
    depthwise convolution, each of whose outputs reads one channel, in is 1. Of a `GaborConv2D` they are its functions.
    ValueError for a layer without a kernel shared by all positions.

    >>> conv = keras.layers.Conv2D(1, 3, name="edges")
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), conv])
    >>> conv.set_weights([sobel()[..., 1:], np.zeros(1)])
    >>> filters(model).nearest
    [NearestFilter(name='Sobel x', similarity=1.0)]
    """
    layers = layer_paths(model)
    if layer is None:
        first = next((path for path, each in layers.items() if _kernels(each) is not None), None)
        require(first, "filters", "a model with a convolution", model=model.name)
    path = find_path(model, "layer", layer or first)
    kernels = _kernels(layers[path])
    require(kernels is not None, "filters", "layer, a convolution whose positions share a kernel", layer=layer)
    require(np.all(np.isfinite(kernels)), "filters", "finite kernels", layer=path)
    return Filters(kernels, path)


def _kernels(layer: Any) -> Any:
    """Returns the kernels (*kernel_size, in, out) of a layer, or None if it has none."""
    if isinstance(layer, GaborConv2D) and layer.built:
        return np.asarray(
            gabor(layer.kernel_size, **dict(zip(PARAMETERS, layer.parameters)), zero_mean=layer.zero_mean)
        )
    size, kernel = getattr(layer, "kernel_size", None), getattr(layer, "kernel", None)
    if size is None or kernel is None or tuple(kernel.shape[:-2]) != tuple(size):
        return None
    kernel = keras.ops.convert_to_numpy(keras.ops.cast(kernel, "float32"))
    if isinstance(layer, (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)):
        return kernel.reshape(*size, 1, -1)
    return np.swapaxes(kernel, -1, -2) if "Transpose" in type(layer).__name__ else kernel


def nearest_filter(kernel: np.ndarray) -> NearestFilter:
    """Returns the filter of `hand_made` that is nearest to a kernel (height, width, channels), by the cosine.

    With several channels the filter has its best weight in each, and the sign is that of the weights' sum.
    """
    made = hand_made(kernel.shape[:2])
    weights = np.einsum("nhw,hwc->nc", np.array(list(made.values())), np.asarray(kernel, "float64"))
    cosines = np.linalg.norm(weights, axis=1) / max(float(np.linalg.norm(kernel)), 1e-12)
    best = int(np.argmax(np.round(cosines, 6)))  # of equal ones the first
    sign = -1 if weights[best].sum() < 0 else 1
    return NearestFilter(list(made)[best], round(sign * float(cosines[best]), 6))


def hand_made(size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Returns filters made by hand, each (*size) of norm 1: edges, lines, blobs and means.

    3 x 3 filters are resampled linearly to larger and smaller sizes; those that vanish there are left out. "x" is
    the change along the columns, "y" down the rows; Gaussians have a standard deviation of a quarter of the size.

    >>> list(hand_made((1, 1)))
    ['identity', 'Gaussian', 'box', 'line x', 'line y', 'Laplacian']
    """
    from scipy.ndimage import zoom

    y, x = (np.arange(n) - (n - 1) / 2 for n in size)
    bell = gaussian(size)[..., 0, 0].astype("float64")
    edge_y, edge_x = np.moveaxis(sobel()[:, :, 0], -1, 0)
    centre = np.zeros(size)
    centre[(size[0] - 1) // 2, (size[1] - 1) // 2] = 1
    small = {
        "Sobel x": edge_x,
        "Sobel y": edge_y,
        "diagonal edge": np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]),
        "antidiagonal edge": np.array([[0, -1, -2], [1, 0, -1], [2, 1, 0]]),
        "line x": np.array([[-1, 2, -1]] * 3),
        "line y": np.array([[-1, 2, -1]] * 3).T,
        "Laplacian": np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]),
    }
    scale = [n / 3 for n in size]
    resampled = {
        name: zoom(each.astype("float64"), scale, order=1, mode="nearest", grid_mode=True)
        for name, each in small.items()
    }
    made = {
        "identity": centre,
        "Gaussian": bell,
        "box": np.ones(size),
        **resampled,
        "Gaussian derivative x": bell * x,
        "Gaussian derivative y": bell * y[:, None],
    }
    norms = {name: float(np.linalg.norm(each)) for name, each in made.items()}
    return {name: each / norms[name] for name, each in made.items() if norms[name] > 1e-9}
