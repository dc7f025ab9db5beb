"""Losses and metrics of one-hot labels, given integer labels by a config: NumPy's numbers from trainings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.training.label_targets import give_one_hot, label_range, one_hot_labels
from kzoo.training.trainer_building import build_trainer
from tests.training.small import config

CLASSES = 3
LABELS = np.array([0, 2, 1, 1, 0, 2, 2, 1])
P = np.random.default_rng(0).dirichlet(np.ones(CLASSES), len(LABELS)).astype("float32")
ONE_HOT = np.eye(CLASSES)[LABELS]


def f1():
    """Returns the F1 of each class, one prediction for each example."""
    hard = np.eye(CLASSES)[P.argmax(-1)]
    return 2 * (hard * ONE_HOT).sum(0) / (hard.sum(0) + ONE_HOT.sum(0))


def area(truth, scores):
    """Returns the area under the ROC curve: the share of pairs in the right order."""
    high, low = scores[truth == 1], scores[truth == 0]
    return (high[:, None] > low).mean()


def precise(thresholded=P > 0.5):
    return (thresholded * ONE_HOT).sum() / thresholded.sum()


def entropy(smoothing=0.0):
    return -((ONE_HOT * (1 - smoothing) + smoothing / CLASSES) * np.log(P)).sum(-1).mean()


LOSSES = {
    "CategoricalCrossentropy": ({}, entropy()),
    "CategoricalCrossentropy, smoothed": ({"label_smoothing": 0.2}, entropy(0.2)),
    "CategoricalFocalCrossentropy": ({}, (0.25 * (1 - P) ** 2 * -np.log(P) * ONE_HOT).sum(-1).mean()),
    "BinaryCrossentropy": ({}, -np.where(ONE_HOT == 1, np.log(P), np.log(1 - P)).mean()),
    "MeanSquaredError": ({}, ((P - ONE_HOT) ** 2).mean()),
    "KLDivergence": ({}, entropy()),
    "CategoricalHinge": ({}, np.maximum(0, 1 + (P * (1 - ONE_HOT)).max(-1) - (P * ONE_HOT).sum(-1)).mean()),
    "SparseCategoricalCrossentropy": ({}, entropy()),
    "SparseSquaredHinge": ({}, (np.maximum(0, 1 - (2 * ONE_HOT - 1) * P) ** 2).sum(-1).mean()),
    "CapsuleMarginLoss": (
        {},
        (ONE_HOT * np.maximum(0, 0.9 - P) ** 2 + 0.5 * (1 - ONE_HOT) * np.maximum(0, P - 0.1) ** 2).sum(-1).mean(),
    ),
}
METRICS = {
    "F1Score": ({"average": "macro"}, f1().mean()),
    "Precision": ({}, precise()),
    "Recall": ({}, ((P > 0.5) * ONE_HOT).sum() / len(LABELS)),
    "Recall, of class 2": ({"class_id": 2}, ((P > 0.5) * ONE_HOT)[:, 2].sum() / 3),
    "AUC": ({"num_thresholds": 5000}, area(ONE_HOT.ravel(), P.ravel())),
    "TopKCategoricalAccuracy": ({"k": 2}, np.mean([y in row.argsort()[-2:] for y, row in zip(LABELS, P)])),
    "CategoricalAccuracy": ({}, np.mean(P.argmax(-1) == LABELS)),
    "BinaryAccuracy": ({}, ((P > 0.5) == ONE_HOT).mean()),
    "OneHotMeanIoU": ({"num_classes": 3}, (f1() / (2 - f1())).mean()),
    "MeanIoU": ({"num_classes": 3, "sparse_y_pred": False}, (f1() / (2 - f1())).mean()),
    "SparseTopKCategoricalAccuracy": ({"k": 1}, np.mean(P.argmax(-1) == LABELS)),
    "SparseCategoricalCrossentropy": ({}, entropy()),
}


def measured(labels, outputs=P, loss="SparseCategoricalCrossentropy", loss_config=None, metrics=()):
    """Returns what a trainer reports of a model whose outputs are its inputs."""
    inputs = keras.Input(outputs.shape[1:])
    chosen = config(
        f"training.loss={{class_name: {loss}, config: {loss_config or {}}}}", f"training.metrics={list(metrics)}"
    )
    trainer = build_trainer(chosen, keras.Model(inputs, keras.layers.Identity()(inputs)))
    return trainer.evaluate(outputs, labels, return_dict=True, verbose=0)


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    settings, want = LOSSES[name]
    found = measured(LABELS, loss=name.partition(",")[0], loss_config=settings)
    assert found["loss"] == pytest.approx(want, rel=1e-4)
    assert found["accuracy"] == pytest.approx(np.mean(P.argmax(-1) == LABELS))  # of integers, as before
    column = measured(LABELS[:, None], loss=name.partition(",")[0], loss_config=settings)
    assert column["loss"] == pytest.approx(want, rel=1e-4)


def test_metrics():
    """All at once, because each training is compiled."""
    specs = [
        {"class_name": name.partition(",")[0], "config": {**settings, "name": f"metric{index}"}}
        for index, (name, (settings, _)) in enumerate(METRICS.items())
    ]
    found = measured(LABELS, metrics=specs)
    for index, (name, (_, want)) in enumerate(METRICS.items()):
        assert found[f"metric{index}"] == pytest.approx(want, abs=2e-3 if name == "AUC" else 1e-5), name


def test_one_output_of_two_classes():
    labels, scores = LABELS % 2, P[:, :1]
    found = measured(
        labels,
        scores,
        "BinaryCrossentropy",
        metrics=[
            "AUC",
            "Precision",
            {"class_name": "F1Score", "config": {"average": "micro", "threshold": 0.5}},
            "BinaryIoU",
        ],
    )
    assert found["loss"] == pytest.approx(-np.where(labels == 1, np.log(scores[:, 0]), np.log(1 - scores[:, 0])).mean())
    assert found["auc"] == pytest.approx(area(labels, scores[:, 0]), abs=0.02)
    hard = scores[:, 0] > 0.5
    assert found["precision"] == pytest.approx(labels[hard].mean() if hard.any() else 0)
    assert found["binary_io_u"] <= 1


def test_label_maps():
    """Precision of pixels, and smoothed labels, of maps (2, 2, 2) and (2, 2, 2, 1)."""
    maps = P.reshape(2, 2, 2, CLASSES)
    for labels in (LABELS.reshape(2, 2, 2), LABELS.reshape(2, 2, 2, 1)):
        found = measured(labels, maps, "CategoricalCrossentropy", {"label_smoothing": 0.2}, ["Precision"])
        assert found["loss"] == pytest.approx(entropy(0.2), rel=1e-4)
        assert found["precision"] == pytest.approx(precise())


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_encoding(dtype):
    np.testing.assert_array_equal(one_hot_labels(LABELS.astype(dtype), tf.zeros((8, CLASSES))), ONE_HOT)
    np.testing.assert_array_equal(one_hot_labels(LABELS[:, None].astype(dtype), tf.zeros((8, CLASSES))), ONE_HOT)
    np.testing.assert_array_equal(one_hot_labels(ONE_HOT, tf.zeros((8, CLASSES))), ONE_HOT)
    np.testing.assert_array_equal(one_hot_labels(LABELS, tf.zeros((8, 1))), LABELS[:, None])


def test_names_are_the_same_in_every_training():
    """Keras would call the second one of a process `precision_1`, and a run of two seeds could not be summarized."""
    specs = ["Precision", "AUC", "Precision", {"class_name": "Recall", "config": {"name": "r_1"}}]
    for _ in range(2):
        assert {*measured(LABELS, metrics=specs)} == {"loss", "accuracy", "precision", "auc", "precision_1", "r_1"}


def test_a_file_names_the_class_of_keras():
    metric = give_one_hot(keras.metrics.F1Score())
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is keras.metrics.F1Score and again.get_config() == metric.get_config()
    assert "update_state" not in vars(give_one_hot(keras.metrics.Mean())) and not label_range(again, "x", 3).ignored


def test_a_metric_of_several_numbers_is_refused():
    with pytest.raises(Refusal, match=r"training.metrics: f1_score expects one number, .*; received shape=\(3,\)"):
        measured(LABELS, metrics=["F1Score"])


class Embedding(keras.losses.Loss):
    """Takes labels that are no classes of the output."""

    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred * keras.ops.cast(y_true, "float32")[:, None], -1)


class Focal(keras.losses.CategoricalFocalCrossentropy):
    """A variant of a loss of one-hot labels."""


class Margin(keras.losses.SparseCategoricalCrossentropy):
    """A variant of a loss of integer labels."""


class Share(keras.metrics.Mean):
    """A metric of the user's."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_pred[:, 0], sample_weight)


def test_losses_of_the_users():
    """Their own take labels as they come; variants of Keras's take what these take."""
    y, p = np.array([0, 2, 1]), np.full((3, 3), 0.2, "float32")
    assert label_range(Embedding(), "x", 3) is None and label_range(Share(), "x", 3) is None
    assert float(give_one_hot(Embedding())(y, p)) == pytest.approx(0.2)
    assert label_range(Margin(), "x", 3).classes == label_range(Focal(), "x", 3).classes == 3
    expected = keras.losses.CategoricalFocalCrossentropy()(np.eye(3)[y], p)
    assert float(give_one_hot(Focal())(y, p)) == pytest.approx(float(expected))
    share = give_one_hot(Share())
    share.update_state(y, p)
    assert float(share.result()) == pytest.approx(0.2)
