"""The randomization check: whether a projection depends on what the model learned.

Source: Adebayo et al. 2018, arXiv:1810.03292 (cascading randomization).
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kzoo.analysis.plotted import Plotted
from kzoo.analysis.projection import project_at
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.units import Unit
from kzoo.analysis.walk import compute, run
from kzoo.checks import is_integer, require
from kzoo.figures import figure
from kzoo.models.layer_paths import layers_until

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHO = "randomization_check"


@dataclasses.dataclass(frozen=True, eq=False)
class RandomizationCheck(Plotted):
    """How similar projections stay to the original ones; `np.asarray` gives the correlations.

    correlations: (layers, batch) rank correlation after the weights of a layer and of all layers above it became
    random; NaN where a projection is the same everywhere; layers: their paths, from the top down; layer: path of the
    unit's layer; unit; rule.
    """

    correlations: np.ndarray
    layers: tuple[str, ...]
    layer: str
    unit: Unit
    rule: str

    @property
    def array(self) -> np.ndarray:
        return self.correlations

    def draw(self) -> "Figure":
        names = ["none", *self.layers]
        values = np.concatenate([np.ones_like(self.correlations[:1]), self.correlations])
        sheet = figure(max(4.5, 0.45 * len(names) + 2), 3.8)
        axes = sheet.subplots()
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.plot(values, ".", color="grey", alpha=0.5)
        axes.plot([_mean(row) for row in values], "o-", label="mean of the examples")
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
        axes.set(xlabel="random down to this layer", ylabel="rank correlation with the original", ylim=(-1.05, 1.05))
        axes.set_title(
            f"Projections of unit {self.unit} of {self.layer} (rule {self.rule})\nas layers become random", fontsize=10
        )
        axes.legend(fontsize=8)
        return sheet


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def randomization_check(
    model: keras.Model,
    layer: str,
    unit: Unit,
    inputs: Any,
    rule: str = "guided",
    seed: int = 0,
    batch_size: int = 32,
) -> RandomizationCheck:
    """Returns how similar projections stay to the original ones while layers become random, from the top down.

    model, layer, unit, inputs, rule, batch_size: as `project`. Random weights are the layer's own in another order,
    drawn with `seed`; the source draws new ones from a normal distribution. The similarity is Spearman's rank
    correlation over all signed numbers of an example's projection, one of the source's measures; of maps the unit stays
    at its position in the original model. A rule whose projections stay similar shows the input
    rather than what the model learned.
    The model has its own weights again afterwards, also after an error.

    >>> from kzoo import model
    >>> randomization_check(model("mnist1d_cnn"), "stage2", 3, np.ones((2, 40, 1))).layers
    ('stage2', 'stage1')
    """
    require(is_integer(seed, least=0), WHO, "seed, an integer from 0", seed=seed)
    original = project_at(WHO, model, layer, unit, inputs, rule, batch_size)
    found = _weighted_layers(SpatialModel(WHO, model, [layer]), inputs)
    require(found, WHO, "a layer that depends on weights", layer=original.layer)
    random = np.random.default_rng(seed)
    correlations = []
    with weights_restored([each.weights for each in found.values()]):
        for each in found.values():
            shuffle(each, random)
            changed = project_at(WHO, model, layer, unit, inputs, rule, batch_size, original.places)
            correlations.append([_rank_correlation(a, b) for a, b in zip(original.array, changed.array)])
    return RandomizationCheck(np.array(correlations, "float32"), tuple(found), original.layer, unit, rule)


def _weighted_layers(read, inputs):
    """Returns {path: layer} of the layers with weights that a layer's output depends on, from the top down."""
    needed = layers_until(read.model, read.paths[0])
    order: list[str] = []
    run(read.model, read.checked(inputs)[:1].arrays, lambda path, *call: order.append(path) or compute(path, *call))
    below = {path: needed[path] for path in reversed(order) if path in needed and needed[path].weights}
    first = {id(each): path for path, each in reversed(below.items())}  # a shared layer becomes random once
    return {path: each for path, each in below.items() if first[id(each)] == path}


@contextlib.contextmanager
def weights_restored(weights: list[list[Any]]) -> Iterator[None]:
    """Context manager: gives variables the values again that they had at its beginning."""
    flat = [variable for each in weights for variable in each]
    values = [np.array(ops.convert_to_numpy(variable)) for variable in flat]
    try:
        yield
    finally:
        for variable, value in zip(flat, values):
            variable.assign(value)


def shuffle(layer: keras.layers.Layer, random: np.random.Generator) -> None:
    """Gives the floating weights of a layer their values in a random order, each among itself."""
    for variable in layer.weights:
        if "float" in keras.backend.standardize_dtype(variable.dtype):
            value = ops.convert_to_numpy(variable)
            variable.assign(random.permutation(value.ravel()).reshape(value.shape))


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    if a.min() == a.max() or b.min() == b.max():
        return np.nan
    return float(spearmanr(a.ravel(), b.ravel()).statistic)
