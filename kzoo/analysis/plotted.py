"""The base class of results that are arrays with a picture."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.figures import save_figure
from kzoo.types import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Plotted:
    """A result that `np.asarray` converts and `plot` draws; notebooks show its picture.

    Subclasses define `array`, what `np.asarray` returns, and `draw`, which returns a matplotlib figure.
    """

    @property
    def array(self) -> np.ndarray:
        raise NotImplementedError

    def draw(self) -> "Figure":
        raise NotImplementedError

    def plot(self, path: PathLike | None = None, **options: Any) -> "Figure":
        """Returns a matplotlib figure, and writes it to `path`, a .png file, if there is one; options: of `draw`."""
        sheet = self.draw(**options)
        if path is not None:
            save_figure(sheet, path)
        return sheet

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.asarray(self.array, dtype)
        return array.copy() if copy else array

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.draw().savefig(content, format="png")
        return content.getvalue()
