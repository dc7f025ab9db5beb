"""How often a model's decision stays the same when its input is shifted.

Sources: Zhang 2019, "Making convolutional networks shift-invariant again", for the agreement of two shifts of an image;
Azulay & Weiss 2019, "Why do deep convolutional networks generalize so poorly to small image transformations?", for the
mean absolute change of the top class's probability.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.analysis.model_inputs import Inputs, batches
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.transforms import BORDERS, CROP, Amount, Moves, checked_amounts, pixels
from kzoo.checks import require
from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class ShiftConsistency(Plotted):
    """How a model's decisions at different shifts of its inputs agree.

    consistency: the share of all pairs of different shifts of an example that have the same class.
    probability_change: the mean over these pairs, in both orders, of the absolute change of the probability of the
    class that is decided for at the first shift.
    agreement, change: the same for each pair of shifts (amounts, amounts), means over the examples.
    classes: the decisions (amounts, examples).
    """

    consistency: float
    probability_change: float
    agreement: np.ndarray
    change: np.ndarray
    classes: np.ndarray
    amounts: tuple[Amount, ...]
    border: str

    @property
    def array(self) -> np.ndarray:
        return self.agreement

    def draw(self) -> "Figure":
        sheet = figure(10, 4.5)
        panels = [
            (self.agreement, 1, f"Same decision: {100 * self.consistency:.1f} % of the pairs", "share of the examples"),
            (self.change, None, f"Top probability changes by {self.probability_change:.3g}", "mean absolute change"),
        ]
        labels = [str(amount) for amount in self.amounts]
        every = -(-len(labels) // 16)  # more labels would overlap
        for axes, (values, most, title, unit) in zip(sheet.subplots(1, 2), panels):
            picture = axes.imshow(values, cmap="cividis", vmin=0, vmax=most, interpolation="nearest")
            ticks = range(0, len(labels), every)
            axes.set_xticks(ticks, labels[::every], rotation=90)
            axes.set_yticks(ticks, labels[::every])
            axes.set(title=title, xlabel="second shift (pixels)", ylabel="first shift (pixels)")
            sheet.colorbar(picture, ax=axes, label=unit)
        return sheet


def shift_consistency(
    model: keras.Model,
    inputs: Any,
    amounts: Sequence[Amount] | None = None,
    border: str = "circular",
    batch_size: int = 32,
) -> ShiftConsistency:
    """Returns how often a model's decision, its most probable class, is the same for two shifts of an input.

    inputs: (batch, ...) as the model's; of several, a list with an array for each, of which the first that the output
    depends on is shifted.
    amounts: at least two different shifts, in pixels along the last spatial axis or a tuple with one for each axis; 0
    is the input itself. All pairs of them are compared. By default 0 to 7, and up to half the size of the last axis.
    border: what is shifted in: "circular" what is shifted out, "zeros", "replicate" the edge, "reflect" the image
    mirrored; or "crop": windows of larger inputs, so that nothing is made up. They have the size of the model's input,
    or if that is unknown the largest that all shifts leave.
    The probability is the model's output if that is a softmax, or else the softmax of its output.

    >>> from kzoo.models.registry import model
    >>> found = shift_consistency(model("mnist1d_cnn"), np.random.default_rng(0).normal(size=(4, 47, 1)), border="crop")
    >>> found.agreement.shape, bool(0 < found.consistency <= 1)
    ((8, 8), True)
    """
    who = "shift_consistency"
    known = (*BORDERS, CROP)
    require(border in known, who, f"border, one of {known}", border=border)
    read = SpatialModel(who, model)
    given = read.checked(inputs, any_size=border == CROP)
    spatial = given.x.shape[1:-1]
    amounts = range(min(8, spatial[-1] // 2 + 1)) if amounts is None else amounts
    chosen = checked_amounts(who, "shift", amounts, spatial)
    shifts = [pixels(amount, read.rank) for amount in chosen]
    require(
        len(shifts) > 1 and len(set(shifts)) == len(shifts),
        who,
        "amounts, at least two, all different",
        amounts=amounts,
    )
    if border == CROP:
        starts, sizes = _windows(who, read, spatial, shifts)

    def shifted(batch: Inputs) -> Iterator[Inputs]:
        if border != CROP:
            yield from Moves("shift", chosen, border).of(batch)
            return
        for start in starts:
            window = (slice(first, first + size) for first, size in zip(start, sizes))
            yield batch.replaced(batch.x[(slice(None), *window)])

    parts = [[read.probabilities(moved) for moved in shifted(batch)] for batch in batches(who, given, batch_size)]
    probabilities = np.concatenate(parts, axis=1, dtype="float64")  # (amounts, examples, classes)
    classes = probabilities.argmax(-1)
    agreement = np.stack([(classes == decided).mean(1) for decided in classes])
    top = [np.take_along_axis(probabilities, decided[None, :, None], 2)[..., 0] for decided in classes]
    change = np.stack([np.abs(each - each[first]).mean(1) for first, each in enumerate(top)])
    pairs = ~np.eye(len(shifts), dtype=bool)
    return ShiftConsistency(
        float(agreement[pairs].mean()), float(change[pairs].mean()), agreement, change, classes, chosen, border
    )


def _windows(who, read, spatial, shifts):
    """Returns where the window of each shift begins along each axis, and the windows' sizes."""
    most, least = np.max(shifts, 0), np.min(shifts, 0)
    room = most - least
    sizes = [n - int(more) if size is None else size for n, more, size in zip(spatial, room, read.shape[1:-1])]
    fits = all(size > 0 and n >= size + more for n, more, size in zip(spatial, room, sizes))
    wanted = tuple(int(more) + max(1, size or 1) for more, size in zip(room, read.shape[1:-1]))
    require(fits, who, f"inputs of a spatial size of at least {wanted} to crop from", spatial_size=tuple(spatial))
    spare = [(n - int(more) - size) // 2 for n, more, size in zip(spatial, room, sizes)]  # windows in the middle
    starts = [tuple(int(m - s) + around for m, s, around in zip(most, shift, spare)) for shift in shifts]
    return starts, sizes
