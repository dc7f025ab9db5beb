"""Occlusion maps: how much the probability of a class drops when a part of the input is covered.

Source: Zeiler & Fergus 2014, arXiv:1311.2901, section 4.2.
"""

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kzoo.analysis.model_inputs import OutputNames, batches
from kzoo.analysis.panels import SIGNED, one_slice, panels, show_example, show_image, show_overlay
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.walk import run
from kzoo.checks import require
from kzoo.ops.views import as_tuple
from kzoo.types import Size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHO = "occlusion"


@dataclasses.dataclass(frozen=True, eq=False)
class OcclusionMap(Plotted):
    """The drop of a class's output when squares are covered; `np.asarray` gives it for each pixel.

    inputs: the examples, channels last; drops: (batch, *squares) float32, the output minus that with the square
    covered; starts: the first pixel of the squares, for each axis; size: pixels of a square along each axis; classes:
    (batch,) class of each example; outputs: (batch,) the model's output for it;
    called: what the picture calls the outputs.
    """

    inputs: np.ndarray = dataclasses.field(repr=False)
    drops: np.ndarray = dataclasses.field(repr=False)
    starts: tuple[np.ndarray, ...] = dataclasses.field(repr=False)
    size: tuple[int, ...]
    classes: np.ndarray
    outputs: np.ndarray
    called: OutputNames = OutputNames()

    @property
    def array(self) -> np.ndarray:
        """(batch, *spatial) float32: the mean drop of the squares that cover a pixel."""
        maps = self.drops
        for axis, (n, starts, size) in enumerate(zip(self.inputs.shape[1:], self.starts, self.size), start=1):
            pixels = np.arange(n)[:, None]
            covered = np.float32((starts <= pixels) & (pixels < starts + size))  # (pixels, squares)
            shares = covered / covered.sum(1, keepdims=True)
            maps = np.moveaxis(np.tensordot(maps, shares, (axis, 1)), -1, axis)
        return maps

    def draw(self) -> "Figure":
        array, rank, word = self.array, self.drops.ndim - 1, self.called.quantity(self.outputs)
        size = " x ".join(map(str, self.size))
        title = f"Drop of the {word} when {size} pixels are covered" + (", middle slices" if rank == 3 else "")
        sheet, axes = panels(len(array), 1 if rank == 1 else 2, rank, title)
        top = np.abs(array).max() or 1
        for row, x, drop, index, output in zip(axes, self.inputs, array, self.classes, self.outputs):
            if rank == 1:  # in colours whose middle is grey, since white is invisible
                image = show_overlay(row[0], x, drop, cmap="coolwarm", vmin=-top, vmax=top)
            else:
                show_example(row[0], x)
                image = show_image(row[1], one_slice(drop, rank), cmap=SIGNED, vmin=-top, vmax=top)
            row[0].set_title(f"{self.called(index)}, {word} {output:.3g}", fontsize=9)
        sheet.colorbar(image, ax=axes.ravel().tolist(), label=f"drop of the {word}", shrink=0.8)
        return sheet


def occlusion(
    model: keras.Model,
    inputs: Any,
    class_index: Any = None,
    size: Size | None = None,
    stride: Size | None = None,
    value: Any = None,
    batch_size: int = 32,
) -> OcclusionMap:
    """Returns how much the probability of a class drops when a square of the input is covered, for each pixel.

    model: one whose first output is (batch, classes); inputs: (batch, *spatial, channels), or channels first, with 1 to
    3 spatial axes, of several inputs a list with an array for each, of which the first that the output depends on is
    covered; class_index: a class, or one for each example, by default the most probable; size: pixels of a
    square, by default a fifth of each axis; stride: pixels between squares, at most their size, by default half of it;
    value: what covers, a number or one for each channel, by default each example's mean of each channel; batch_size:
    covered examples computed at once.

    Squares begin at every `stride` pixels, and one more ends at the border if pixels are left over. A pixel has the
    mean drop of all squares that cover it. Of models without a softmax it is the drop of the output itself.

    >>> from kzoo import model
    >>> found = occlusion(model("mnist1d_cnn"), np.ones((2, 40, 1)), size=8)
    >>> np.asarray(found).shape, found.drops.shape
    ((2, 40), (2, 9))
    """
    read = SpatialModel(WHO, model)
    given = read.checked(inputs)
    classes, outputs = read.class_outputs(given, class_index, batch_size)
    sizes, starts = _squares(given.x.shape[1:-1], size, stride)
    filling = _filling(given.x, value)
    corners = list(itertools.product(*starts))
    drops = np.empty(len(given) * len(corners), "float32")
    for part in batches(WHO, np.arange(len(drops)), batch_size):
        example, square = np.divmod(part, len(corners))
        covered = given[example]
        for x, index, fill in zip(covered.x, square, filling[example]):
            x[tuple(slice(at, at + k) for at, k in zip(corners[index], sizes))] = fill
        y = ops.convert_to_numpy(run(model, covered.arrays)[0])
        drops[part] = outputs[example] - y[np.arange(len(y)), classes[example]]
    return OcclusionMap(given.x, drops.reshape(len(given), *map(len, starts)), starts, sizes, classes, outputs)


def _squares(spatial, size, stride):
    """Returns the pixels of a square along each axis, and the first pixels of all squares along each axis."""
    sizes = tuple(max(n // 5, 1) for n in spatial) if size is None else as_tuple(WHO, "size", size, len(spatial))
    halves = tuple(max(k // 2, 1) for k in sizes)
    steps = halves if stride is None else as_tuple(WHO, "stride", stride, len(spatial))
    fits = all(k <= n for k, n in zip(sizes, spatial))
    require(fits, WHO, f"size, at most the input's {spatial}", size=size)
    covers = all(step <= k for step, k in zip(steps, sizes))
    require(covers, WHO, f"stride, at most the size {sizes}, so that every pixel is covered", stride=stride)
    return sizes, tuple(np.unique([*range(0, n - k, step), n - k]) for n, k, step in zip(spatial, sizes, steps))


def _filling(inputs, value):
    """Returns the values (batch, channels) that cover the examples."""
    count, channels = len(inputs), inputs.shape[-1]
    if value is None:
        return inputs.reshape(count, -1, channels).mean(1)
    given = np.asarray(value)
    good = given.shape in ((), (channels,)) and given.dtype.kind in "biuf" and np.isfinite(given).all()
    require(good, WHO, f"value, a finite number or {channels} of them, one for each channel", value=value)
    return np.broadcast_to(np.float32(given), (count, channels))
