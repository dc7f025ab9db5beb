import numpy as np
import pytest
from scipy import ndimage

from kzoo.augmentation.sample_pixels import check_fill, sample_pixels
from kzoo.checks import Refusal

MODES = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect"}  # {fill_mode: SciPy's name}


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("fill_mode", MODES)
def test_equals_scipy(fill_mode, interpolation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 6, 5, 2)).astype("float32")
    rows, columns = (rng.uniform(-9, 15, (3, 8, 7)).astype("float32") for _ in range(2))
    y = np.array(sample_pixels(x, rows, columns, fill_mode, 2.5, interpolation))
    assert y.shape == (3, 8, 7, 2)
    for b in range(3):
        for c in range(2):
            how = {"order": int(interpolation == "bilinear"), "mode": MODES[fill_mode], "cval": 2.5}
            expected = ndimage.map_coordinates(x[b, :, :, c], [rows[b], columns[b]], **how)
            np.testing.assert_allclose(y[b, :, :, c], expected, atol=1e-4)


def test_nearest_keeps_large_integers():
    x = np.array([2**31 - 1, 2**24 + 1, -5], "int32").reshape(1, 1, 3, 1)
    y = sample_pixels(
        x,
        np.zeros((1, 1, 1), "float32"),
        np.array([[[2, 0, 1, 4.0]]], "float32"),
        fill_value=7,
        interpolation="nearest",
    )
    assert np.array(y).ravel().tolist() == [-5, 2**31 - 1, 2**24 + 1, 7]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0", None, True])
def test_the_fill_value_is_a_finite_number(value):
    check_fill("Crop", "reflect", 0)
    with pytest.raises(Refusal, match="Crop expects fill_value, a finite number; received fill_value="):
        check_fill("Crop", "constant", value)
