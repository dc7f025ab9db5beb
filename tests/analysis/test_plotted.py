"""Results that are arrays with a picture."""

import numpy as np

from kzoo.analysis.plotted import Plotted
from kzoo.figures import figure


class Line(Plotted):
    array = np.arange(3)

    def draw(self):
        sheet = figure(2, 2)
        sheet.subplots().plot(self.array)
        return sheet


def test_arrays_and_pictures(tmp_path):
    line = Line()
    assert np.asarray(line).tolist() == [0, 1, 2] and np.asarray(line, "float32").dtype == "float32"
    assert np.array(line) is not line.array
    assert line.plot().axes and not list(tmp_path.iterdir())
    line.plot(tmp_path / "line.png")
    assert (tmp_path / "line.png").read_bytes()[:4] == line._repr_png_()[:4] == b"\x89PNG"
