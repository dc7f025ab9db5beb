"""R2Score: a loop over the numbers, batches, weights, offsets where squares lose all digits, constants."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.metrics.r2_score import R2Score


def r2(y, p, w=None):
    """Returns the mean over the columns of 1 - sum (y - p)^2 / sum (y - mean)^2 in double precision."""
    w, scores = np.ones(len(y)) if w is None else w, []
    for column in range(y.shape[1]):
        a, b = y[:, column].astype("float64"), p[:, column].astype("float64")
        mean = sum(w * a) / sum(w)
        spread, missed = sum(w * (a - mean) ** 2), sum(w * (a - b) ** 2)
        scores.append(1 - missed / spread if spread else float(missed == 0))
    return np.mean(scores)


def updated(batches):
    metric = R2Score()
    for y, p, *w in batches:
        metric.update_state(y, p, *w)
    return float(metric.result())


@pytest.mark.parametrize("offset", [0, 2000, 1e5])
def test_values(seeds, offset):
    y = (seeds.normal(size=(300, 3)) * [1, 5, 0.5] + offset).astype("float32")
    p = y + seeds.normal(size=y.shape).astype("float32") * 0.4
    assert updated([(y, p)]) == pytest.approx(r2(y, p), abs=1e-3)
    assert updated([(y[:7], p[:7]), (y[7:200], p[7:200]), (y[200:], p[200:])]) == pytest.approx(r2(y, p), abs=1e-3)
    w = seeds.uniform(size=300).astype("float32")
    assert updated([(y[:90], p[:90], w[:90]), (y[90:], p[90:], w[90:])]) == pytest.approx(r2(y, p, w), abs=1e-3)


def test_constants():
    y = np.ones((4, 1), "float32")
    assert updated([(y, y)]) == 1 and updated([(y, y + 1)]) == 0 and updated([]) == 0
    varying = np.float32([[1, 0], [1, 2]])
    assert updated([(varying, varying)]) == 1


def test_as_an_object_of_keras():
    metric = keras.metrics.deserialize(keras.metrics.serialize(R2Score(name="fit")))
    metric.update_state(np.float32([[0], [2]]), np.float32([[0], [1]]))
    assert metric.name == "fit" and float(metric.result()) == 0.5
    metric.reset_state()
    metric.update_state(np.float32([[0], [2]]), np.float32([[0], [2]]))
    assert float(metric.result()) == 1
    with pytest.raises(Refusal, match=r"R2Score expects y_true and y_pred \(batch, numbers\); received y_true=\(2,\)"):
        metric.update_state(np.float32([0, 1]), np.float32([[0], [1]]))
