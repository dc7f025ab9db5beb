"""The matrix of a convolution: a layer without its bias and activation is linear, and its weights repeat in the matrix.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.1, for the (doubly block circulant or Toeplitz)
matrix; Sedghi, Gupta & Long 2019, "The singular values of convolutional layers", arXiv:1805.10408, for its singular
values by Fourier transforms.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from kzoo.analysis.conv_kernel import check_known, conv_kernel, tap_reads
from kzoo.analysis.plotted import Plotted
from kzoo.checks import is_integer, require
from kzoo.figures import figure
from kzoo.layers.locally_connected import LocallyConnected
from kzoo.memory import check_memory

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from scipy.sparse import csr_array

DENSE = 2**31  # bytes, up to which the matrix is converted to a NumPy array
SMALL = 2000  # rows or columns, up to which singular values are computed from a NumPy array
PICTURED = 1024  # rows and columns of a picture
NAMED_WEIGHTS = 40  # columns of a picture in which the entries are large enough for the numbers of their weights
READ = 24  # bytes for each tap of each output position while it is found what it reads
ENTRY = 80  # bytes for each entry while the matrix is made


@dataclasses.dataclass(frozen=True, eq=False)
class ConvolutionMatrix(Plotted):
    """The matrix of a convolution layer, without its bias and activation: flattened outputs = matrix @ inputs.

    name: the layer's name.
    matrix: `scipy.sparse.csr_array` (outputs, inputs), both flattened row by row in the layer's data format. Weights
    that happen to be 0 are entries too.
    weight_index: for each entry, in the order of `matrix.data`, which element of the flattened kernel it is. Where an
    input is read through several weights (padding "reflect", "replicate" or "circular"), the entry is their sum, and
    the number is above the kernel's size: one for each different sum. Of layers whose kernel is a product of weights
    the kernel is the product.
    distinct_weights: how many elements of the kernel the entries consist of.
    circulant: (*spatial, channels), if the layer has circular padding and strides of 1, or None.
    """

    name: str
    matrix: "csr_array"
    weight_index: np.ndarray = dataclasses.field(repr=False)
    distinct_weights: int
    data_format: str
    circulant: tuple[int, ...] | None

    @property
    def array(self) -> np.ndarray:
        rows, columns = self.matrix.shape
        size = rows * columns * self.matrix.dtype.itemsize
        expected = f"a matrix of at most {DENSE / 2**30:.0f} GiB to convert to a NumPy array (.matrix is sparse)"
        require(size <= DENSE, "convolution_matrix", expected, shape=self.matrix.shape, GiB=round(size / 2**30, 1))
        return self.matrix.toarray()

    @property
    def connections(self) -> int:
        """The number of entries: pairs of an input and an output between which there is a weight."""
        return int(self.matrix.nnz)

    @property
    def sparsity(self) -> float:
        """The share of the matrix that has no entry."""
        return 1 - self.connections / math.prod(self.matrix.shape)

    def singular_values(self, k: int | None = None) -> np.ndarray:
        """Returns the k largest singular values, or all, in descending order.

        By Fourier transforms for circular padding with strides of 1. Others with at most 2,000 rows or columns are
        converted to a NumPy array; of larger ones `scipy.sparse.linalg.svds` computes k, which is needed then.
        """
        rank = min(self.matrix.shape)
        expected = f"k, an integer from 1 to {rank}, or None for all"
        require(k is None or (is_integer(k, 1) and k <= rank), "singular_values", expected, k=k)
        finite = np.isfinite(self.matrix.data).all()
        require(finite, "singular_values", "weights that are finite", layer=self.name)
        if self.circulant is not None:
            return self._values_by_fourier()[:k]
        if rank <= SMALL:
            return np.linalg.svd(self.array.astype("float64"), compute_uv=False)[:k]
        most = rank // 2
        expected = f"k of at most {most} for a matrix of more than {SMALL} rows and columns"
        require(k is not None and k <= most, "singular_values", expected, k=k, shape=self.matrix.shape)
        from scipy.sparse.linalg import svds

        start = np.random.default_rng(0).normal(size=rank)
        return svds(self.matrix.astype("float64"), k, v0=start, return_singular_vectors=False)[::-1]

    def spectral_norm(self) -> float:
        """Returns the largest singular value: the most by which the layer can lengthen an input."""
        return float(self.singular_values(1)[0])

    def _values_by_fourier(self):
        """Every row is a shift of those of the first position, so Fourier transforms make the matrix block diagonal."""
        *spatial, channels = self.circulant
        positions = math.prod(spatial)
        filters = self.matrix.shape[0] // positions
        check_memory(32 * positions * channels * filters, f"the Fourier transform of the kernel of {self.name}")
        first = self.matrix[:: positions if self.data_format == "channels_first" else 1][:filters].toarray()
        if self.data_format == "channels_first":
            kernel = first.reshape(filters, channels, *spatial)
        else:
            kernel = np.moveaxis(first.reshape(filters, *spatial, channels), -1, 1)
        spectra = np.fft.fftn(kernel.astype("float64"), axes=range(2, kernel.ndim)).reshape(filters, channels, -1)
        values = np.linalg.svd(np.moveaxis(spectra, -1, 0), compute_uv=False)
        return np.sort(values.ravel())[::-1]

    def draw(self) -> "Figure":
        from matplotlib.ticker import MaxNLocator

        rows, columns = self.matrix.shape
        expected = f"a matrix of at most {PICTURED} rows and columns to draw, one pixel an entry"
        require(max(rows, columns) <= PICTURED, "convolution_matrix", expected, shape=self.matrix.shape)
        _, numbers = np.unique(self.weight_index, return_inverse=True)
        entries = self.matrix.tocoo()
        picture = np.full((rows, columns), np.nan)
        picture[entries.row, entries.col] = numbers + 1
        scale = 8.5 / max(rows, columns, 25)
        sheet = figure(1.5 + max(columns * scale, 4), 1.2 + max(rows * scale, 1.5))
        if rows > columns:
            sheet.set_layout_engine("compressed")  # no gap to the left of a narrow matrix
        axes = sheet.subplots()
        image = axes.imshow(picture, cmap="viridis", interpolation="nearest", aspect="equal")
        if max(rows, columns) <= NAMED_WEIGHTS:
            for row, column, number in zip(entries.row, entries.col, numbers):
                color = "black" if number > numbers.max() / 2 else "white"
                axes.text(column, row, str(number + 1), ha="center", va="center", color=color, fontsize=7)
        for axis, entries_along in ((axes.xaxis, columns), (axes.yaxis, rows)):
            axis.set_major_locator(MaxNLocator(min(9, 1 + int(3 * entries_along * scale)), integer=True))
        axes.set(xlabel="input (flattened row by row)", ylabel="output (flattened)")
        weights = f"{self.distinct_weights:,} weight" + "s" * (self.distinct_weights > 1)
        axes.set_title(
            f"{self.name} as a {rows:,} x {columns:,} matrix\n{self.connections:,} connections, {weights}",
            fontsize=10,
        )
        if self.distinct_weights > 1:
            sheet.colorbar(image, label="number of the weight", shrink=0.8, ticks=MaxNLocator(integer=True))
        return sheet


def convolution_matrix(layer: keras.layers.Layer, input_shape: Sequence[int]) -> ConvolutionMatrix:
    """Returns the matrix that a convolution layer multiplies its flattened input with, as a sparse matrix.

    Arguments:
        layer: any convolution of kzoo or Keras: also tiled, locally connected, transposed, depthwise, separable, with
            groups or a connection table, and every padding. It is built if it is not yet. Bias and activation are left
            out.
        input_shape: of one example, as the layer's data format has it: (*spatial, channels) or (channels, *spatial).

    ValueError for layers that are not linear or no convolution, and for matrices that cannot fit into memory.

    >>> result = convolution_matrix(keras.layers.Conv2D(1, 3), (4, 4, 1))
    >>> result.matrix.shape, result.connections, result.distinct_weights
    ((4, 16), 36, 9)
    """
    check_known(layer)
    shape = _checked_shape(layer, input_shape)
    if not layer.built:
        layer.build((None, *shape))
    first = layer.data_format == "channels_first"
    spatial, channels = (shape[1:], shape[0]) if first else (shape[:-1], shape[-1])
    kernel = conv_kernel(layer)
    built = kernel.links.shape[0]
    require(channels == built, layer.name, f"input_shape with {built} channels", input_shape=shape)
    check_memory(_reads_bytes(layer, shape, kernel), f"the matrix of {layer.name}")
    reads = tap_reads(layer, spatial)
    output, tile = reads.shape[:-1], kernel.weights.shape[:-2]
    if isinstance(layer, LocallyConnected):
        require(tile == output, layer.name, f"input_shape with outputs of size {tile}", input_shape=shape)
    fits = all(t <= n for t, n in zip(tile, output))
    require(fits, layer.name, f"input_shape with outputs of at least one tile, {tile}", input_shape=shape)
    matrix, weight_index, distinct = _assembled(layer.name, kernel, reads, math.prod(spatial), first)
    shifted = layer.padding == "circular" or (isinstance(layer.padding, tuple) and layer.padding[0] == "circular")
    shifted = shifted and max(layer.strides) == max(tile) == 1 and output == spatial
    circulant = (*spatial, channels) if shifted else None
    return ConvolutionMatrix(layer.name, matrix, weight_index, distinct, layer.data_format, circulant)


def _reads_bytes(layer, shape, kernel):
    """Returns the bytes that `tap_reads` needs at least."""
    outputs = math.prod(layer.compute_output_shape((None, *shape))[1:])
    return READ * outputs // kernel.links.shape[1] * math.prod(layer.kernel_size)


def _checked_shape(layer, input_shape):
    rank = len(layer.kernel_size)
    good = isinstance(input_shape, (tuple, list)) and len(input_shape) == rank + 1
    good = good and all(is_integer(n, least=1) for n in input_shape)
    require(good, layer.name, f"input_shape, {rank + 1} integers above 0 without the batch", input_shape=input_shape)
    return tuple(map(int, input_shape))


def _assembled(name, kernel, reads, pixels, first):
    """Returns the matrix, the number of the weight of each entry, and how many weights there are."""
    from scipy.sparse import csr_array

    *output, taps = reads.shape
    *tile, _, size = kernel.weights.shape
    channels, filters = kernel.links.shape
    phases = np.ravel_multi_index([i % t for i, t in zip(np.indices(output), tile)], tile).ravel()
    reads = reads.reshape(-1, taps)
    position, tap = (part[:, None] for part in np.nonzero(reads >= 0))
    channel, filter = np.nonzero(kernel.links >= 0)
    check_memory(ENTRY * len(position) * len(channel), f"the matrix of {name}")
    pixel = reads[position, tap]
    index = (phases[position] * taps + tap) * size + kernel.links[channel, filter]
    row = filter * len(reads) + position if first else position * filters + filter
    column = channel * pixels + pixel if first else pixel * channels + channel
    shape = (len(reads) * filters, pixels * channels)
    entry = (row * shape[1] + column).ravel()
    index = index.ravel()
    order = np.lexsort((index, entry))
    entry, index = entry[order], index[order]
    starts = np.flatnonzero(np.diff(entry, prepend=-1))
    values = np.add.reduceat(kernel.weights.ravel()[index], starts)
    row, column = np.divmod(entry[starts], shape[1])
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return (
        csr_array((values, column, ends), shape),
        _sums_numbered(index, starts, kernel.weights.size),
        len(np.unique(index)),
    )


def _sums_numbered(index, starts, weights):
    """Returns the weight of each entry, or for sums of several weights numbers from `weights` on, one for each sum."""
    counts = np.diff(starts, append=len(index))
    numbers = index[starts]
    several = np.flatnonzero(counts > 1)
    if len(several):
        offsets = np.arange(counts.max())
        inside = offsets < counts[several, None]
        terms = np.where(inside, index[np.minimum(starts[several, None] + offsets, len(index) - 1)], -1)
        _, sums = np.unique(terms, axis=0, return_inverse=True)
        numbers[several] = weights + sums.ravel()
    return numbers
