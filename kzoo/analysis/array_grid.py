"""Figures of many inputs, patches, kernels or maps, each in a panel of its own."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kzoo.analysis.panels import one_slice, show_image
from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIGNED = "RdBu_r"


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


def value_limits(arrays: Sequence[np.ndarray] | np.ndarray, signed: bool = False) -> tuple[float, float]:
    """Returns the smallest and largest finite value of arrays; with `signed`, limits symmetric about 0.

    >>> value_limits([np.array([-1, 2])]), value_limits([np.array([-1, 2])], signed=True)
    ((-1.0, 2.0), (-2.0, 2.0))
    """
    flat = np.concatenate([np.ravel(array) for array in arrays]).astype("float64")
    flat = flat[np.isfinite(flat)]
    low, high = (flat.min(), flat.max()) if flat.size else (0.0, 1.0)
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    return (float(low), float(high)) if low < high else (float(low) - 0.5, float(low) + 0.5)


def show(axes: "Axes", array: np.ndarray, limits: tuple[float, float], colours: str = "gray") -> None:
    """Draws an array (*spatial, channels): bars, a signal with a line for each channel, or an image.

    Images of 3 channels are shown in colour, of other numbers of channels their mean; of a volume the middle slice.
    """
    low, high = limits
    array = np.asarray(array, "float64")
    if array.ndim == 1:
        axes.bar(np.arange(len(array)), array, color="0.3")
        axes.set_ylim(min(low, 0.0), max(high, 0.0))
    elif array.ndim == 2:
        axes.plot(array, linewidth=1, color="0.2" if array.shape[1] == 1 else None)
        if low < 0 < high:
            axes.axhline(0, linewidth=0.5, color="0.7", zorder=0)
        margin = 0.05 * (high - low)
        axes.set_ylim(low - margin, high + margin)
    else:
        image = one_slice(array, array.ndim - 1)
        if image.shape[-1] == 3:
            show_image(axes, np.clip((image - low) / (high - low), 0, 1))
        else:
            show_image(axes, image.mean(-1), cmap=colours, vmin=low, vmax=high)
        return
    axes.locator_params(nbins=3)
    axes.tick_params(labelsize=6, length=2)
