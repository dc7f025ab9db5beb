"""Accepts export differences caused by argmax ties that float rounding flips.

A pool that returns the index of its largest value, or the search for a nearest cluster, makes a discrete choice. Sums
in another order may flip it, and unpooling then moves a value by a pixel.
"""

import numpy as np

from kzoo.export.comparison import relative_differences
from kzoo.export.verification_inputs import make_batch

ROUNDING = 1e-6  # of the largest input: about the rounding error of sums in float32
PERTURBATIONS = 16  # tries; one suffices if it flips the same tie as the export
FACTOR = 4  # the export may differ this many times more than the perturbed model, which may flip other ties
CHUNK = 16  # examples in one call of the model


def count_argmax_ties(model, batch, outputs, tolerance):
    """Returns how many examples differ by more than `tolerance` because of ties, or None if one differs otherwise.

    An example has a tie if the model's own outputs change about as much when its inputs change by rounding errors.
    outputs: those of the export, with the shapes of `batch.expected`.
    """
    if batch.signature != "serving_default" or any(a.shape != b.shape for a, b in zip(batch.expected, outputs)):
        return None
    differences = _example_differences(batch.expected, outputs)
    differing = np.flatnonzero(~(differences <= tolerance))  # includes NaN
    scales = [np.abs(y).max(initial=0) for y in batch.expected]
    for start in range(0, len(differing), CHUNK):
        chunk = differing[start : start + CHUNK]
        inputs, expected = ([part[chunk] for part in parts] for parts in (batch.inputs.values(), batch.expected))
        changes = [_example_differences(expected, y, scales) for y in _perturbed_outputs(model, inputs)]
        largest = np.max(changes, 0)
        if not ((largest > tolerance) & (differences[chunk] <= FACTOR * largest)).all():
            return None
    return len(differing)


def _perturbed_outputs(model, inputs):
    """Yields the model's outputs for inputs that are changed by rounding errors, several times."""
    rng = np.random.default_rng(0)
    for _ in range(PERTURBATIONS):
        noise = (ROUNDING * np.abs(x).max(initial=0) * rng.uniform(-1, 1, x.shape) for x in inputs)
        yield make_batch(model, [(x + change).astype(x.dtype) for x, change in zip(inputs, noise)]).expected


def _example_differences(expected, outputs, scales=None):
    """Returns the largest difference of each example, relative to the largest value of that output in all of them."""
    differences = [
        relative_differences(a, b, scale).reshape(len(a), -1).max(1, initial=0)
        for a, b, scale in zip(expected, outputs, scales or [None] * len(expected))
    ]
    return np.max(differences, 0)
