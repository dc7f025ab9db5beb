"""Figures of signals, images, volumes and numbers, from one panel to many."""

import numpy as np
import pytest

from kzoo.analysis.array_grid import array_grid
from kzoo.analysis.panels import SIGNED, value_limits


@pytest.mark.parametrize("shape", [(4,), (9, 1), (9, 2), (5, 6, 1), (5, 6, 3), (5, 6, 4), (3, 5, 6, 1)], ids=str)
def test_panels(shape, seeds):
    arrays = seeds.normal(size=(5, *shape))
    sheet = array_grid(arrays, "abcde", "heading")
    drawn = [axes for axes in sheet.axes if axes.axison]
    assert len(drawn) == 5 and [axes.get_title() for axes in drawn] == list("abcde")
    assert sheet.get_suptitle() == "heading" and len(sheet.axes) == 6
    images = len(shape) > 2
    for array, axes in zip(arrays, drawn):
        if images:
            (image,) = axes.images
            shown = array[1] if len(shape) == 4 else array
            if shape[-1] == 3:
                low, high = value_limits(arrays)
                np.testing.assert_allclose(image.get_array(), (shown - low) / (high - low), rtol=1e-9)
            else:
                np.testing.assert_allclose(image.get_array(), shown.mean(-1))
        else:
            assert bool(axes.lines or axes.patches)


def test_limits():
    assert value_limits([np.array([0, np.nan, 3])]) == (0, 3)
    assert value_limits([np.array([2.0, 2.0])]) == (1.5, 2.5)
    (image,) = array_grid([np.float32([[[-1], [3]]])], ["a"], "", colours=SIGNED).axes[0].images
    assert image.get_clim() == (-3, 3)
    assert len(array_grid(np.zeros((64, 8, 8, 1)), ["a"] * 64, "").axes) == 64
