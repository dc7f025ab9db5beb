"""What is collected of a target, against NumPy and whatever the batches."""

import numpy as np
import pytest

from kzoo.reports.target_content import TargetContent, data_tasks
from kzoo.task import Task


def filled(task, y, ignored=None, batch=4):
    content = TargetContent(task, ignored)
    for start in range(0, len(y), batch):
        content.add(y[start : start + batch])
    return content


def test_classes_and_label_maps():
    y = np.array([0, 2, 2, 1, 0, -1], "int32")
    content = filled(Task(size=5), y)
    assert content.describe() == {"counts": [2, 1, 2, 0, 0]} and content.labels().tolist() == y.tolist()
    assert filled(Task(), y).describe() == {"counts": [2, 1, 2]}  # as many classes as there are labels
    maps = np.repeat(y, 6).reshape(6, 2, 3, 1)
    content = filled(Task("segmentation", (2, 3, 1), 3), maps, ignored=2)
    assert content.describe() == {"counts": [12, 6, 0]} and content.labels() is None and content.warnings() == []


@pytest.mark.parametrize("batch", [1, 4, 9])
def test_numbers(seeds, batch):
    y = seeds.normal(size=(9, 2)).astype("float32")
    content = filled(Task("regression", (2,), 2, "shift", ("row", "column")), y, batch=batch)
    assert content.examples == 9 and np.array_equal(content.numbers(), y) and content.warnings() == []
    for key, value in content.describe().items():
        wanted = {"mean": y.mean(0), "deviation": y.std(0), "smallest": y.min(0), "largest": y.max(0)}[key]
        np.testing.assert_allclose(value, wanted, rtol=1e-5)
    constant = filled(content.task, 0 * y)
    assert constant.warnings() == ["numbers of shift that are the same in all training examples: row, column"]


def test_labels(seeds):
    y = (seeds.uniform(size=(9, 3)) > [0.2, 0.5, 2]).astype("float32")
    content = filled(Task("multilabel", (3,), 3), y)
    assert content.describe() == {"counts": y.sum(0).astype(int).tolist()}
    assert content.warnings() == ["labels that no training example has: 2"]


def test_images(seeds):
    y = seeds.uniform(size=(9, 4, 4, 3))
    found = filled(Task("image", (4, 4, 3), 3), y).describe()
    np.testing.assert_allclose(found["mean"], y.mean((0, 1, 2)))
    assert found["largest"] == y.max()


def test_tasks_of_data():
    several = (Task(name="a"), Task("regression", (1,), 1, "b"))
    assert data_tasks(several, None, None) == list(several)
    assert data_tasks([Task("regression", (1,), 1, "", ("age",))], 1, None)[0].names == ("age",)
