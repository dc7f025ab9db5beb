"""predictions.csv, classes.csv, the pictures of a run, and the table of its card."""

import csv
import types

import keras
import numpy as np

from kzoo.training.prediction_files import LISTED, class_table, write_filters, write_predictions
from kzoo.training.predictions import ClassPredictions, MapPredictions
from kzoo.training.task_predictions import LabelPredictions, NumberPredictions

NAMES = ("sky, above", "a|b", "c$x$")


def read(file):
    with open(file, newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_of_classes(tmp_path):
    found = ClassPredictions("test", 3, NAMES)
    found.add(
        np.random.default_rng(0).uniform(size=(4, 6, 6, 1)), np.array([0, 1, 1, 0]), np.eye(3)[[0, 1, 0, 0]] * 0.75
    )
    split = types.SimpleNamespace(files=["a/1.png", "b/2,.png", "b/3.png", "a/4.png"])
    write_predictions(found, split, r"a $\fra$ [b]", tmp_path)
    rows = read(tmp_path / "predictions.csv")
    assert [row["file"] for row in rows] == split.files and [row["index"] for row in rows] == list("0123")
    assert rows[2] == {
        **{"index": "2", "file": "b/3.png", "truth": "a|b", "prediction": "sky, above", "score": "0.75"},
        "score_of_truth": "0",
    }
    classes = read(tmp_path / "classes.csv")
    assert [row["class"] for row in classes] == list(NAMES)
    assert classes[0] == {
        **{"class": "sky, above", "precision": "0.666667", "recall": "1", "f1": "0.8", "iou": "0.666667"},
        "support": "2",
    }
    assert classes[2]["precision"] == classes[2]["recall"] == "" and classes[2]["support"] == "0"
    assert {path.name for path in tmp_path.iterdir()} == {
        *("predictions.csv", "classes.csv", "confusion.png", "mistakes.png")
    }
    lines = class_table(found)
    assert lines[:3] == ["## Classes", "", "| class | precision | recall | F1 | examples |"]
    assert lines[5] == "| a\\|b | 1.000 | 0.500 | 0.667 | 2 |" and lines[6] == "| c$x$ | - | - | - | 0 |"


def test_without_files_and_without_mistakes(tmp_path):
    found = ClassPredictions("test", 2)
    found.add(np.zeros((2, 5, 1)), np.array([0, 1]), np.eye(2))
    write_predictions(found, types.SimpleNamespace(files=None), "it", tmp_path)
    assert list(read(tmp_path / "predictions.csv")[0]) == ["index", "truth", "prediction", "score", "score_of_truth"]
    assert not (tmp_path / "mistakes.png").exists()


def test_of_label_maps(tmp_path):
    found = MapPredictions("test", 3, NAMES, 2)
    y = np.zeros((2, 4, 5, 1), int)
    y[0, 0], y[1, :, 0] = 7, 1  # 7 is no class
    found.add(np.zeros((2, 4, 5, 3)), y, np.eye(3)[np.zeros((2, 4, 5), int)])
    write_predictions(found, types.SimpleNamespace(files=None), "it", tmp_path)
    rows = [tuple(row.values()) for row in read(tmp_path / "predictions.csv")]
    assert rows == [("0", "15", "0", "0"), ("1", "20", "4", "0.2")]
    assert (tmp_path / "maps.png").exists() and (tmp_path / "mistakes.png").exists()
    assert class_table(found)[4] == "| sky, above | 0.886 | 1.000 | 0.939 | 0.886 | 31 |"


def test_of_labels_and_of_numbers(tmp_path):
    found = LabelPredictions("test", 2, ["a|b", "c"])
    found.add(np.zeros((2, 1)), np.array([[1, 1], [0, 1]]), np.array([[0.75, 0.25], [0.25, 1]]))
    split = types.SimpleNamespace(files=["1.png", "2.png"])
    assert write_predictions(found, split, "it", tmp_path) == ["predictions.csv", "classes.csv"]
    assert [row["prediction"] for row in read(tmp_path / "predictions.csv")] == ["a|b", "c"]
    assert [row["recall"] for row in read(tmp_path / "classes.csv")] == ["1", "0.5"]
    assert class_table(found)[:3] == ["## Labels", "", "| label | precision | recall | F1 | examples |"]
    numbers = NumberPredictions("test", 1)
    numbers.add(np.zeros((2, 1)), np.array([[1], [2]]), np.array([[1], [3]]))
    assert write_predictions(numbers, split, "it", tmp_path) == ["predictions.csv"]
    assert read(tmp_path / "predictions.csv")[1] == {"index": "1", "file": "2.png", "truth": "2", "prediction": "3"}


def test_the_table_of_many_classes_has_the_worst():
    found = ClassPredictions("test", 40)
    found.add(np.zeros((40, 1)), np.arange(40), np.eye(40)[[*range(1, 5), *range(4, 40)]])
    lines = class_table(found)
    assert lines[2] == f"The {LISTED} of 40 classes with the lowest F1; `classes.csv` has all:"
    assert [line.split()[1] for line in lines[6:10]] == ["0", "1", "2", "3"] and len(lines) == LISTED + 6


def test_filters(tmp_path):
    inputs = keras.Input((8, 8, 3))
    write_filters(keras.Model(inputs, keras.layers.Dense(2)(inputs)), tmp_path)
    assert not list(tmp_path.iterdir())
    write_filters(keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs)), tmp_path)
    assert (tmp_path / "filters.png").read_bytes().startswith(b"\x89PNG")
