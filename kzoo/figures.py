"""Matplotlib figures that need no display."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.files import write_atomically
from kzoo.types import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(width: float, height: float) -> "Figure":
    """Returns a figure of this size in inches."""
    from matplotlib.figure import Figure

    return Figure((width, height), dpi=120, layout="constrained")


def save_figure(sheet: "Figure", path: PathLike) -> None:
    """Writes a figure to a .png file."""
    content = io.BytesIO()
    sheet.savefig(content, format="png")
    write_atomically(Path(path), content.getvalue())
