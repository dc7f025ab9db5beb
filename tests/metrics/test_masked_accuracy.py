"""MaskedAccuracy, and intersection over union with missing labels: loops over pixels."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.metrics.masked_accuracy import MaskedAccuracy


@pytest.fixture
def maps(seeds):
    """Returns two batches of label maps, with 4 classes and 9 for unlabelled, and probabilities for them."""
    return [(seeds.choice([0, 1, 2, 3, 9], (2, 4, 5)), seeds.dirichlet(np.ones(4), (2, 4, 5))) for _ in range(2)]


def pairs(maps):
    return [(y[i], p[i].argmax()) for y, p in maps for i in np.ndindex(y.shape) if y[i] != 9]


def updated(metric, maps):
    for y, p in maps:
        metric.update_state(y, p)
    return float(metric.result())


def test_accuracy(maps):
    want = np.mean([y == predicted for y, predicted in pairs(maps)])
    assert updated(MaskedAccuracy(9), maps) == pytest.approx(want, rel=1e-6)
    assert updated(MaskedAccuracy(9), [(y[..., None], p) for y, p in maps]) == pytest.approx(want, rel=1e-6)
    weighted = MaskedAccuracy(9)
    weighted.update_state(*maps[0], sample_weight=np.ones((2, 4, 5)))
    assert float(weighted.result()) == pytest.approx(np.mean([y == s for y, s in pairs(maps[:1])]), rel=1e-6)
    again = keras.metrics.deserialize(keras.metrics.serialize(weighted))
    assert again.ignore_class == 9 and again.name == "accuracy"
    with pytest.raises(Refusal, match="ignore_class, an integer; received ignore_class='void'"):
        MaskedAccuracy("void")


def test_keras_mean_iou_with_an_ignored_class(maps):
    """The metric of the segmentation configs: intersection over union, averaged over classes."""
    found, ious = pairs(maps), []
    for c in range(4):
        both = sum(y == c == predicted for y, predicted in found)
        ious.append(both / sum(c in (y, predicted) for y, predicted in found))
    metric = keras.metrics.MeanIoU(4, ignore_class=9, sparse_y_pred=False)
    assert updated(metric, maps) == pytest.approx(np.mean(ious), rel=1e-6)
