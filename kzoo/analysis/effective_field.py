"""Effective receptive fields: how much each pixel of the input changes a unit, by gradients.

A field that layers declare (`receptive_fields`) bounds the pixels that a unit depends on. Most of the gradient is in
its middle.

Source: Luo, Li, Urtasun & Zemel 2016, "Understanding the effective receptive field in deep convolutional neural
networks", arXiv:1701.04128.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.analysis.model_inputs import Inputs, batches
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.receptive_field import layer_fields
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.units import Unit, unit_map
from kzoo.analysis.walk import outputs_at
from kzoo.checks import is_integer, require
from kzoo.figures import figure
from kzoo.layers.field import Field, Fields
from kzoo.types import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHO = "effective_receptive_field"
VISIBLE = 1 - 0.9545  # of the largest gradient: from where on a pixel counts, as in the source


@dataclasses.dataclass(frozen=True, eq=False)
class EffectiveField(Plotted):
    """The effective receptive field of a layer.

    layer: its path in the model.
    array, squares: (*spatial) of the input: squared gradients, summed over the input's channels, averaged over units
    and inputs.
    size: in pixels: how many of them have a root of `array` above 4.55% of the largest; in 2D the square root of their
    number, in 3D the cube root.
    centre, sigma: mean and standard deviation for each axis of the Gaussian fitted to the root of `array` by its first
    and second moments. A field that the image's border cuts off looks narrower.
    position: of the unit in its map, () for a layer without spatial axes.
    theoretical: a `Field` for each axis, as `receptive_fields` gives it, with its status.
    """

    layer: str
    squares: np.ndarray = dataclasses.field(repr=False)
    position: tuple[int, ...]
    theoretical: Fields

    @property
    def array(self) -> np.ndarray:
        return self.squares

    @property
    def gradient(self) -> np.ndarray:
        """The root mean square of the gradients, divided by the largest."""
        root = np.sqrt(self.array)
        return root / (root.max() or 1)

    @property
    def size(self) -> float:
        return float(np.sum(self.gradient > VISIBLE) ** (1 / self.array.ndim))

    @property
    def centre(self) -> tuple[float, ...]:
        return tuple(mean for mean, _ in self._moments())

    @property
    def sigma(self) -> tuple[float, ...]:
        return tuple(math.sqrt(variance) for _, variance in self._moments())

    def _moments(self):
        weights = self.gradient / (self.gradient.sum() or math.nan)
        for axis, n in enumerate(weights.shape):
            share = weights.sum(tuple(other for other in range(weights.ndim) if other != axis))
            mean = float(share @ np.arange(n))
            yield mean, float(share @ (np.arange(n) - mean) ** 2)

    def box(self) -> list[tuple[int, int]]:
        """Returns the first pixel and the number of pixels of the theoretical field on each axis.

        The field may begin before the input and end after it.
        """
        axes = zip(self.theoretical, self.position or (0,) * self.array.ndim, self.array.shape)
        return [(0, n) if field.size is None else _pixels(field, p) for field, p, n in axes]

    def draw(self) -> "Figure":
        rank = self.array.ndim
        sheet = figure(6, 3.5) if rank == 1 else figure(5.5, 5)
        axes = sheet.subplots()
        if rank == 1:
            self._draw_line(axes)
        else:
            self._draw_map(sheet, axes)
        sizes = " x ".join("all" if field.size is None else str(field.size) for field in self.theoretical)
        status = dict.fromkeys(field.status for field in self.theoretical)
        slices = ", slice through its centre" if rank == 3 else ""
        axes.set_title(
            f"Receptive field of {self.layer}{slices}\neffective {self.size:.1f} pixels (sigma "
            f"{' x '.join(f'{s:.1f}' for s in self.sigma)}), theoretical {sizes} ({', '.join(status)})",
            fontsize=9,
        )
        return sheet

    def _draw_line(self, axes):
        pixels = np.arange(len(self.array))
        ((first, size),), (centre,), (sigma,) = self.box(), self.centre, self.sigma
        axes.axvspan(first - 0.5, first + size - 0.5, color="lightgrey", label="theoretical field")
        axes.plot(pixels, self.gradient, marker=".", label="gradient")
        if sigma > 0:
            fitted = np.exp(-0.5 * ((pixels - centre) / sigma) ** 2)
            fitted *= self.gradient.sum() / fitted.sum()
            axes.plot(pixels, fitted, linestyle="--", label="Gaussian")
        axes.set(xlabel="pixel of the input", ylabel="gradient, share of the largest", xlim=(-0.5, len(pixels) - 0.5))
        axes.legend(fontsize=8)

    def _draw_map(self, sheet, axes):
        from matplotlib.patches import Ellipse, Rectangle

        shown = self.gradient[round(self.centre[0])] if self.array.ndim == 3 else self.gradient
        image = axes.imshow(shown, cmap="viridis", interpolation="nearest")
        (top, height), (left, width) = self.box()[-2:]
        corner = (left - 0.5, top - 0.5)
        axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor="red", label="theoretical field"))
        (y, x), (tall, wide) = self.centre[-2:], self.sigma[-2:]
        style = {"fill": False, "edgecolor": "white", "linestyle": "--", "label": "Gaussian, 2 sigma"}
        axes.add_patch(Ellipse((x, y), 4 * wide, 4 * tall, **style))
        axes.set(xlim=(-0.5, shown.shape[1] - 0.5), ylim=(shown.shape[0] - 0.5, -0.5))
        axes.set(xlabel="column of the input", ylabel="row of the input")
        axes.legend(fontsize=8, loc="upper right", facecolor="lightgrey")
        sheet.colorbar(image, label="gradient, share of the largest", shrink=0.8)


def _pixels(field: Field, position: int) -> tuple[int, int]:
    first = math.ceil(position * field.stride - field.padding)
    return first, int(field.size)


def effective_receptive_field(
    model: keras.Model, layer: str, inputs: Any, unit: Unit | None = None, batch_size: int = 32
) -> EffectiveField:
    """Returns the mean squared gradients of a position of a layer's map for the pixels of real inputs.

    Arguments:
        model: functional or Sequential.
        layer: its path, or the end of a path that only one layer has.
        inputs: (batch, ...), as the model's; of several, a list with an array for each. The pixels are those of the
            first of 1 to 3 spatial axes that the layer depends on.
        unit: a channel, at the map's centre; (*position, channel), also at another position; None for the mean over all
            channels at the centre, which takes a gradient for each.
        batch_size: inputs whose gradients are computed at once.

    ValueError for a layer or unit that the model does not have, and where all gradients are 0.

    >>> model = keras.Sequential([keras.Input((9, 1))])
    >>> for _ in range(2):
    ...     model.add(keras.layers.Conv1D(1, 3, padding="same", kernel_initializer="ones"))
    >>> found = effective_receptive_field(model, model.layers[-1].name, np.ones((1, 9, 1)))
    >>> np.sqrt(found.array), found.theoretical[0].size, found.size
    (array([0., 0., 1., 2., 3., 2., 1., 0., 0.]), 5, 5.0)
    """
    read = SpatialModel(WHO, model, [layer])

    def units(y: Tensor) -> Sequence[Unit]:
        return central_units(WHO, y, read.first) if unit is None else [unit]

    (found,) = effective_fields(read, read.checked(inputs), units, batch_size)
    expected = "units with gradients other than 0; for these inputs they have none (more inputs, or unit=None)"
    require(found.array.max() > 0, WHO, expected, layer=found.layer, unit=unit)
    return found


def effective_fields(
    read: SpatialModel, inputs: Inputs, units: Callable[[Tensor], Sequence[Unit]], batch_size: int
) -> list[EffectiveField]:
    """Returns the effective field of each layer of `read`; `units` returns the units of its outputs (batch, ...)."""
    backend = keras.backend.backend()
    require(backend == "tensorflow", read.who, "the TensorFlow backend, whose gradients it takes", backend=backend)
    theoretical = layer_fields(read.model, inputs.shapes, read.index)
    for path in read.paths:
        require(path in theoretical, read.who, "a layer that depends on the model's input", layer=path)
    found = []
    totals: list[Any] = [0.0] * len(read.paths)
    for batch in batches(read.who, inputs, batch_size):
        found = _squared_gradients(read, batch, units)
        totals = [total + squares / len(inputs) for total, (squares, _) in zip(totals, found)]
    return [
        EffectiveField(path, total, position, tuple(field.rounded() for field in theoretical[path]))
        for path, total, (_, position) in zip(read.paths, totals, found)
    ]


def _squared_gradients(read, inputs, units):
    """Returns for each layer the squared gradients, summed over inputs and averaged over units, and the position."""
    import tensorflow as tf

    x, arrays = inputs.as_tensors()
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(x)
        chosen = []
        for y in outputs_at(read.model, arrays, read.paths):
            spatial = y.shape[2:] if read.first else y.shape[1:-1]
            centred = [(*(n // 2 for n in spatial), int(u)) if is_integer(u) else u for u in units(y)]
            values = [unit_map(read.who, y, unit, read.first) for unit in centred]
            chosen.append((values, tuple(int(p) % n for p, n in zip(centred[0], spatial))))
    found = []
    for values, position in chosen:
        total = 0.0
        for value in values:
            gradient = tape.gradient(value, x, unconnected_gradients="zero")
            squares = np.square(np.asarray(gradient, "float64"))
            total = total + squares.sum((0, 1 if read.first else -1)) / len(values)
        found.append((total, position))
    return found


def central_units(who: str, y: Tensor, first: bool, most: int | None = None) -> list[Unit]:
    """Returns the channels of a layer's outputs, or `most` of them at equal distances."""
    require(2 <= len(y.shape) <= 5, who, "a layer whose outputs are (batch, ..., channels)", output_shape=y.shape)
    count = int(y.shape[1 if first else -1])
    return list(range(count)) if most is None or most >= count else [i * count // most for i in range(most)]
