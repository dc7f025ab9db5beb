"""OrthogonalFilters: the formula, tiles, kernels without an inverse, a file, errors."""

import keras
import numpy as np
import pytest
import scipy.linalg

from kzoo.checks import Refusal
from kzoo.layers import TiledConv2D
from kzoo.losses import OrthogonalFilters


def test_formula(seeds):
    """Returns (W W^T)^(-1/2) W for each tile, where the rows of W are the filters."""
    kernel = seeds.normal(size=(2, 3, 4, 5, 2, 7)).astype("float32")
    got = np.asarray(OrthogonalFilters()(kernel))
    for tile in np.ndindex(2, 3):
        w = kernel[tile].reshape(-1, 7).T.astype("float64")
        want = np.linalg.inv(scipy.linalg.sqrtm(w @ w.T)) @ w
        np.testing.assert_allclose(got[tile].reshape(-1, 7).T, want, atol=1e-5)
    np.testing.assert_allclose(OrthogonalFilters()(got), got, atol=1e-5)


@pytest.mark.parametrize("rank, shape", [(1, (3, 2, 6)), (1, (2, 3, 2, 6)), (3, (2, 1, 2, 2, 2, 2, 1, 8))])
def test_ranks_and_square_kernels(seeds, rank, shape):
    kernel = np.asarray(OrthogonalFilters(rank)(seeds.normal(size=shape).astype("float32")))
    for w in kernel.reshape(-1, shape[-1], shape[-1]):
        np.testing.assert_allclose(w.T @ w, np.eye(shape[-1]), atol=1e-5)


def test_filters_that_depend_on_each_other():
    for kernel in (np.zeros((2, 2, 1, 3), "float32"), np.ones((2, 2, 1, 3), "float32")):
        w = np.reshape(OrthogonalFilters()(kernel), (4, 3))
        np.testing.assert_allclose(w.T @ w, np.eye(3), atol=1e-5)


def test_training_keeps_them_orthonormal(tmp_path):
    layer = TiledConv2D(3, 2, tile=2, kernel_constraint=OrthogonalFilters())
    model = keras.Sequential([keras.Input((5, 5, 1)), layer, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    x = np.random.default_rng(0).normal(size=(8, 5, 5, 1))
    model.fit(x, x[:, 0, 0], verbose=0)
    for w in layer.kernel.numpy().reshape(4, 4, 3):
        np.testing.assert_allclose(w.T @ w, np.eye(3), atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").layers[0].kernel_constraint
    assert isinstance(again, OrthogonalFilters) and again.rank == 2


def test_refused():
    with pytest.raises(Refusal, match="rank, an integer above 0"):
        OrthogonalFilters(0)
    with pytest.raises(Refusal, match="a kernel of 2 spatial axes"):
        OrthogonalFilters()(np.zeros((2, 3, 4)))
    with pytest.raises(Refusal, match="at most 4 filters, a kernel's weights; received filters=5"):
        OrthogonalFilters()(np.zeros((2, 2, 1, 5)))
