"""The metrics of each task, against loops over labels, pixels and pairs of examples."""

import numpy as np
import pytest

from kzoo.task import Task
from kzoo.training.task_metrics import default_metrics


def measured(kind, y, p, outputs=None, **more):
    metrics = default_metrics(Task(kind), outputs or p.shape[-1], **more)
    for metric in metrics:
        for half in (slice(None, 25), slice(25, None)):
            metric.update_state(y[half], p[half])
    return {metric.name: float(metric.result()) for metric in metrics}


def f1(tp, fp, fn):
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


def test_multilabel(seeds):
    y = (seeds.uniform(size=(60, 4)) < [0.5, 0.2, 0.7, 0.5]).astype("float32")
    p = np.clip(0.35 * y + seeds.uniform(size=y.shape) * 0.65, 0, 1).astype("float32")
    found, counts, areas = measured("multilabel", y, p), [], []
    for label in range(4):
        there, said = y[:, label] == 1, p[:, label] > 0.5
        counts.append([sum(there & said), sum(~there & said), sum(there & ~said)])
        pairs = [(a > b) + (a == b) / 2 for a in p[there, label] for b in p[~there, label]]
        areas.append(np.mean(pairs))
    assert found["f1_macro"] == pytest.approx(np.mean([f1(*each) for each in counts]), abs=1e-5)
    assert found["f1_micro"] == pytest.approx(f1(*np.sum(counts, 0)), abs=1e-5)
    assert found["auc"] == pytest.approx(np.mean(areas), abs=0.005)  # Keras sums over 200 thresholds


def test_regression_and_images(seeds):
    y = seeds.normal(size=(60, 2)).astype("float32")
    p = y + seeds.normal(size=y.shape).astype("float32")
    found = measured("regression", y, p)
    assert found["mae"] == pytest.approx(np.mean([abs(a - b) for a, b in zip(y.ravel(), p.ravel())]), rel=1e-5)
    r2 = [1 - sum((y[:, i] - p[:, i]) ** 2) / sum((y[:, i] - y[:, i].mean()) ** 2) for i in range(2)]
    assert found["r2"] == pytest.approx(np.mean(r2), abs=1e-5)
    images = seeds.uniform(size=(60, 3, 4, 2)).astype("float32")
    assert measured("image", images, images + 0.25) == {"mae": pytest.approx(0.25, abs=1e-6)}


def test_classes(seeds):
    y, p = seeds.integers(0, 12, 60), seeds.dirichlet(np.ones(12), 60).astype("float32")
    top = np.mean([label in np.argsort(-row)[:5] for label, row in zip(y, p)])
    assert measured("classification", y, p) == {"top_5_accuracy": pytest.approx(top, abs=1e-6)}
    assert default_metrics(Task(), 10) == []


def test_segmentation(seeds):
    y, p = seeds.choice([0, 1, 2, 9], (60, 3, 4)), seeds.dirichlet(np.ones(3), (60, 3, 4)).astype("float32")
    counted, said = y != 9, p.argmax(-1)
    iou = [np.sum(counted & (y == k) & (said == k)) / np.sum(counted & ((y == k) | (said == k))) for k in range(3)]
    assert measured("segmentation", y, p, ignored=9) == {"mean_iou": pytest.approx(np.mean(iou), abs=1e-6)}
    assert default_metrics(Task("segmentation"), 1) == []
