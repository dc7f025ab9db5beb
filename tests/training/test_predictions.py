"""The collected predictions of a split, against scikit-learn and counts by hand."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from kzoo.training.predictions import ClassPredictions, MapPredictions


def filled(predictions, x, y, outputs, batch=7):
    """Returns predictions after all batches."""
    for start in range(0, len(x), batch):
        part = slice(start, start + batch)
        predictions.add(x[part], y[part], outputs[part])
    return predictions


@pytest.fixture
def outputs(seeds):
    """Labels of five classes, of which the last does not occur, and probabilities that often find them."""
    truth = seeds.integers(0, 4, 60)
    scores = seeds.uniform(size=(60, 5)) + 0.8 * np.eye(5)[truth]
    return truth, (scores / scores.sum(1, keepdims=True)).astype("float32")


def test_scores_of_classes_are_scikit_learns(outputs):
    truth, scores = outputs
    found = filled(ClassPredictions("test", 5), np.zeros((60, 2)), truth, scores)
    predicted = scores.argmax(1)
    assert found.size == 60 and np.array_equal(found.confusion, confusion_matrix(truth, predicted, labels=range(5)))
    wanted = np.array(precision_recall_fscore_support(truth, predicted, labels=range(5), zero_division=0))
    for one, (precision, recall, f1, support) in zip(found.per_class(), wanted.T):
        got = [each or 0 for each in (one.precision, one.recall, one.f1)]
        assert np.allclose(got, (precision, recall, f1)) and one.support == support
    missing = found.per_class()[4]
    assert missing.recall is None and (missing.precision is None) == (predicted != 4).all()


def test_the_worst_mistakes_whatever_the_batches(outputs):
    """Those whose class has the smallest probability next to the predicted one's."""
    truth, scores = outputs
    x, predicted = np.arange(60.0)[:, None], scores.argmax(1)
    margins = scores.max(1) - scores[np.arange(60), truth]
    wanted = sorted(np.flatnonzero(predicted != truth), key=lambda i: -margins[i])[:24]
    assert len(wanted) > 5
    for batch in (1, 7, 60):
        found = filled(ClassPredictions("test", 5), x, truth, scores, batch)
        assert [shown.number for shown in found.worst] == wanted
        for shown in found.worst:
            assert (shown.x[0], shown.truth) == (shown.number, truth[shown.number])
            assert shown.prediction == predicted[shown.number] and shown.score == scores[shown.number].max()


def test_rows_and_names(outputs):
    truth, scores = outputs
    names = ("a", "b", "c,d", 'e"')
    found = filled(ClassPredictions("test", 5, names), np.zeros((60, 2)), truth, scores)
    rows = list(found.rows())
    known = [*names, "4"]
    for row, true, one in zip(rows, truth, scores):
        assert row[:2] == (known[true], known[one.argmax()])
        assert np.allclose([float(text) for text in row[2:]], [one.max(), one[true]], rtol=1e-5)


def test_labels_that_are_no_class_are_not_counted():
    found = ClassPredictions("test", 3)
    found.add(np.zeros((3, 1)), np.array([[0], [-1], [7]]), np.eye(3)[[1, 0, 0]])
    assert found.support.tolist() == [1, 0, 0] and [shown.number for shown in found.worst] == [0]
    assert [row[3] for row in found.rows()] == ["0", None, None]


def test_one_output_is_the_second_of_two_classes():
    found = ClassPredictions("test", 2)
    found.add(np.zeros((4, 1)), np.array([0, 0, 1, 1]), np.array([[0.1], [0.9], [0.2], [0.5]]))
    assert found.confusion.tolist() == [[1, 1], [2, 0]]  # 0.5 is not above the threshold
    assert [shown.number for shown in found.worst] == [1, 2, 3]


def test_many_classes_have_no_matrix():
    found = ClassPredictions("test", 101)
    found.add(np.zeros((2, 1)), np.array([100, 3]), np.eye(101)[[100, 4]])
    assert found.confusion is None and found.per_class()[100].f1 == 1


def test_label_maps(seeds):
    truth = seeds.integers(0, 4, (9, 3, 2, 1))  # 3 is no class
    outputs = seeds.uniform(size=(9, 3, 2, 3)) + np.eye(4)[truth[..., 0]][..., :3]
    outputs[4] = np.eye(4)[truth[4, ..., 0]][..., :3]  # without a mistake
    truth[8] = 3
    x, predicted = seeds.uniform(size=(9, 3, 2, 3)), outputs.argmax(-1)
    found = filled(MapPredictions("test", 3, None, 9), x, truth, outputs, batch=4)
    flat, of_pixels = truth.ravel(), predicted.ravel()
    counted = flat < 3
    assert np.array_equal(found.confusion, confusion_matrix(flat[counted], of_pixels[counted], labels=range(3)))
    hits = np.diag(found.confusion)
    unions = found.confusion.sum(0) + found.confusion.sum(1) - hits
    assert np.allclose([one.iou for one in found.per_class()], hits / unions)
    pixels = [(one < 3).sum() for one in truth]
    wrong = [((one[..., 0] < 3) & (one[..., 0] != other)).sum() for one, other in zip(truth, predicted)]
    rows = list(found.rows())
    assert [row[:2] for row in rows] == list(zip(pixels, wrong)) and rows[8][2] is None
    share = np.array(wrong) / np.maximum(pixels, 1)
    assert [shown.number for shown in found.worst] == sorted(np.flatnonzero(share), key=lambda i: -share[i])[:6]
    assert [shown.number for shown in found.sample] == [0, 1, 3, 4, 6, 8]
    assert np.array_equal(found.sample[2].x, x[3]) and np.array_equal(found.sample[2].truth, truth[3, ..., 0])
