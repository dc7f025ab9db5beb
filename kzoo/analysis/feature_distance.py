"""How a layer's output and the probability of a class change with the size of a transformation.

Source: Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", figure 5.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.analysis.model_inputs import OutputNames, batches
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.transforms import LABELS, Amount, Transform, amount_places, checked_moves
from kzoo.analysis.units import class_of
from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class InvarianceCurves(Plotted):
    """Curves (amounts, examples) against the size of a transformation.

    distance: ||f(t(x)) - f(x)||, the Euclidean distance of a layer's outputs.
    probability: of each example's class, or the output itself.
    classes: of each example (examples,).
    called: what the picture calls the model's outputs.
    """

    distance: np.ndarray
    probability: np.ndarray
    classes: np.ndarray
    amounts: tuple[Amount, ...]
    layer: str
    transform: Transform
    border: str
    called: OutputNames = OutputNames()

    @property
    def array(self) -> np.ndarray:
        return self.distance

    def draw(self) -> "Figure":
        sheet = figure(10, 4)
        places, labels = amount_places(self.amounts)
        word = self.called.quantity(self.probability)
        panels = [
            (self.distance, "distance of outputs", f"Change of {self.layer}"),
            (self.probability, word, f"{word.capitalize()} of the {self.called.unit}"),
        ]
        for axes, (curves, unit, title) in zip(sheet.subplots(1, 2), panels):
            axes.plot(places, curves, color="#56B4E9", lw=0.8, alpha=max(0.2, 1 / curves.shape[1] ** 0.25))
            axes.plot(places, curves.mean(1), "o-", color="#0072B2", lw=2, ms=4, label="mean of the examples")
            axes.set(xlabel=LABELS[self.transform], ylabel=unit, title=title)
            if curves.min() >= 0:
                axes.set_ylim(bottom=0)
            if labels:
                axes.set_xticks(places, labels)
        sheet.axes[0].legend()
        return sheet


def invariance_curves(
    model: keras.Model,
    layer: str,
    transform: Transform,
    inputs: Any,
    class_index: Any = None,
    amounts: Sequence[Amount] | None = None,
    border: str | None = None,
    batch_size: int = 32,
    softmax: bool = True,
) -> InvarianceCurves:
    """Returns how far a layer's output and a class's probability change with the size of a transformation.

    inputs: (batch, ...) as the model's; of several, a list with an array for each, of which the first that the layer
    depends on is transformed.
    class_index: the class of all examples or of each, such as the true ones; by default the most probable ones of the
    inputs before they are transformed.
    transform, amounts, border: as `equivariance`, without "crop".
    The probability is the model's output if that is a softmax, or else the softmax of its output; without `softmax` it
    is the output itself, as for models of numbers and of several labels.

    >>> from kzoo.models.registry import model
    >>> found = invariance_curves(model("mnist1d_cnn"), "stage2", "shift", np.ones((2, 40, 1)), [3, 4], [0, 1, 2])
    >>> found.distance.shape, found.probability.shape, found.distance[0]
    ((3, 2), (3, 2), array([0., 0.]))
    """
    who = "invariance_curves"
    read = SpatialModel(who, model, [layer])
    given = read.checked(inputs)
    moves = checked_moves(who, transform, amounts, border, given.x.shape[1:-1])
    outputs = read.probabilities if softmax else read.first_output
    before = np.concatenate([outputs(batch) for batch in batches(who, given, batch_size)])
    classes = keras.ops.convert_to_numpy(class_of(who, before, class_index))
    distance, probability = np.zeros((2, len(moves.amounts), len(given)))
    for part in batches(who, np.arange(len(given)), batch_size):
        batch = given[part]
        y = read.outputs_at(batch, read.paths)[0].reshape(len(batch), -1)
        for number, moved in enumerate(moves.of(batch)):
            z = read.outputs_at(moved, read.paths)[0].reshape(len(batch), -1)
            distance[number, part] = np.linalg.norm(np.subtract(z, y, dtype="float64"), axis=1)
            probability[number, part] = outputs(moved)[np.arange(len(batch)), classes[part]]
    return InvarianceCurves(distance, probability, classes, moves.amounts, read.paths[0], transform, moves.border)
