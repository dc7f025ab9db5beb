"""Targets of .npz files: numbers, labels, images and several of them, as loaded, resized, described and refused."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.loader import load
from kzoo.data.mock_data import mock_like
from kzoo.data.npz_targets import convert_target
from kzoo.task import Task

X = np.random.default_rng(0).normal(size=(6, 8, 10, 3)).astype("float32")
FLAGS = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]])
NUMBERS = np.arange(12.0).reshape(6, 2) / 4


def save(folder, **columns):
    path = folder / "it.npz"
    np.savez(path, x_train=X, **columns)
    return path


def in_order(data):
    """Returns the training targets in the order of the file."""
    x, y = data.train.numpy()
    rows = [int(np.flatnonzero((one == X).all((1, 2, 3)))[0]) for one in x]
    order = np.argsort(rows)
    return {name: part[order] for name, part in y.items()} if isinstance(y, dict) else y[order]


def test_numbers(tmp_path):
    data = load(arrays=save(tmp_path, y_train=NUMBERS), losses="values")
    assert data.tasks == (Task("regression", (2,), 2, low=0.0, high=2.75),) and data.classes == 2
    np.testing.assert_array_equal(in_order(data), NUMBERS.astype("float32"))
    assert load(arrays=save(tmp_path, y_train=NUMBERS[:, 0]), losses="values").train.label_shape == (1,)
    whole = save(tmp_path, y_train=np.arange(6))
    assert load(arrays=whole, losses="values").tasks[0].kind == "classification"
    assert load(arrays=whole, losses="values", outputs=1).tasks[0] == Task("regression", (1,), 1, low=0.0, high=5.0)
    assert load(arrays=whole, task="regression").tasks[0].kind == "regression"
    assert data.fingerprint["targets"] == {"": ["regression", 2]}
    assert "targets" not in load(arrays=whole).fingerprint


@pytest.mark.parametrize("dtype", [bool, "int64", "float32"])
def test_labels(tmp_path, dtype):
    names = np.array(["cat", "dog", "cow"])
    data = load(arrays=save(tmp_path, y_train=FLAGS.astype(dtype), y_names=names), losses="flags")
    assert data.tasks == (Task("multilabel", (3,), 3, "", ("cat", "dog", "cow"), 0.0, 1.0),)
    np.testing.assert_array_equal(in_order(data), FLAGS)
    assert data.train.numpy()[1].dtype == "float32" and data.class_names == ("cat", "dog", "cow")


def test_images(tmp_path):
    """Of 8 bits they keep their dtype, and with their inputs they are resized."""
    y = np.random.default_rng(1).integers(0, 256, (6, 8, 10, 3)).astype("uint8")
    path = save(tmp_path, y_train=y)
    data = load(arrays=path, losses="values")
    np.testing.assert_array_equal(in_order(data), y)
    assert data.tasks[0].shape == (8, 10, 3) and data.train.numpy()[1].dtype == "uint8"
    resized = load(arrays=path, losses="values", image_size=(4, 5))
    assert resized.train.numpy()[1].shape == (6, 4, 5, 3) and resized.tasks[0].shape == (4, 5, 3)
    assert resized.tasks == resized.train.tasks
    grey = load(arrays=save(tmp_path, y_train=y[..., 0] / 255), losses="flags")
    assert grey.tasks[0].kind == "image" and grey.train.label_shape == (8, 10, 1)


def test_several(tmp_path):
    """In the file's order; the targets of each split are those of its examples."""
    columns = {"y_train_shift": NUMBERS, "y_train_digit": np.arange(6) % 3, "w_train": np.arange(1.0, 7)}
    test = {"x_test": X[:2], "y_test_shift": NUMBERS[:2], "y_test_digit": np.array([1, 3])}
    path = save(tmp_path, **columns, **test, y_names_shift=np.array(["row", "column"]))
    losses = {"digit": "labels", "shift": "values"}
    data = load(arrays=path, losses=losses, validation=2)
    assert [task.name for task in data.tasks] == ["shift", "digit"] and data.classes is None
    assert data.tasks[0].names == ("row", "column") and data.tasks[1] == Task("classification", (), 4, "digit")
    found = in_order(load(arrays=path, losses=losses))
    np.testing.assert_array_equal(found["shift"], NUMBERS.astype("float32"))
    np.testing.assert_array_equal(found["digit"], np.arange(6) % 3)
    batch = next(iter(data.train.batches(2, seed=3).take(1)))
    assert batch[1]["shift"].shape == (2, 2) and batch[1]["digit"].shape == (2,) and len(batch) == 3
    mocked = mock_like(arrays=path, losses=losses, size=5)
    x, y = mocked.train.numpy()
    assert y["shift"].shape == (5, 2) and y["digit"].dtype == "int32" and mocked.tasks == data.tasks
    assert y["shift"].min() >= 0 and y["shift"].max() <= 2.75 and data.train.label_shape == {"shift": (2,), "digit": ()}


