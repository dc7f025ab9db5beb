"""MaxRMS: only large filters are scaled, in kernels of any rank; in training, in a file, and refusals."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.constraints import MaxRMS


@pytest.mark.parametrize("shape", [(6, 4), (3, 2, 4), (3, 3, 2, 4), (2, 3, 3, 2, 4)])
def test_scales_large_filters(shape):
    kernel = np.random.default_rng(0).normal(size=shape).astype("float32") * [0.01, 0.1, 1.0, 10.0]
    got = np.array(MaxRMS(0.1)(keras.ops.convert_to_tensor(kernel, "float32")))
    for filter in range(4):
        before = kernel[..., filter]
        rms = np.sqrt(np.mean(before**2))
        np.testing.assert_allclose(got[..., filter], before * min(1, 0.1 / rms), rtol=1e-5)
    assert (got[..., 0] == kernel[..., 0].astype("float32")).all()


def test_zero_filters_stay():
    assert not np.any(MaxRMS(0.1)(keras.ops.zeros((3, 2))))


def test_in_training_and_from_a_file(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, kernel_constraint=MaxRMS(0.05))])
    model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    kernel = np.array(model.layers[0].kernel)
    assert (np.sqrt(np.mean(kernel**2, 0)) <= 0.05 + 1e-7).all()
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").layers[0].kernel_constraint.max_value == 0.05


@pytest.mark.parametrize("value", [0, -1, float("nan"), "0.1", True, float("inf")])
def test_refused(value):
    with pytest.raises(Refusal, match="MaxRMS expects max_value, a number above 0; received"):
        MaxRMS(value)
