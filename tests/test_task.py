"""Which task targets and losses mean, the records of tasks, and options for each target."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.task import KINDS, Task, choose, infer_kind, outputs_of, read_tasks, recorded

WHOLE, FLOATS, FLAGS = np.array([0, 3, 1]), np.array([0.5, 1.0, 2.0]), np.array([[0, 1], [1, 1], [0, 0]])
MAPS, IMAGES = np.zeros((3, 4, 5, 1), "uint8"), np.zeros((3, 4, 5, 3), "float32")
KINDS_OF = {  # (targets, what the loss takes): the task
    "whole numbers": (WHOLE, ["classification", "classification", "classification"]),
    "floats": (FLOATS, ["classification", "classification", "regression"]),  # the first two are refused as labels
    "one column": (FLOATS[:, None], ["classification", "classification", "regression"]),
    "flags": (FLAGS, ["classification", "multilabel", "regression"]),
    "numbers": (np.ones((3, 2)) / 2, ["classification", "multilabel", "regression"]),
    "maps": (MAPS, ["segmentation", "segmentation", "image"]),
    "images": (IMAGES, ["segmentation", "image", "image"]),
}


@pytest.mark.parametrize("name", KINDS_OF)
def test_kinds(name):
    y, kinds = KINDS_OF[name]
    assert [infer_kind(y, takes) for takes in ("labels", "flags", "values")] == kinds
    assert infer_kind(y) in ("classification", "segmentation")


def test_one_output_of_a_loss_of_numbers_takes_whole_numbers():
    assert infer_kind(WHOLE, "values", outputs=1) == "regression"
    assert infer_kind(WHOLE, "values", outputs=4) == infer_kind(WHOLE, "labels", outputs=1) == "classification"


def test_records():
    tasks = (Task("multilabel", (2,), 2, "a", ("cat", "dog"), 0, 1), Task("classification", (), 3, "b"))
    again = read_tasks(recorded(tasks))
    assert again[0] == Task("multilabel", (2,), 2, "a", ("cat", "dog")) and again[1] == Task(name="b")
    assert recorded([Task()]) == recorded([Task("segmentation", (4, 4, 1))]) == recorded([]) == {}
    assert read_tasks({}) == read_tasks({"tasks": None}) == ()
    assert outputs_of(tasks) == ["a", "b"] and outputs_of([Task()]) is outputs_of([]) is None
    for damaged in ({"tasks": [3]}, {"tasks": [{"kind": "dream"}]}):
        with pytest.raises(ValueError, match="other content"):
            read_tasks(damaged)
    assert all(Task(kind).of_classes == (kind in ("classification", "segmentation")) for kind in KINDS)


def test_options_for_each_target():
    assert choose(3, ["a", "b"], "it") == [3, 3] and choose(None, [""], "it") == [None]
    with pytest.raises(Refusal, match=r"it expects names among a, b; received names=\['c'\]"):
        choose({"c": 1}, ["a", "b"], "it")
    with pytest.raises(Refusal, match="it expects one entry for each of a, b; received entries=1"):
        choose([1], ["a", "b"], "it")
