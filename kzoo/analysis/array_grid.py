"""Figures of many inputs, patches, kernels or maps, each in a panel of its own."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kzoo.analysis.panels import SIGNED, show, value_limits
from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def array_grid(
    arrays: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[str],
    heading: str,
    columns: int | None = None,
    limits: tuple[float, float] | None = None,
    colours: str = "gray",
    spare: int = 0,
) -> "Figure":
    """Returns a figure of arrays (*spatial, channels), one in each panel, row by row.

    columns: by default as many as rows; spare: the number of panels after the last that the caller fills. limits: the
    values shown darkest and brightest, by default the smallest and largest of all arrays; with `colours=SIGNED` they
    are symmetric about 0.
    """
    count = len(arrays) + spare
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    side = min(2.4, max(1.0, 12 / max(rows, columns)))
    height, width = arrays[0].shape[-3:-1] if arrays[0].ndim > 2 else (2, 3)
    aspect = min(max(height / width, 0.4), 2.5)
    sheet = figure(max(side * columns, 3.2), (side * aspect + 0.25) * rows + 0.5)
    limits = limits or value_limits(arrays, signed=colours == SIGNED)
    for axes, array, title in zip(sheet.subplots(rows, columns, squeeze=False).flat, arrays, titles):
        show(axes, array, limits, colours)
        axes.set_title(title, fontsize=8, parse_math=False)
    for axes in sheet.axes[count:]:
        axes.set_axis_off()
    sheet.suptitle(heading, fontsize=10, parse_math=False)
    return sheet
