"""How far a layer's map is from moving with the input: equivariance errors of one layer, or of all by depth."""

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.analysis.model_inputs import Inputs, batches
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.receptive_field import layer_fields
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.transforms import (
    BORDERS,
    CROP,
    LABELS,
    Amount,
    Moves,
    Transform,
    amount_places,
    as_similarity,
    checked_moves,
    transform_array,
)
from kzoo.analysis.walk import compute, run
from kzoo.checks import require
from kzoo.figures import figure
from kzoo.layers.field import UNKNOWN, Fields
from kzoo.models.layer_paths import layer_paths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRIDED = ("shift", "rotation", "similarity")  # those of a map depend on its strides
WHOLE = 1 - 1e-6  # of a mask of ones, interpolated: only what is computed from ones


@dataclasses.dataclass(frozen=True, eq=False)
class Equivariance(Plotted):
    """Relative equivariance errors of a layer, one for each amount of a transformation.

    error: norms of the difference over all examples, positions and channels, relative to the layer's output.
    inner_error: the same over the positions whose receptive field stays within the image; NaN where there are none.
    multiple_of_stride: whether a shift is a whole number of the layer's positions; True for other transformations.
    strides: pixels of the input between positions of the layer's map, for each axis; () for a layer without positions.
    """

    error: np.ndarray
    inner_error: np.ndarray
    amounts: tuple[Amount, ...]
    multiple_of_stride: np.ndarray
    strides: tuple[Any, ...]
    layer: str
    transform: Transform
    border: str

    @property
    def array(self) -> np.ndarray:
        return self.error

    def draw(self) -> "Figure":
        sheet = figure(6, 4)
        axes = sheet.subplots()
        places, labels = amount_places(self.amounts)
        axes.plot(places, self.error, color="#0072B2", label="all positions")
        axes.plot(places, self.inner_error, "--", color="#D55E00", label="away from the border")
        for whole, fill in ((True, "#0072B2"), (False, "white")):
            chosen = self.multiple_of_stride == whole
            label = f"shift {'by' if whole else 'between'} whole strides" if self.transform == "shift" else None
            if chosen.any():
                axes.plot(places[chosen], self.error[chosen], "o", mec="#0072B2", mfc=fill, label=label)
        if labels:
            axes.set_xticks(places, labels)
        axes.set(xlabel=LABELS[self.transform], ylabel="relative error", title=f"Equivariance of {self.layer}")
        axes.set_ylim(bottom=0)
        axes.legend()
        return sheet


@dataclasses.dataclass(frozen=True, eq=False)
class EquivarianceByLayer(Plotted):
    """Equivariance errors (layers, amounts) of layers in the order of computation; fields as in `Equivariance`."""

    error: np.ndarray
    inner_error: np.ndarray
    multiple_of_stride: np.ndarray
    layers: tuple[str, ...]
    amounts: tuple[Amount, ...]
    transform: Transform
    border: str

    @property
    def array(self) -> np.ndarray:
        return self.error

    def draw(self) -> "Figure":
        sheet = figure(max(5, 2 + 0.35 * len(self.layers)), 5)
        axes = sheet.subplots()
        whole = self.multiple_of_stride
        curves = [("mean error", self.error, whole, "o-", "#0072B2")]
        if not whole.all():
            curves[0] = ("shifts by whole strides", self.error, whole, "o-", "#0072B2")
            curves.append(("shifts between strides", self.error, ~whole, "s:", "#009E73"))
        curves.append(
            ("away from the border", self.inner_error, whole & np.isfinite(self.inner_error), "^--", "#D55E00")
        )
        for label, values, chosen, style, colour in curves:
            means = [row[kept].mean() if kept.any() else np.nan for row, kept in zip(values, chosen)]
            axes.plot(means, style, color=colour, label=label)
        axes.set_xticks(range(len(self.layers)), self.layers, rotation=90)
        axes.set(ylabel="relative error, mean over the amounts", title=f"Equivariance by layer: {self.transform}")
        axes.set_ylim(bottom=0)
        axes.legend()
        return sheet


