"""Differences that are the net's own: what it answers where rounding decides between all but equal values.

A pool that says where its largest value was, or a nearest cluster, chooses; another order of sums may choose another
place, and what is put back there moves by a cell.

Source: none.
"""

import numpy as np

from kzoo.export.bare import differences
from kzoo.export.cases import case_of

ROUNDING = 1e-6  # of the largest input, about what sums of float32 differ by
TRIES = 16  # changed inputs; one suffices if it turns the choice that the export turned
ALIKE = 4  # times: other turned choices move an answer more, or less


def undecided(net, case, got, tolerance):
    """How many of a case's examples differ by more than `tolerance` as the net itself does for inputs as good as equal.

    None if one differs though the net's own answers stay, or by much more than these move.
    Shapes: got, the export's outputs, as `case.wanted`.
    """
    if case.signature != "serving_default" or any(a.shape != b.shape for a, b in zip(case.wanted, got)):
        return None
    apart = _by_example(case.wanted, got)
    off = np.flatnonzero(~(apart <= tolerance))  # NaN too
    inputs, wanted = [x[off] for x in case.inputs.values()], [y[off] for y in case.wanted]
    scales = [np.abs(y).max(initial=0) for y in case.wanted]
    draw, moved = np.random.default_rng(0), np.zeros(len(off))
    for _ in range(TRIES if len(off) else 0):
        changed = [(x + ROUNDING * np.abs(x).max() * draw.uniform(-1, 1, x.shape)).astype(x.dtype) for x in inputs]
        moved = np.maximum(moved, _by_example(wanted, case_of(net, changed).wanted, scales))
    explained = (moved > tolerance) & (apart[off] <= ALIKE * moved)
    return len(off) if explained.all() else None


def _by_example(wanted, got, scales=None):
    """The largest difference of each example, relative to the largest value of that output in all of them."""
    found = [
        differences(a, b, scale).reshape(len(a), -1).max(1, initial=0)
        for a, b, scale in zip(wanted, got, scales or [None] * len(wanted))
    ]
    return np.max(found, 0)
