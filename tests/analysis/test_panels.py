"""Panels: how many there are, what they show."""

import numpy as np
import pytest

from kzoo.analysis.panels import MOST, one_slice, panels, show_example, show_overlay, show_signed
from tests.analysis.attribution_models import noise


@pytest.mark.parametrize("count", [1, 7, 100])
@pytest.mark.parametrize("parts", [1, 2])
def test_all_examples_have_their_panels(count, parts):
    sheet, axes = panels(count, parts, title="it")
    assert axes.shape == (min(count, MOST), parts)
    assert sheet.get_suptitle() == ("it, the first 64 of 100 examples" if count == 100 else "it")


def test_slices():
    x = noise(5, 3, 4, 1)
    np.testing.assert_array_equal(one_slice(x, 3), x[2])
    np.testing.assert_array_equal(one_slice(x, 3, 4), x[4])
    assert one_slice(x, 2) is x


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_examples_of_any_rank_and_channels(spatial, channels):
    sheet, ((a, b, c),) = panels(1, 3, spatial)
    x = noise(*(4, 5, 6)[:spatial], channels)
    show_example(a, x)
    show_signed(b, x)
    shade = np.abs(x).sum(-1)
    artist = show_overlay(c, x, shade, cmap="viridis", vmin=0, vmax=1)
    sheet.canvas.draw()
    np.testing.assert_array_equal(artist.get_array(), one_slice(shade, spatial))


def test_colours_of_examples_and_maps():
    _, ((a, b),) = panels(1, 2)
    x = noise(4, 4, 3)
    show_example(a, x)
    np.testing.assert_allclose(a.images[0].get_array(), (x - x.min()) / np.ptp(x), rtol=1e-5)
    show_signed(b, x)
    np.testing.assert_allclose(b.images[0].get_array(), 0.5 + x / np.abs(x).max() / 2, rtol=1e-5)
    show_signed(b, np.zeros((4, 4, 3)))
    assert (b.images[1].get_array() == 0.5).all()
    show_signed(b, x[..., :1])
    assert b.images[2].get_clim() == (-np.abs(x[..., 0]).max(), np.abs(x[..., 0]).max())
