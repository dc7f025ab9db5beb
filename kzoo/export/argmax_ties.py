"""Differences that are the net's own: what it answers where rounding decides between all but equal values.

A pool that says where its largest value was, or a nearest cluster, chooses; another order of sums may choose another
place, and what is put back there moves by a cell.

Source: none.
"""

import numpy as np

from kzoo.export.isolated_process import differences
from kzoo.export.verification_inputs import case_of

ROUNDING = 1e-6  # of the largest input, about what sums of float32 differ by
TRIES = 16  # changed inputs; one suffices if it turns the choice that the export turned
ALIKE = 4  # times: other turned choices move an answer more, or less
TOGETHER = 16  # examples that the net answers at a time


def undecided(net, case, got, tolerance):
    """How many of a case's examples differ by more than `tolerance` as the net itself does for inputs as good as equal.

    None if one differs though the net's own answers stay, or by much more than these move.
    Shapes: got, the export's outputs, as `case.wanted`.
    """
    if case.signature != "serving_default" or any(a.shape != b.shape for a, b in zip(case.wanted, got)):
        return None
    apart = _by_example(case.wanted, got)
    off = np.flatnonzero(~(apart <= tolerance))  # NaN too
    scales = [np.abs(y).max(initial=0) for y in case.wanted]
    for start in range(0, len(off), TOGETHER):
        chosen = off[start : start + TOGETHER]
        inputs, wanted = ([part[chosen] for part in parts] for parts in (case.inputs.values(), case.wanted))
        moved = np.max([_by_example(wanted, answers, scales) for answers in _answers(net, inputs)], 0)
        if not ((moved > tolerance) & (apart[chosen] <= ALIKE * moved)).all():
            return None
    return len(off)


def _answers(net, inputs):
    """The net's outputs for inputs changed by rounding, several times."""
    draw = np.random.default_rng(0)
    for _ in range(TRIES):
        noise = (ROUNDING * np.abs(x).max(initial=0) * draw.uniform(-1, 1, x.shape) for x in inputs)
        yield case_of(net, [(x + change).astype(x.dtype) for x, change in zip(inputs, noise)]).wanted


def _by_example(wanted, got, scales=None):
    """The largest difference of each example, relative to the largest value of that output in all of them."""
    found = [
        differences(a, b, scale).reshape(len(a), -1).max(1, initial=0)
        for a, b, scale in zip(wanted, got, scales or [None] * len(wanted))
    ]
    return np.max(found, 0)
