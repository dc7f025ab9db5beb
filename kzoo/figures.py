"""Matplotlib figures that need no display."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.files import write_atomically
from kzoo.types import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOG_RANGE, DECADES = 5, 3  # ratio from which an axis is logarithmic; decades up to which 2 and 5 have ticks too


def figure(width: float, height: float) -> "Figure":
    """Returns a figure of this size in inches."""
    from matplotlib.figure import Figure

    return Figure((width, height), dpi=120, layout="constrained")


def save_figure(sheet: "Figure", path: PathLike) -> None:
    """Writes a figure to a .png file."""
    content = io.BytesIO()
    sheet.savefig(content, format="png")
    write_atomically(Path(path), content.getvalue())


def whole_ticks(axis: Any) -> None:
    """Puts the ticks of an axis at whole numbers, such as those of epochs."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def log_scale(axes: Any, values: Sequence[float]) -> None:
    """Makes the y axis logarithmic, with plain numbers at its ticks, if positive values differ by a factor of 5."""
    finite = [value for value in values if abs(value) < float("inf")]  # nan is not
    if not finite or min(finite) <= 0 or max(finite) < LOG_RANGE * min(finite):
        return
    axes.set_yscale("log")
    log_ticks(axes.yaxis, min(finite), max(finite))


def log_ticks(axis: Any, low: float, high: float) -> None:
    """Puts plain numbers at the ticks of a logarithmic axis for values from low to high."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1,) if high > 10**DECADES * low else (1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
