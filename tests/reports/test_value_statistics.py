import numpy as np
import pytest

from kzoo.reports.value_statistics import ValueStatistics


@pytest.mark.parametrize("shape", [(2,), (5, 3), (5, 4, 3), (2, 5, 4, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_equals_numpy(seeds, shape, dtype):
    x = (200 + 50 * seeds.normal(size=(30, *shape))).clip(0, 255).astype(dtype)
    values = ValueStatistics()
    for part in np.split(x, [1, 7, 30])[:-1]:
        values.add(part)
    exact, axes = x.astype("float64"), tuple(range(x.ndim - 1))
    np.testing.assert_allclose(values.mean(), exact.mean(axes))
    np.testing.assert_allclose(values.deviation(), exact.std(axes))
    assert values.describe()["smallest"] == exact.min() and values.describe()["largest"] == exact.max()


def test_a_large_mean_costs_no_digits():
    values = ValueStatistics()
    for x in (1e9, 1e9 + 1, 1e9 + 2):
        values.add(np.array([[x]]))
    assert values.deviation()[0] == pytest.approx(np.sqrt(2 / 3))


def test_many_channels_are_taken_together():
    values = ValueStatistics()
    values.add(np.arange(40.0).reshape(2, 20))
    assert values.describe() == {"mean": [19.5], "deviation": [pytest.approx(11.543396)], "smallest": 0, "largest": 39}
