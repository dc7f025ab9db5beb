"""The patches of a dataset that activate a unit most.

Source: Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", figure 2.
"""

import dataclasses
import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kzoo.analysis.array_grid import array_grid
from kzoo.analysis.input_batches import input_batches
from kzoo.analysis.model_inputs import Inputs, input_index
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.receptive_field import layer_fields
from kzoo.analysis.units import Unit, unit_map
from kzoo.analysis.walk import before_softmax, channels_first, inner_path, outputs_at
from kzoo.checks import is_integer, require
from kzoo.layers.field import Fields
from kzoo.models.graph import check_graph
from kzoo.models.layer_paths import find_path
from kzoo.types import KnownShape

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Place(NamedTuple):
    """Where a patch is: the example's index in the data, the unit's position in its map, the patch's first pixel.

    `position` is () for a unit without one, such as a class. `corner` is negative where the patch begins in padding.
    """

    example: int
    position: tuple[int, ...]
    corner: tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class TopPatches(Plotted):
    """Patches (count, *size, channels), their places and the values of the unit, the largest value first."""

    patches: np.ndarray
    places: tuple[Place, ...]
    values: np.ndarray
    title: str

    @property
    def array(self) -> np.ndarray:
        return self.patches

    def draw(self) -> "Figure":
        titles = [f"example {place.example}: {value:.3g}" for place, value in zip(self.places, self.values)]
        limits = (0.0, 255.0) if self.patches.dtype == np.uint8 else None
        return array_grid(self.patches, titles, self.title, limits=limits)


def top_patches(
    model: keras.Model, layer: str, unit: Unit, data: Any, count: int = 9, batch_size: int = 32
) -> TopPatches:
    """Returns the `count` inputs on which a unit has its largest values, each cropped to the unit's receptive field.

    layer: a name or path. unit: a channel, at the position where it is largest in each example, (*position, channel),
    or a class; where the model ends in a softmax, classes are compared by their logits. data: an array (examples, ...),
    a list with one for each input of the model, or a `tf.data.Dataset` of batches, of inputs or (inputs, targets),
    which is read once and may be of any size.
    Shapes: patches (count, *size, channels) with the channels last and in the dtype of the data; fewer if there are
    fewer examples. Parts outside the input are 0. The patch is the whole input along axes that the unit sees as a
    whole, or where a layer on the way does not declare its field. Of several inputs, patches are those of the
    first that the layer depends on.
    Equal values are in the order of the examples, and of the positions in a map.

    >>> first = keras.layers.Conv1D(1, 2, kernel_initializer="ones", name="sum")
    >>> x = np.array([[0, 1, 0, 0], [0, 2, 3, 0]], "float32")[..., None]
    >>> found = top_patches(keras.Sequential([keras.Input((4, 1)), first]), "sum", 0, x, count=1)
    >>> found.patches[0, :, 0], found.places, found.values
    (array([2., 3.], dtype=float32), (Place(example=1, position=(1,), corner=(1,)),), array([5.], dtype=float32))
    """
    who = "top_patches"
    require(is_integer(count, 1), who, "count, an integer above 0", count=count)
    check_graph(who, model)
    path = inner_path(model, find_path(model, "layer", layer))
    index, first = input_index(who, model, [path]), channels_first(model)
    best: list[tuple[float, Place, np.ndarray]] = []
    seen, shape, fields = 0, None, None
    for arrays in input_batches(who, model, data, batch_size):
        inputs = Inputs(arrays, index, first)
        x = inputs.x
        if shape is None:
            shape, fields = x.shape[1:], _fields(model, path, inputs)
        require(x.shape[1:] == shape, who, f"inputs of one shape, here {shape}", shape=x.shape[1:])
        values, positions = _largest(model, path, unit, arrays, first)
        broken = np.flatnonzero(np.isnan(values))
        require(not broken.size, who, f"values that are numbers, of {path}", example=seen + int(min(broken, default=0)))
        for i in np.argsort(-values, kind="stable")[:count]:
            corner, size = _box(fields, positions[i], shape[:-1])
            place = Place(seen + int(i), positions[i], corner)
            best.append((values[i], place, crop(x[i], corner, size)))
        best = heapq.nsmallest(count, best, key=lambda entry: (-entry[0], entry[1]))
        seen += len(x)
    values, places, patches = zip(*best)
    return TopPatches(
        np.stack(patches), places, np.asarray(values), f"Inputs on which unit {unit} of {path} is largest"
    )


def _largest(model, path, unit, inputs, first):
    """Returns the largest value (B,) of a unit in each example, and its positions, B tuples."""
    (y,) = outputs_at(model, inputs, [path], before_softmax(model, layer=path))
    values = unit_map("top_patches", y, unit, first)
    values = ops.convert_to_numpy(ops.cast(values, keras.backend.result_type(values.dtype, "float32")))
    if values.ndim > 1:
        flat = values.reshape(len(values), -1)
        where = flat.argmax(-1)
        positions = [tuple(map(int, at)) for at in np.transpose(np.unravel_index(where, values.shape[1:]))]
        return flat[np.arange(len(flat)), where], positions
    spatial = y.shape[2:] if first else y.shape[1:-1]
    position = tuple(int(i) % n for i, n in zip(unit, spatial)) if isinstance(unit, (tuple, list)) else ()
    return values, [position] * len(values)


def _fields(model: keras.Model, path: str, inputs: Inputs) -> Fields | None:
    """Returns the receptive fields of a layer for inputs of these sizes, or None if it sees the whole input."""
    if not 3 <= inputs.x.ndim <= 5:
        return None
    return layer_fields(model, inputs.shapes, inputs.index).get(path)


def _box(fields: Fields | None, position: KnownShape, spatial: KnownShape) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the first pixel and the size of a position's receptive field in an input of this size."""
    if fields is None or len(position) != len(fields):
        return (0,) * len(spatial), tuple(spatial)
    corner = tuple(field.first_pixel(p) for field, p in zip(fields, position))
    return corner, tuple(n if field.size is None else field.rounded().size for field, n in zip(fields, spatial))


def crop(x: np.ndarray, corner: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Returns a copy of the box of this size that begins at a pixel of x (*spatial, channels), 0 outside x.

    >>> crop(np.array([[1], [2], [3]]), (-1,), (3,)).ravel()
    array([0, 1, 2])
    """
    box = np.zeros((*size, x.shape[-1]), x.dtype)
    ends = [(max(at, 0), min(at + n, most)) for at, n, most in zip(corner, size, x.shape)]
    if all(begin < end for begin, end in ends):
        inside = tuple(slice(begin - at, end - at) for at, (begin, end) in zip(corner, ends))
        box[inside] = x[tuple(slice(begin, end) for begin, end in ends)]
    return box
