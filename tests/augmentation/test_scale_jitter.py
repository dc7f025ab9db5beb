import numpy as np
import pytest

from kzoo.augmentation.scale_jitter import ScaleJitter
from kzoo.checks import Refusal


def test_boxes_are_crops_of_the_rescaled_image():
    top, left, height, width = np.array(ScaleJitter((256, 512), 224, 224, seed=0).draw((4000, 300, 400, 3))).T
    np.testing.assert_allclose(height, width, rtol=1e-5)
    short_side = 224 * 300 / height  # after the scaling that makes 224 pixels of the box
    np.testing.assert_allclose(np.quantile(short_side, [0, 0.25, 0.5, 0.75, 1]), [256, 320, 384, 448, 512], atol=6)
    assert min(top.min(), left.min()) >= 0 and (top + height).max() <= 300.01 and (left + width).max() <= 400.01
    places = top / (300 - height), left / (400 - width)
    np.testing.assert_allclose(np.quantile(places, [0.25, 0.5, 0.75], axis=1).T, [[0.25, 0.5, 0.75]] * 2, atol=0.03)
    assert abs(np.corrcoef(places)[0, 1]) < 0.1


def test_one_scale_is_a_plain_crop():
    x = np.arange(36.0).reshape(1, 6, 6, 1).astype("float32")
    np.testing.assert_allclose(ScaleJitter((6, 6), 4, 4)(x, training=False), x[:, 1:5, 1:5], atol=1e-6)


def test_the_mean_scale_at_inference():
    """As Simonyan & Zisserman test models that were trained on several scales."""
    box = np.array(ScaleJitter((8, 24), 8, 8).at_inference((2, 20, 30, 3)))
    np.testing.assert_allclose(box, [[5, 10, 10, 10]] * 2)


def test_refusals():
    with pytest.raises(Refusal, match="ScaleJitter expects short_side, two ascending numbers above 0; received"):
        ScaleJitter((512, 256))
    with pytest.raises(ValueError, match=r"crops of at most short_side; received crop=\(9, 4\), short_side=\(8"):
        ScaleJitter((8, 16), 9, 4)(np.zeros((1, 10, 10, 3)), training=True)
