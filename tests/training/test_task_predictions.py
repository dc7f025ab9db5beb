"""Predictions of numbers, labels, images and several outputs, and which of them an output has."""

import types

import numpy as np
import pytest
from sklearn.metrics import multilabel_confusion_matrix

from kzoo.data.examples import Examples
from kzoo.data.mock_data import mock
from kzoo.training.evaluation import evaluate
from kzoo.training.model_building import build_model
from kzoo.training.predictions import ClassPredictions, MapPredictions
from kzoo.training.task_predictions import (
    ImagePredictions,
    LabelPredictions,
    NumberPredictions,
    OutputPredictions,
    predictions_for,
)
from kzoo.training.trainer_building import build_trainer
from tests.training.conftest import signals_config
from tests.training.test_predictions import filled


def test_numbers(seeds):
    y, outputs = seeds.normal(size=(2, 20, 3)).astype("float32")
    found = filled(NumberPredictions("test", 3), np.zeros((20, 2)), y, outputs)
    assert found.size == 20 and found.columns[:3] == ("truth_1", "prediction_1", "truth_2")
    rows = np.array(list(found.rows()), float)
    np.testing.assert_allclose(rows[:, ::2], y, rtol=1e-5)
    np.testing.assert_allclose(rows[:, 1::2], outputs, rtol=1e-5)
    assert NumberPredictions("test", 1).columns == ("truth", "prediction")
    assert NumberPredictions("test", 1, ["age"]).columns == ("truth_age", "prediction_age")


def test_labels_are_scikit_learns(seeds):
    y = (seeds.uniform(size=(40, 4)) > [0.3, 0.5, 0.7, 1]).astype("float32")
    scores = seeds.uniform(size=(40, 4)).astype("float32")
    scores[0, :2] = 0.5  # is not above a half
    found = filled(LabelPredictions("test", 4, ["a", "b", "c", "d"]), np.zeros((40, 2)), y, scores)
    for one, ((_, wrong), (missed, hits)) in zip(found.per_class(), multilabel_confusion_matrix(y, scores > 0.5)):
        assert one.support == hits + missed and (one.precision or 0) == hits / max(1, hits + wrong)
        assert (one.recall or 0) == hits / max(1, hits + missed) and one.iou == hits / (hits + wrong + missed)
    for (truth, prediction, *rest), flags, of_example in zip(found.rows(), y, scores):
        assert truth == "; ".join(name for name, flag in zip("abcd", flags) if flag)
        assert prediction == "; ".join(name for name, score in zip("abcd", of_example) if score > 0.5)
        np.testing.assert_allclose(np.array(rest, float), of_example, rtol=1e-5)


def test_images(seeds):
    y = seeds.integers(0, 256, (9, 4, 3, 1)).astype("uint8")
    outputs = seeds.uniform(0, 255, (9, 4, 3, 1)).astype("float16")
    found = filled(ImagePredictions("test"), y, y, outputs, batch=4)
    wanted = np.abs(outputs.astype(float) - y).mean((1, 2, 3))
    np.testing.assert_allclose([float(error) for (error,) in found.rows()], wanted, rtol=1e-4)


def test_several_outputs_side_by_side():
    parts = {"digit": ClassPredictions("test", 2), "shift": NumberPredictions("test", 1)}
    found = OutputPredictions("test", parts)
    for start in (0, 2):
        part = slice(start, start + 2)
        found.add(np.zeros((2, 1)), [np.arange(4)[part] % 2, np.arange(4.0)[part, None]], [np.eye(2), np.ones((2, 1))])
    assert found.size == 4 and found.outputs == 2
    assert found.columns[:2] == ("digit_truth", "digit_prediction") and found.columns[4:] == (
        *("shift_truth", "shift_prediction"),
    )
    assert list(found.rows())[3] == ("1", "1", "1", "1", "3", "1")


@pytest.mark.parametrize(
    "outputs, labels, classes, kind",
    [
        ((3,), (), 3, ClassPredictions),
        ((3,), (1,), 3, ClassPredictions),
        ((1,), (), 2, ClassPredictions),
        ((1,), (), 7, None),  # one number for seven classes
        ((1,), (), None, None),
        ((3,), (3,), None, None),  # several numbers
        ((4, 5, 3), (4, 5, 1), None, MapPredictions),
        ((4, 5, 3), (4, 5), None, MapPredictions),
        ((4, 5, 1), (4, 5, 1), None, None),
        ((4, 5, 3), (), 3, None),
    ],
)
def test_which_outputs_are_classes(outputs, labels, classes, kind):
    config = types.SimpleNamespace(data=types.SimpleNamespace(targets=None))
    model = types.SimpleNamespace(output_names=["a"], outputs=[types.SimpleNamespace(shape=(None, *outputs))])
    split = Examples.from_arrays(np.zeros((2, 1)), np.zeros((2, *labels), "int32"))
    data = types.SimpleNamespace(classes=classes, class_names=None)
    found = predictions_for(config, "test", split, model, data)
    assert found is None if kind is None else type(found) is kind
    config.data.targets = ["x"]
    assert type(predictions_for(config, "test", split, model, data)) is ImagePredictions


def test_predictions_of_an_evaluation_are_those_of_its_error(arrays):
    """In one pass; further evaluations do not add to them, and their results stay the same."""
    config = signals_config(arrays, "training.steps_per_call=1", "data.batch_size=7")
    data = mock((12, 1), 3, size=45)
    model = build_model(config, (12, 1), 3)
    trainer = build_trainer(config, model)
    before = evaluate(trainer, data.test, config)
    predictions = predictions_for(config, "test", data.test, model, data)
    scores = evaluate(trainer, data.test, config, "it", predictions)
    assert scores == before == evaluate(trainer, data.test, config)
    x, y = data.test.numpy()
    outputs = model.predict(x, verbose=0)
    assert predictions.size == 45 and scores["error"] == pytest.approx((outputs.argmax(1) != y).mean(), abs=1e-6)
    assert [int(row[1]) for row in predictions.rows()] == outputs.argmax(1).tolist()
    for shown in predictions.worst:
        assert np.array_equal(shown.x, x[shown.number])
    assert "recorded" not in scores