def equivariance(
    model: keras.Model,
    layer: str,
    transform: Transform,
    inputs: Any,
    amounts: Sequence[Amount] | None = None,
    border: str | None = None,
    batch_size: int = 32,
) -> Equivariance:
    """Returns the relative errors ||f(t(x)) - t'(f(x))|| / ||f(x)|| of a layer f for each amount of a transformation t.

    t' is the same transformation of the layer's map: a shift of n pixels moves it by n / stride positions, between
    positions with linear interpolation. The output (B, C) of a layer without positions is compared as it is, so that
    its errors say how far it is from invariant.

    inputs: (batch, ...) as the model's; of several, a list with an array for each, of which the first that the layer
    depends on is transformed.
    transform, amounts: "shift" (pixels along the last axis, or a tuple with one for each axis), "rotation" (degrees),
    "scale" (factors), "flip" (axes) or "similarity" (factor, degrees, pixels along each axis), see
    `kzoo.analysis.transforms`, which also chooses the amounts if none are given, but those of "similarity".
    border: how the inputs and maps continue outside: "circular" (default for shifts), "zeros" (default for the
    others), "replicate", "reflect", or "crop", which fills with zeros and compares only the positions that a map moved
    by t' has data at, relative to the map there.
    ValueError for an output that is neither a map with the model's spatial axes nor (B, C), and for shifts,
    rotations and similarities of a map whose stride is unknown, behind a layer that declares no receptive field.

    >>> from kzoo.layers import Conv2D
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), Conv2D(2, 3, strides=2, padding="circular", name="conv")])
    >>> found = equivariance(model, "conv", "shift", np.random.default_rng(0).normal(size=(2, 8, 8, 1)), [1, 2, 3, 4])
    >>> found.multiple_of_stride, (found.error < 1e-6)
    (array([False,  True, False,  True]), array([False,  True, False,  True]))
    """
    found = _measured("equivariance", model, [layer], transform, inputs, amounts, border, batch_size)
    return found[0]


def equivariance_by_layer(
    model: keras.Model,
    transform: Transform,
    inputs: Any,
    amounts: Sequence[Amount] | None = None,
    border: str | None = None,
    layers: Sequence[str] | None = None,
    batch_size: int = 32,
) -> EquivarianceByLayer:
    """Returns the equivariance errors (layers, amounts) of several layers: a curve against depth.

    layers: by default all that `equivariance` can compare, in the order of computation. Layers that are called several
    times are left out, and for shifts, rotations and similarities those whose stride is unknown.
    Other arguments: as `equivariance`. Of several inputs, the first that all `layers` depend on is transformed; without
    `layers` it is the first that the model's first output depends on.

    >>> from kzoo.models.registry import model
    >>> found = equivariance_by_layer(model("mnist1d_cnn"), "shift", np.ones((1, 40, 1)), [4])
    >>> found.layers[:2], found.error.shape == (len(found.layers), 1)
    (('stage1', 'stage2'), True)
    """
    found = _measured("equivariance_by_layer", model, layers, transform, inputs, amounts, border, batch_size)
    return EquivarianceByLayer(
        error=np.stack([each.error for each in found]),
        inner_error=np.stack([each.inner_error for each in found]),
        multiple_of_stride=np.stack([each.multiple_of_stride for each in found]),
        layers=tuple(each.layer for each in found),
        amounts=found[0].amounts,
        transform=transform,
        border=found[0].border,
    )


class _Comparison:
    """Sums of squares of the differences between the moved maps of one layer and the maps of moved inputs."""

    def __init__(self, who, path, fields, shape, spatial, moves: Moves):
        self.path, self.moves = path, moves
        transform = moves.transform
        self.is_map = len(shape) == len(spatial) + 2
        fields = fields or ()
        require(
            self.is_map or len(shape) == 2, who, "layer, one whose output is a map or (batch, channels)", layer=path
        )
        self.stride_needed = self.is_map and transform in STRIDED
        known = self.is_map and bool(fields) and all(field.status != UNKNOWN for field in fields)
        expected = f"layer, one whose stride is known; before or at {path} a layer declares no receptive_field"
        require(known or not self.stride_needed, who, expected, layer=path)
        self.strides = tuple(field.stride for field in fields) if known else ()
        self.masks = [self._masks(amount, fields if known else (), shape[1:-1], spatial) for amount in moves.amounts]
        self.sums = np.zeros((len(moves.amounts), 4))

    def _masks(self, amount, fields, places, spatial):
        """Returns the positions that are compared, and those of them whose receptive fields stay within the image."""
        if not self.is_map:
            return np.ones(()), np.zeros(())

        def moved(mask, strides=()):
            """Returns where only positions in a mask are moved to."""
            mask = mask[None, ..., None]
            return transform_array(mask, self.moves.transform, amount, "zeros", strides)[0, ..., 0] >= WHOLE

        everywhere = np.ones(places, bool)
        compared = moved(everywhere, self.strides) if self.moves.border == CROP else everywhere
        if not fields or any(field.size is None for field in fields):
            return compared, ~everywhere
        data = np.ones(spatial, bool)
        source = moved(_inside(fields, places, data), self.strides)
        return compared, source & _inside(fields, places, moved(data))

    def add(self, number: int, y: np.ndarray, moved: np.ndarray) -> None:
        """Adds a batch: the layer's outputs y, and its outputs for inputs that are moved by an amount."""
        wanted, moves = y, self.moves
        if self.is_map:
            wanted = transform_array(y, moves.transform, moves.amounts[number], moves.filling, self.strides)
        axes = (0, y.ndim - 1)  # examples and channels
        difference = np.square(np.subtract(moved, wanted, dtype="float64")).sum(axes)
        compared, inner = self.masks[number]
        size = np.square(wanted, dtype="float64").sum(axes)
        whole = (size * compared).sum() if moves.border == CROP else np.square(y, dtype="float64").sum()
        self.sums[number] += ((difference * compared).sum(), whole, (difference * inner).sum(), (size * inner).sum())

    def result(self) -> Equivariance:
        transform, amounts, border = self.moves
        shifted = self.is_map and transform in STRIDED
        shifts = [as_similarity(transform, a, len(self.strides))[2:] if shifted else () for a in amounts]
        whole = [all(Fraction(int(n)) % stride == 0 for n, stride in zip(shift, self.strides)) for shift in shifts]
        compared, inner = ([bool(masks[kind].any()) for masks in self.masks] for kind in (0, 1))
        return Equivariance(
            error=np.array([_ratio(sums[0], sums[1], some) for sums, some in zip(self.sums, compared)]),
            inner_error=np.array([_ratio(sums[2], sums[3], some) for sums, some in zip(self.sums, inner)]),
            amounts=amounts,
            multiple_of_stride=np.array(whole),
            strides=self.strides,
            layer=self.path,
            transform=transform,
            border=border,
        )


