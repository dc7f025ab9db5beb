"""How far the units of a layer keep firing when their input is transformed.

Source: Goodfellow, Le, Saxe, Lee & Ng 2009, "Measuring invariances in deep networks", NIPS 22. A unit fires where its
value, times a sign, exceeds a threshold that makes it fire for 1 % of all inputs; its score is its firing rate for
transformed versions of inputs near which it is most active, here all those that make it fire, over that for all inputs.
The source takes a proportion p of the units with the best scores and the better sign of each unit, except for units
that are trained to be sparse, whose sign is 1.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.analysis.model_inputs import batches
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.transforms import Amount, Transform, checked_moves
from kzoo.checks import is_number, require
from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class Invariance(Plotted):
    """Invariance scores of a layer's units; arrays have the shape of its output for one example, channels last.

    score: the layer's, the mean over the `best` share of its units with the highest scores.
    scores: each unit's, its local over its global firing rate: 1 if it fires for transformed inputs as often as for
    any, at most 1 over the global rate.
    local_rate, global_rate: firing rates for transformed versions of the inputs that make the unit fire, and for all
    inputs.
    threshold, sign: a unit fires where sign * value is at least the threshold.
    """

    score: float
    scores: np.ndarray
    local_rate: np.ndarray
    global_rate: np.ndarray
    threshold: np.ndarray
    sign: np.ndarray
    best: float
    amounts: tuple[Amount, ...]
    layer: str
    transform: Transform
    border: str

    @property
    def array(self) -> np.ndarray:
        return self.scores

    def draw(self) -> "Figure":
        sheet = figure(6, 4)
        axes = sheet.subplots()
        ordered = np.sort(self.scores, axis=None)[::-1]
        count = _best_count(ordered.size, self.best)
        share = 100 * np.arange(ordered.size + 1) / ordered.size
        axes.stairs(ordered, share, fill=True, color="#56B4E9", label="each unit")
        axes.hlines(self.score, 0, share[count], color="#D55E00", lw=2, label=f"mean of the best: {self.score:.3g}")
        axes.axhline(1, color="black", ls=":", label="as for any input")
        title = f"Invariance of {self.layer}: {self.transform}"
        axes.set(xlabel="units, best first (%)", ylabel="invariance score", title=title, xlim=(0, 100))
        axes.set_ylim(bottom=0)
        axes.legend()
        return sheet


def invariance(
    model: keras.Model,
    layer: str,
    transform: Transform,
    inputs: Any,
    amounts: Sequence[Amount] | None = None,
    border: str | None = None,
    rate: float = 0.01,
    best: float = 0.5,
    signs: Sequence[int] = (1, -1),
    batch_size: int = 32,
) -> Invariance:
    """Returns the invariance scores of a layer's units: each channel at each position, or each number of a vector.

    inputs: (batch, ...) as the model's; of several, a list with an array for each, of which the first that the layer
    depends on is transformed. At least 1 / rate examples are needed for thresholds of that rate; with fewer,
    a unit fires for one example.
    amounts: the transformed versions, small ones by default: shifts up to 3 pixels, rotations up to 15 degrees,
    factors up to a quarter of an octave, or the flip of each axis. Others and `border`: as `equivariance`, without
    "crop".
    rate: the share of the inputs that make a unit fire. A unit whose values at the threshold are tied, such as zeros
    of a ReLU, fires for all of these and so more often.
    best: the share of the units, those with the highest scores, that the layer's score is the mean of.
    signs: (1, -1) tries also low values as those that a unit fires with and takes the better; (1,) does not.

    >>> model = keras.Sequential([keras.Input((8, 1)), keras.layers.GlobalMaxPooling1D(name="pool")])
    >>> found = invariance(model, "pool", "shift", np.random.default_rng(0).normal(size=(100, 8, 1)))
    >>> found.local_rate, found.global_rate, round(found.score)
    (array([1.]), array([0.01]), 100)
    """
    who = "invariance"
    read = SpatialModel(who, model, [layer])
    given = read.checked(inputs)
    moves = checked_moves(who, transform, amounts, border, given.x.shape[1:-1], _small)
    for name, value in (("rate", rate), ("best", best)):
        require(is_number(value) and 0 < value <= 1, who, f"{name}, a share above 0 and up to 1", **{name: value})
    known = isinstance(signs, (tuple, list)) and 0 < len(signs) <= 2 and set(signs) <= {1, -1}
    require(known, who, "signs, (1,), (-1,) or (1, -1)", signs=signs)
    (path,) = read.paths

    def values(batch) -> np.ndarray:
        """Returns the layer's outputs (examples, signs, units)."""
        y = read.outputs_at(batch, [path])[0]
        require(np.isfinite(y).all(), who, "layer, one whose outputs are finite", layer=path)
        return y.reshape(len(y), 1, -1).astype("float64") * np.array(signs)[:, None]

    examples = list(batches(who, given, batch_size))
    threshold = _thresholds(map(values, examples), max(1, round(rate * len(given))))
    fired, kept = np.zeros((2, *threshold.shape), "int64")
    for batch in examples:
        fires = values(batch) >= threshold
        fired += fires.sum(0)
        for moved in moves.of(batch):
            kept += (fires & (values(moved) >= threshold)).sum(0)
    shape = read.outputs_at(given[:1], [path])[0].shape[1:]
    local, overall = kept / fired / len(moves.amounts), fired / len(given)
    better = (local / overall).argmax(0)[None]
    tried = np.broadcast_to(np.array(signs)[:, None], threshold.shape)
    local, overall, threshold, sign = (
        np.take_along_axis(part, better, 0).reshape(shape) for part in (local, overall, threshold, tried)
    )
    scores = local / overall
    score = np.sort(scores, axis=None)[::-1][: _best_count(scores.size, best)].mean()
    return Invariance(
        float(score), scores, local, overall, threshold, sign, best, moves.amounts, path, transform, moves.border
    )


def _small(transform: Transform, spatial: Sequence[int]) -> tuple[Amount, ...]:
    limit = min(3, spatial[-1] - 1)
    return {
        "shift": tuple(range(-limit, limit + 1)),
        "rotation": tuple(range(-15, 16, 5)),
        "scale": tuple(2.0 ** (part / 16) for part in range(-4, 5)),
        "flip": tuple(range(len(spatial))),
        "similarity": (),
    }[transform]


def _best_count(units: int, best: float) -> int:
    return max(1, round(best * units))


def _thresholds(values: Iterator[np.ndarray], count: int) -> np.ndarray:
    """Returns the thresholds halfway between the `count` largest of all values and the next, which may equal them.

    Halfway, so that rounding does not decide whether an input fires. The largest are kept while batches pass by.
    """
    largest = next(values)
    for y in itertools.chain([largest[:0]], values):
        joined = np.concatenate([largest, y])
        rest = max(0, len(joined) - count - 1)
        largest = np.partition(joined, rest, axis=0)[rest:]
    largest = np.sort(largest, axis=0)
    with np.errstate(invalid="ignore"):  # of infinite outputs, which the caller refuses
        return (largest[-count] + largest[0]) / 2 if len(largest) > count else largest[0]
