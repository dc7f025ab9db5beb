"""Projections of a unit to the input: the pattern in each input that the unit's output came from.

Source: as `kzoo.analysis.rectifiers`.
"""

import dataclasses
import itertools
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kzoo.analysis.model_inputs import batches
from kzoo.analysis.panels import panels, show_example, show_signed
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.rectifiers import RULES, ruled
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.units import Unit, unit_map
from kzoo.analysis.walk import before_softmax, outputs_at
from kzoo.checks import is_integer, require

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class Projection(Plotted):
    """Projections of a unit to each input; `np.asarray` gives the projections, of the inputs' shape.

    inputs, projections: (batch, ...) float32; layer: path of the layer; unit; rule; places: (batch, spatial axes) the
    unit's position in each example; activations: (batch,) the unit's output there, of classes the logit; rectifiers:
    how many calls of rectifiers lie between the unit and the input.
    """

    inputs: np.ndarray = dataclasses.field(repr=False)
    projections: np.ndarray = dataclasses.field(repr=False)
    layer: str
    unit: Unit
    rule: str
    places: np.ndarray
    activations: np.ndarray
    rectifiers: int
    channels_first: bool

    @property
    def array(self) -> np.ndarray:
        return self.projections

    def draw(self) -> "Figure":
        return _draw([self])


@dataclasses.dataclass(frozen=True, eq=False)
class RuleProjections(Plotted):
    """Projections of one unit by all rules; `np.asarray` gives (rules, batch, ...).

    projections: {rule: `Projection`}.
    """

    projections: dict[str, Projection]

    @property
    def array(self) -> np.ndarray:
        return np.stack([each.array for each in self.projections.values()])

    def draw(self) -> "Figure":
        return _draw(list(self.projections.values()))


def _draw(found):
    first = found[0]
    title = f"Pixels that activate unit {first.unit} of {first.layer}"
    inputs, *maps = (
        np.moveaxis(x, 1, -1) if first.channels_first else x for x in (first.inputs, *(each.array for each in found))
    )
    if inputs.ndim > 3 and inputs.shape[-1] != 3:
        title += "\n(red positive, blue negative; each map at its own scale)"
    sheet, axes = panels(len(inputs), 1 + len(maps), inputs.ndim - 2, title)
    for row, x, place, value, *each in zip(axes, inputs, first.places.tolist(), first.activations, *maps):
        at = None
        if x.ndim == 4:  # the slice that has most of the projections
            at = int(np.argmax(sum(np.abs(y).sum((1, 2, 3)) for y in each)))
            row[0].set_ylabel(f"slice {at}", fontsize=9)
        show_example(row[0], x, at)
        where = f" at {tuple(place) if len(place) > 1 else place[0]}" if place else ""
        row[0].set_title(f"output {value:.3g}{where}", fontsize=9)
        for axis, result, y in zip(row[1:], found, each):
            show_signed(axis, y, at)
            axis.set_title(result.rule if y.any() else f"{result.rule}: all 0", fontsize=9)
    return sheet


def project(
    model: keras.Model, layer: str, unit: Unit, inputs: Any, rule: str = "guided", batch_size: int = 32
) -> Projection:
    """Returns what of each input activates a unit: the unit's gradient with respect to the input, by a rule.

    layer: the path of a layer; unit: a channel or class, of maps at its largest position in each example, or
    (*position, channel); inputs: (batch, *spatial, channels), or channels first, with 1 to 3 spatial axes; of several,
    a list with an array for each, and the unit is projected to the first of them that the layer depends on; batch_size:
    examples computed at once.
    rule: "gradient" is the plain gradient (Simonyan et al.). "guided" passes, at each rectifier, only positive
    gradients where the rectifier's input was positive (Springenberg et al.). "deconvnet" passes positive gradients
    whatever its input was, and max pools pass them to the first maximum of each window (Zeiler & Fergus, who begin with
    the unit's output instead of 1: multiply by `activations`). All other layers pass their gradient; a convolution's is
    its transpose.
    Rectifiers are `keras.layers.ReLU`, `keras.ops.relu` and `relu6`, and these as activations, in nested models too.
    ValueError where a rule other than "gradient" finds none between the unit and the input.

    >>> from kzoo import model
    >>> found = project(model("mnist1d_cnn"), "stage2", 3, np.ones((2, 40, 1)))
    >>> np.asarray(found).shape, found.places.shape, found.rectifiers
    ((2, 40, 1), (2, 1), 2)
    """
    return project_at("project", model, layer, unit, inputs, rule, batch_size)


def project_rules(model: keras.Model, layer: str, unit: Unit, inputs: Any, batch_size: int = 32) -> RuleProjections:
    """Returns what of each input activates a unit, by each rule of `project`, side by side in one picture.

    >>> from kzoo import model
    >>> project_rules(model("mnist1d_cnn"), "stage2", 3, np.ones((2, 40, 1))).array.shape
    (3, 2, 40, 1)
    """
    return RuleProjections(
        {rule: project_at("project_rules", model, layer, unit, inputs, rule, batch_size) for rule in RULES}
    )


def project_at(
    who: str,
    model: keras.Model,
    layer: str,
    unit: Unit,
    inputs: Any,
    rule: str,
    batch_size: int,
    places: np.ndarray | None = None,
) -> Projection:
    """Returns what `project` does; of maps at these places (batch, spatial axes), if they are given."""
    require(keras.backend.backend() == "tensorflow", who, "the TensorFlow backend", backend=keras.backend.backend())
    read = SpatialModel(who, model, [layer])
    given = read.checked(inputs)
    passed: set[Hashable] = set()
    found = []
    chosen = itertools.repeat(None) if places is None else batches(who, places, batch_size)
    for batch, at in zip(batches(who, given, batch_size), chosen):
        visit = before_softmax(model, ruled(who, rule, passed), read.paths[0])
        found.append(_project_batch(read, unit, batch, visit, at))
    expected = f"a rectifier (ReLU) between the layer and the input for rule={rule!r}"
    (path,) = read.paths
    require(rule == "gradient" or passed, who, expected, layer=path, rectifiers=0)
    projections, places, activations = (np.concatenate(parts) for parts in zip(*found))
    inputs = given.arrays[read.index]
    return Projection(inputs, projections, path, unit, rule, places, activations, len(passed), read.first)


def _project_batch(read, unit, batch, visit, places):
    """Returns the projections, places and activations of a batch."""
    import tensorflow as tf

    who, first = read.who, read.first
    x, arrays = batch.as_tensors()
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        (y,) = outputs_at(read.model, arrays, read.paths, visit)
        unit_map(who, y, unit, first)  # refuses units that the layer does not have
        *position, channel = (unit,) if is_integer(unit) else unit
        maps = unit_map(who, y, channel, first)
        sizes = np.array(maps.shape[1:], int)
        steps = np.array([sizes[axis + 1 :].prod() for axis in range(len(sizes))], int)
        flat = tf.reshape(maps, (len(batch), -1))
        if position:
            places = np.tile(np.array(position) % sizes, (len(batch), 1))
        elif places is None:
            places = np.asarray(tf.argmax(flat, -1))[:, None] // steps % sizes
        activations = tf.gather(flat, places @ steps, batch_dims=1)
    slopes = tape.gradient(activations, x)
    require(slopes is not None, who, "layer, one with a gradient with respect to the input", layer=read.paths[0])
    return ops.convert_to_numpy(slopes), places, np.float32(ops.convert_to_numpy(activations))