def _ratio(difference, size, compared):
    """Returns the ratio of two norms from their squares: 0 where nothing differs, NaN where nothing is compared."""
    if not compared:
        return math.nan
    return math.sqrt(difference / size) if size else math.inf if difference else 0.0


def _inside(fields: Fields, places: Sequence[int], data: np.ndarray) -> np.ndarray:
    """Returns the positions of a map whose receptive fields lie within an image and see only pixels that have data."""
    missing = np.logical_not(data).astype("int64")
    inside = np.ones(tuple(places), bool)
    for axis, (field, n) in enumerate(zip(fields, data.shape)):
        first = [math.floor(p * field.stride - field.padding) for p in range(places[axis])]
        last = [math.ceil(p * field.stride - field.padding + field.size - 1) for p in range(places[axis])]
        within = [begin >= 0 and end < n for begin, end in zip(first, last)]
        inside &= np.array(within).reshape([-1 if other == axis else 1 for other in range(data.ndim)])
        # missing pixels in all fields at once: differences of running sums along the axis
        running = np.cumsum(np.insert(missing, 0, 0, axis), axis)
        missing = running.take(np.clip(np.array(last) + 1, 0, n), axis) - running.take(np.clip(first, 0, n), axis)
    return inside & (missing == 0)


def _measured(who, model, layers, transform, inputs, amounts, border, batch_size) -> list[Equivariance]:
    several = layers is None or (isinstance(layers, (list, tuple)) and layers)
    require(several, who, "layers, a sequence of names", layers=layers)
    read = SpatialModel(who, model, layers or ())
    given = read.checked(inputs)
    spatial = given.x.shape[1:-1]
    moves = checked_moves(who, transform, amounts, border, spatial, borders=(*BORDERS, CROP))
    fields = layer_fields(model, given.shapes, read.index)
    paths = read.paths if layers is not None else _comparable(read, given, transform, fields)
    require(paths, who, "a model with layers that can be compared", model=model.name)
    comparisons: list[_Comparison] = []
    for batch in batches(who, given, batch_size):
        maps = read.outputs_at(batch, paths)
        comparisons = comparisons or [
            _Comparison(who, path, fields.get(path), y.shape, spatial, moves) for path, y in zip(paths, maps)
        ]
        for number, moved in enumerate(moves.of(batch)):
            for comparison, y, z in zip(comparisons, maps, read.outputs_at(moved, paths)):
                comparison.add(number, y, z)
    return [comparison.result() for comparison in comparisons]


def _comparable(read: SpatialModel, given: Inputs, transform: Transform, fields: dict[str, Fields]) -> list[str]:
    """Returns the paths of the layers whose outputs can be compared, in the order of computation."""
    layers = layer_paths(read.model)
    ranks: dict[str, list[int]] = {}  # of the outputs of each call

    def record(path, operation, args, kwargs):
        outputs = compute(path, operation, args, kwargs)
        if path in layers:
            ranks.setdefault(path, []).append(len(keras.tree.flatten(outputs)[0].shape))
        return outputs

    run(read.model, given[:1].arrays, record)

    def comparable(path, found):
        known = path in fields and all(field.status != UNKNOWN for field in fields[path])
        is_map = found == [read.rank + 2] and (known or transform not in STRIDED)
        return is_map or (found == [2] and path in fields)

    return [path for path, found in ranks.items() if comparable(path, found)]
