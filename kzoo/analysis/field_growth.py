"""How the theoretical and the effective receptive field grow with depth, and what training changes.

Source: as `kzoo.analysis.effective_field`.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from rich.table import Table

from kzoo.analysis.effective_field import EffectiveField, central_units, effective_fields
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.receptive_field import layer_fields
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.walk import run
from kzoo.checks import is_integer, require
from kzoo.figures import figure
from kzoo.layers.field import EXACT, UNKNOWN
from kzoo.listing import new_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHO = "receptive_field_growth"
TICKS = 40  # layers named in a figure


@dataclasses.dataclass(frozen=True, eq=False)
class FieldGrowth(Plotted):
    """Receptive fields of several layers, in the order of the layers.

    fields: an `EffectiveField` for each layer; its size is 0 and its sigma NaN where all gradients are 0.
    compared: those of the same layers of the model to compare with, or None.
    """

    fields: list[EffectiveField]
    compared: list[EffectiveField] | None = None

    @property
    def layers(self) -> list[str]:
        return [field.layer for field in self.fields]

    @property
    def theoretical(self) -> np.ndarray:
        """Sizes in pixels; with several axes their geometric mean. NaN where a field is unknown."""
        return np.array([_theoretical_size(field) for field in self.fields])

    @property
    def effective(self) -> np.ndarray:
        """Sizes in pixels."""
        return np.array([field.size for field in self.fields])

    @property
    def array(self) -> np.ndarray:
        """(layers, 2), or 3 with a model to compare with: theoretical and effective sizes, then the other model's."""
        sizes = [self.theoretical, self.effective]
        if self.compared is not None:
            sizes.append(np.array([field.size for field in self.compared]))
        return np.stack(sizes, 1)

    def table(self) -> Table:
        """Returns a table of the sizes, which rich prints: `kzoo.terminal.print_table(growth.table())`."""
        columns = ("layer", "theoretical", "status", "effective", "sigma")
        table = new_table("receptive fields in pixels", *columns, *("compared",) * (self.compared is not None))
        for field, (theoretical, *sizes) in zip(self.fields, self.array):
            status = next((each.status for each in field.theoretical if each.status != EXACT), EXACT)
            size = "-" if math.isnan(theoretical) else f"{theoretical:.3g}"
            sigma = " x ".join(f"{each:.1f}" for each in field.sigma)
            table.add_row(field.layer, size, status, f"{sizes[0]:.1f}", sigma, *(f"{each:.1f}" for each in sizes[1:]))
        return table

    def draw(self) -> "Figure":
        count = len(self.fields)
        sheet = figure(min(4 + 0.25 * count, 14), 4 + 0.06 * max(map(len, self.layers)))
        axes = sheet.subplots()
        lines = (
            ("theoretical", "black", ":"),
            ("effective", "tab:blue", "-"),
            ("effective, compared", "tab:orange", "--"),
        )
        for sizes, (label, color, line) in zip(self.array.T, lines):
            axes.plot(range(count), sizes, marker=".", color=color, linestyle=line, label=label)
        step = -(-count // TICKS)
        axes.set_xticks(range(0, count, step), self.layers[::step], rotation=90, fontsize=8)
        axes.set(xlabel="layer", ylabel="size in pixels of the input", title="Receptive fields by depth")
        axes.set_ylim(bottom=0)
        axes.legend()
        axes.grid(alpha=0.3)
        return sheet


def _theoretical_size(field: EffectiveField) -> float:
    if any(each.status == UNKNOWN for each in field.theoretical):
        return math.nan
    return math.prod(size for _, size in field.box()) ** (1 / field.array.ndim)


def receptive_field_growth(
    model: keras.Model,
    inputs: Any,
    layers: Sequence[str] | None = None,
    compare: keras.Model | None = None,
    channels: int = 16,
    batch_size: int = 32,
) -> FieldGrowth:
    """Returns theoretical and effective receptive fields of the layers of a model.

    Arguments:
        model, inputs, batch_size: as `effective_receptive_field`; of several inputs, the pixels are those of the first
            that all `layers` depend on, or that the model's first output does.
        layers: paths; default: each layer with a map that is called once and at which the size of the theoretical field
            changes.
        compare: a model with the same layers: `keras.models.clone_model(model)` is the model before training.
        channels: how many channels of each layer are averaged over, at equal distances.

    >>> model = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(4, 3, padding="same", name="a")])
    >>> model.add(keras.layers.Conv1D(2, 3, padding="same", name="b"))
    >>> growth = receptive_field_growth(model, np.ones((1, 9, 1)))
    >>> growth.layers, growth.theoretical
    (['a', 'b'], array([3., 5.]))
    """
    require(is_integer(channels, least=1), WHO, "channels, an integer above 0", channels=channels)
    if layers is None:
        read = SpatialModel(WHO, model)
        layers = _widening_layers(read, read.checked(inputs)[:1])
    several = isinstance(layers, (list, tuple)) and len(layers) > 0
    require(several, WHO, "layers, a list of at least one path", layers=layers)

    def fields(each: keras.Model) -> list[EffectiveField]:
        read = SpatialModel(WHO, each, layers)
        given = read.checked(inputs)
        return effective_fields(read, given, lambda y: central_units(WHO, y, read.first, channels), batch_size)

    return FieldGrowth(fields(model), None if compare is None else fields(compare))


def _widening_layers(read, inputs):
    """Returns the paths of layers with a map at which the size of the theoretical field changes."""
    ranks = {}
    times = Counter()

    def record(path, operation, args, kwargs):
        outputs = operation(*args, **kwargs)
        times[path] += 1
        ranks[path] = len(keras.tree.flatten(outputs)[0].shape)
        return outputs

    run(read.model, inputs.arrays, record)
    seen = {(1,) * read.rank}
    found = []
    for path, fields in layer_fields(read.model, inputs.shapes, read.index).items():
        sizes = tuple(field.rounded().size for field in fields)
        if times[path] == 1 and ranks[path] == read.rank + 2 and sizes not in seen:
            seen.add(sizes)
            found.append(path)
    return found
