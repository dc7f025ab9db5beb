"""How far the maps of each layer are from moving with the input, for one example and one place of the sliders."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from kzoo.analysis.equivariance_error import equivariance_by_layer
from kzoo.explore.steps import Step


class LayerError(NamedTuple):
    """The relative equivariance error of the layer of a step.

    error: over all positions that a moved map has data at; inner: over those whose receptive field stays within the
    image; None where there are none. whole: whether the shift is a whole number of the layer's positions.
    """

    step: int
    error: float | None
    inner: float | None
    whole: bool


def layer_errors(
    model: keras.Model, steps: Sequence[Step], inputs: list[np.ndarray], amount: tuple[float, ...]
) -> list[LayerError]:
    """Returns the errors of all layers with positions, in the order of computation.

    inputs: a batch of one example for each input of the model, of which one is moved, as `equivariance_by_layer` says.
    steps: the `model_steps`. amount: a factor, degrees and the pixels along each axis, as of the "similarity" of
    `kzoo.analysis.equivariance_error.equivariance`, whose border here is "crop".
    Refuses what `equivariance_by_layer` refuses.

    >>> from kzoo.explore.steps import model_steps
    >>> model = keras.Sequential([keras.Input((8, 1)), keras.layers.MaxPooling1D(2, name="pool")])
    >>> x = [np.array([0, 0, 1, 2, 3, 4, 0, 0.0])[None, :, None]]
    >>> [round(layer_errors(model, model_steps(model), x, (1, 0, shift))[0].error, 3) for shift in (1, 2)]
    [0.535, 0.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):  # errors that are not finite are None
        found = equivariance_by_layer(model, "similarity", inputs, [amount], "crop")
    rank = len(amount) - 2
    numbers = {step.path: number for number, step in enumerate(steps) if len(step.shape) == rank + 1}
    return [
        LayerError(numbers[path], _finite(error), _finite(inner), bool(whole))
        for path, (error,), (inner,), (whole,) in zip(
            found.layers, found.error, found.inner_error, found.multiple_of_stride
        )
        if path in numbers
    ]


def _finite(error: float) -> float | None:
    return float(error) if np.isfinite(error) else None
