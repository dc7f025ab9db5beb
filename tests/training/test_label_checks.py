"""Labels that a loss or metric does not accept: found before training, or in the batch of a streamed split."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.examples import Examples
from kzoo.data.mock_data import mock
from kzoo.training.evaluation import evaluate
from kzoo.training.label_checks import LabelChecks, label_errors
from kzoo.training.label_targets import LabelRange
from kzoo.training.losses_and_metrics import label_checks
from kzoo.training.seed_run import train_seed
from kzoo.training.trainer_building import build_trainer
from tests.training.small import TWO, config, two_headed

VOID = "SparseCategoricalCrossentropy expects labels from 0 to 10; received split='validation', index=(3, 5, 7, 0)"


def maps_with_a_void_label(at):
    """Returns data of label maps with 11 classes in which the label 11 occurs once in the validation split."""
    data = mock((24, 32, 3), None, size=6, label_shape=(24, 32, 1))
    labels = np.zeros((6, 24, 32, 1), "int32")
    labels[at] = 11
    return dataclasses.replace(data, validation=Examples.from_arrays(np.zeros((6, 24, 32, 3), "float32"), labels))


def test_a_void_label_is_refused_before_training(tmp_path):
    sets = ["training.loss=SparseCategoricalCrossentropy", "training.metrics=[]", "training.jit_compile=false"]
    sets += ["model.width=0.05", "model.fc_units=2", "export.formats=[]", "data.preprocess=[]", "training.epochs=1"]
    data = maps_with_a_void_label((3, 5, 7))
    with pytest.raises(Refusal) as caught:
        train_seed(read_config("small_dilated", sets), 0, tmp_path, "it", data)
    assert str(caught.value) == f"training.loss: {VOID}, value=11."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sets, ranges",
    [
        ("training.loss=SparseCategoricalCrossentropy", [("training.loss: SparseCategoricalCrossentropy", 10, None)]),
        (
            "training.loss={class_name: SparseCategoricalCrossentropy, config: {ignore_class: 255}}",
            [("training.loss: SparseCategoricalCrossentropy", 10, 255)],
        ),
        (
            "training={epochs: 1, optimizer: SGD, "
            "loss: {class_name: WeightedCrossentropy, config: {ignore_class: 11}}, "
            "metrics: [F1Score, {class_name: MeanIoU, config: {num_classes: 9, ignore_class: 8}}, Mean, "
            "SparseCategoricalAccuracy]}",
            [
                ("training.loss: WeightedCrossentropy", 10, 11),
                ("training.metrics: F1Score", 10, None),
                ("training.metrics: MeanIoU", 9, 8),
            ],
        ),
        ("training.loss=Circle", []),
    ],
    ids=["plain", "ignored", "metrics", "embeddings"],
)
def test_ranges(sets, ranges):
    inputs = keras.Input((4,))
    found = label_checks(config(sets), keras.Model(inputs, keras.layers.Dense(10)(inputs))).ranges
    assert [(each.who, each.classes, each.ignored) for each in found] == ranges


def test_ranges_of_one_and_of_two_outputs():
    inputs = keras.Input((4,))
    binary = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    assert label_checks(config("training.loss=BinaryCrossentropy"), binary).ranges[0].classes == 2
    assert label_checks(config("training.loss=MeanSquaredError"), binary).ranges == []  # of numbers, not of classes
    (only,) = label_checks(config(*TWO), two_headed()).ranges  # the other output's target is no label
    assert only == LabelRange("training.loss: SparseCategoricalCrossentropy", 3)


def split(labels, memory=None):
    x = np.zeros((len(labels), 4), "float32")
    dataset = tf.data.Dataset.from_tensor_slices((x, labels))
    return Examples(dataset, len(labels), memory=memory)


def test_the_first_place_of_many_batches():
    labels = np.zeros(2500, "int32")
    labels[[2300, 2400]] = -1, 3
    with pytest.raises(Refusal, match=r"split='train', index=\(2300,\), value=-1"):
        LabelChecks([LabelRange("training.loss: X", 3)]).check_split("train", split(labels))
    LabelChecks([LabelRange("training.loss: X", 3)]).check_split("train", split(labels.clip(0, 2)))


def test_streamed_splits():
    """The first batch is checked before training, and every batch where it is read."""
    checks = LabelChecks([LabelRange("training.loss: X", 3, 255)])
    labels = np.array([0, 255, 2, 1] * 500)
    labels[1500] = 3
    streamed = split(labels, memory=0)
    checks.check_split("train", streamed)
    with pytest.raises(Refusal, match=r"index=\(2,\), value=7"):
        checks.check_split("train", split(np.array([0, 1, 7]), memory=0))
    read = 0
    with pytest.raises(Refusal) as caught, label_errors():
        for _, y in checks.watch(streamed.once(500), streamed, "train"):
            read += len(y)
    expected = "training.loss: X expects labels from 0 to 2 or 255; received split='train', value=3."
    assert str(caught.value) == expected and read == 1500


def test_a_streamed_split_in_fit_and_in_evaluate():
    chosen = config()
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(inputs))
    trainer, streamed = build_trainer(chosen, model), split(np.array([0, 1, 2, 5]), memory=0)
    dataset = label_checks(chosen, model).watch(streamed.batches(2), streamed, "train")
    words = "SparseCategoricalCrossentropy expects labels from 0 to 2; received split='{}', value=5."
    with pytest.raises(Refusal) as caught, label_errors():
        trainer.fit(dataset, steps_per_epoch=2, verbose=0)
    assert str(caught.value).endswith(words.format("train"))
    with pytest.raises(Refusal) as caught:
        evaluate(trainer, streamed, chosen)
    assert str(caught.value).endswith(words.format("the data"))
