"""Records of predictions: the most probable classes, or the classes of most pixels."""

import json
from pathlib import Path

import numpy as np

from kzoo.export.predict import Prediction
from kzoo.export.records import most_probable, record_of


def test_scores():
    prediction = Prediction(Path("a/x.npy"), 4, np.float32([0.2, 0.7, 0.1]), 3)
    record = record_of(prediction, ["cat", "dog", "cow"], 2)
    assert json.loads(json.dumps(record)) == {
        "file": "a/x.npy",
        "index": 4,
        "top": [{"class": 1, "label": "dog", "score": 0.7}, {"class": 0, "label": "cat", "score": 0.2}],
    }
    assert len(record_of(prediction, None, 9)["top"]) == 3


def test_equal_scores_are_in_the_order_of_the_classes():
    assert [one["class"] for one in most_probable(np.float32([0.5, 0.5, 0]), None, 3)] == [0, 1, 2]


def test_scores_have_the_digits_of_their_dtype():
    for score in (np.float32(1 / 3), np.float64(1 / 3)):
        (one,) = most_probable(np.array([score]), None, 1)
        assert score.dtype.type(one["score"]) == score and len(str(one["score"])) <= len(str(score))


def test_label_maps():
    record = record_of(Prediction(Path("a.png"), None, np.array([[1, 1, 0]]), 3), None, 5)
    assert record["shares"] == [
        {"class": 1, "label": None, "share": 2 / 3},
        {"class": 0, "label": None, "share": 1 / 3},
    ]
    assert json.dumps(record) and record["index"] is None