REFUSED = [
    (
        {"y_train": NUMBERS[:, 0]},
        "labels",
        r"whole numbers in y_train, which the loss takes as classes; received y_train\[1\]=0.5",
    ),
    ({"y_train": FLAGS}, "labels", r"y_train of shape \(N,\), one class number per example"),
    (
        {"y_train": NUMBERS},
        "flags",
        r"0 and 1, for each label whether it is there, in y_train; received y_train\[0, 1\]",
    ),
    ({"y_train": np.eye(6)}, "values", r"class numbers in y_train; received one-hot ones: store np.argmax\(y_train"),
    ({"y_train": np.full((6, 2), np.nan)}, "values", r"finite float32 numbers in y_train; received y_train\[0\]=nan"),
    ({"y_train": np.full((6, 1), 1e300)}, "values", r"finite float32 numbers in y_train; received y_train\[0\]=inf"),
    ({"y_train": np.full((6, 2), "a")}, "values", "numbers in y_train; received dtype="),
    ({"y_train": np.ones((6, 0))}, "values", r"y_train of shape \(N,\) or \(N, numbers\); received shape=\(6, 0\)"),
    (
        {"y_train": NUMBERS, "y_names": np.array(["a"])},
        "values",
        r"y_names of 2 texts, one each; received shape=\(1,\)",
    ),
    ({"y_train": NUMBERS, "y_names": np.arange(2)}, "values", "y_names of 2 texts, one each; .* dtype='int64'"),
    ({"y_train_a": NUMBERS, "x_test": X}, "values", "arrays with y_test_a; received"),
    ({"y_train_a": NUMBERS}, {"b": "values"}, r"losses expects names among a; received names=\['b'\]"),
    ({"y_train": NUMBERS, "x_test": X, "y_test": NUMBERS[:, :1]}, "values", r"y_test of the shape of y_train, \(2,\)"),
    ({"y_train": X, "w_train": np.ones(6)}, "values", r"w_train of shape \(N,\), one weight per example"),
]


@pytest.mark.parametrize(("columns", "losses", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, columns, losses, words):
    with pytest.raises(Refusal, match=words):
        load(arrays=save(tmp_path, **columns), losses=losses)


def test_other_arrays_than_of_the_only_target_are_left_out(tmp_path, capsys):
    data = load(arrays=save(tmp_path, y_train=np.arange(6), y_train_other=NUMBERS))
    assert data.classes == 6 and "arrays of other names, such as 'y_train_other' (1)" in capsys.readouterr().err


def test_tasks_only_of_arrays(tmp_path):
    with pytest.raises(Refusal, match="load expects task: regression only for arrays; received name='digits'"):
        load("digits", task="regression")
    with pytest.raises(Refusal, match="task, one of classification, .*; received task='dream'"):
        load(arrays=save(tmp_path, y_train=NUMBERS), task="dream")
    with pytest.raises(Refusal, match=r"one label per example to stratify; received tasks=\['regression'\]"):
        load(arrays=save(tmp_path, y_train=NUMBERS), losses="values", validation=2, stratify=True)


def test_series_and_their_targets_of_the_same_length():
    y = np.zeros((4, 30))
    assert (
        convert_target("image", "y", y, 3).shape == (4, 30, 1)
        and convert_target("regression", "y", y, 3).shape[1] == 30
    )
