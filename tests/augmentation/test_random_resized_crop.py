import numpy as np
import pytest

from kzoo.augmentation.random_resized_crop import RandomResizedCrop
from kzoo.checks import Refusal


def boxes(shape=(4000, 100, 150, 3), **settings):
    """Returns top, left, height and width of random boxes, each (4000,)."""
    return np.array(RandomResizedCrop(seed=0, **settings).draw(shape)).T


def test_areas_ratios_and_positions_are_googlenets():
    top, left, height, width = boxes()
    area, ratio = height * width / 15_000, width / height
    assert area.min() >= 0.0799 and area.max() <= 1.0001 and ratio.min() >= 0.7499 and ratio.max() <= 1.3334
    assert min(top.min(), left.min()) >= 0 and (top + height).max() <= 100.001 and (left + width).max() <= 150.001
    small = area < 0.3  # boxes that always fit
    np.testing.assert_allclose(np.quantile(area[small], [0.25, 0.5, 0.75]), [0.135, 0.19, 0.245], atol=0.015)
    np.testing.assert_allclose(np.quantile(np.log(ratio[small]), [0.25, 0.5, 0.75]), [-0.144, 0, 0.144], atol=0.03)
    places = top[small] / (100 - height[small]), left[small] / (150 - width[small])
    np.testing.assert_allclose(np.quantile(places, [0.25, 0.5, 0.75], axis=1).T, [[0.25, 0.5, 0.75]] * 2, atol=0.04)
    assert abs(np.corrcoef(places)[0, 1]) < 0.1


def test_the_largest_central_box_where_none_fits():
    top, left, height, width = boxes(aspect_ratio=(9.0, 10.0), area=(0.9, 1.0))
    for side, expected in ((top, 0), (left, 0), (height, 100), (width, 150)):
        np.testing.assert_allclose(side, expected, atol=1e-3)
    *_, height, width = boxes(height=10, width=10, aspect_ratio=(9.0, 10.0), area=(0.9, 1.0))
    np.testing.assert_allclose([height, width], 100, atol=1e-3)


def test_the_central_box_at_inference():
    x = np.random.default_rng(0).normal(size=(2, 10, 16, 1)).astype("float32")
    np.testing.assert_allclose(RandomResizedCrop(10, 10)(x, training=False), x[:, :, 3:13], atol=1e-6)


@pytest.mark.parametrize("settings", [{"area": (0.5, 1.5)}, {"aspect_ratio": (0, 1)}, {"aspect_ratio": 0.75}])
def test_refusals(settings):
    (name,) = settings
    with pytest.raises(Refusal, match=f"RandomResizedCrop expects {name}, two ascending numbers above 0"):
        RandomResizedCrop(**settings)
