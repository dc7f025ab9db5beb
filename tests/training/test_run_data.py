"""Samples of a config's data."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.mock_data import mock
from kzoo.training import run_data
from kzoo.training.evaluation import evaluate
from kzoo.training.losses_and_metrics import label_checks
from kzoo.training.model_batches import map_inputs_and_targets
from kzoo.training.model_building import build_model
from kzoo.training.run_data import load_data, load_mock_data, sample, verification_data
from kzoo.training.trainer_building import build_trainer
from tests.training.conftest import signals_config


def test_sample():
    split = mock((2,), 3, size=5).test
    assert [len(part) for part in sample(split)] == [5, 5] and [len(part) for part in sample(split, 3)] == [3, 3]
    np.testing.assert_array_equal(sample(split, 3)[0], split.numpy()[0][:3])


def test_names_of_classes(arrays):
    assert load_data(signals_config(arrays)).class_names is None
    data = load_data(signals_config(arrays, "data.class_names=[a, b, c]"))
    assert data.class_names == ("a", "b", "c")
    with pytest.raises(Refusal, match="^data.class_names expects one name for each of the 3 classes; received names=2"):
        load_data(signals_config(arrays, "data.class_names=[a, b]"))


def test_errors_of_the_data_name_the_part_of_the_config(arrays):
    with pytest.raises(Refusal, match="^data expects test and validation that leave examples for training; received"):
        load_data(signals_config(arrays, "data.test=20", "data.validation=25"))
    with pytest.raises(Refusal, match="^data expects arrays, an .npz file; received arrays='none.npz'"):
        load_mock_data(signals_config("none.npz"), 7)


def test_mock_data_has_the_shapes_of_the_data(arrays):
    data, like = load_data(signals_config(arrays)), load_mock_data(signals_config(arrays), 7)
    assert like.train.size == 7 and (like.input_shape, like.classes) == (data.input_shape, data.classes)


def test_weights_of_examples_count_in_losses(tmp_path):
    """Of training and evaluation, as Keras weighs them: the sum of weight * loss over the number of examples."""
    draw = np.random.default_rng(0)
    x, y, w = draw.normal(size=(40, 12, 1)), np.arange(40) % 3, draw.uniform(0, 3, 40)
    np.savez(tmp_path / "it.npz", x_train=x, y_train=y, w_train=w, x_val=x[:9], y_val=y[:9], w_val=w[:9])
    sets = ["data.validation=val", "data.batch_size=40", "training.steps_per_call=1", "training.steps_per_epoch=1"]
    config = signals_config(tmp_path / "it.npz", *sets)
    data = load_data(config)
    model = build_model(config, data.input_shape, data.classes)
    trainer = build_trainer(config, model)

    def expected(x, y, w):
        return float(np.mean(-np.log(model.predict(x, verbose=0)[np.arange(len(y)), y]) * w))

    assert evaluate(trainer, data.validation, config)["loss"] == pytest.approx(expected(x[:9], y[:9], w[:9]), rel=1e-5)
    whole = expected(x, y, w)
    assert evaluate(trainer, data.train, config)["loss"] == pytest.approx(whole, rel=1e-5)
    batches = map_inputs_and_targets(config, model, data.train.batches(40))
    history = trainer.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0).history
    assert history["loss"] == [pytest.approx(whole, rel=1e-5)]
    looped = build_trainer(signals_config(tmp_path / "it.npz", *sets[:2], "training.steps_per_epoch=2"), model)
    looped.fit(batches.batch(2), steps_per_epoch=1, shuffle=False, verbose=0)
    reconstructing = signals_config(tmp_path / "it.npz", "data.targets=[x]")
    with pytest.raises(Refusal, match="data.targets expects y only, for weighted examples"):
        map_inputs_and_targets(reconstructing, model, data.train.batches(40))


@pytest.mark.parametrize(
    "void, loss",
    [(255, "SparseCategoricalCrossentropy"), (-1, "kzoo>WeightedCrossentropy"), (1, "SparseCategoricalCrossentropy")],
)
def test_ignored_labels_count_neither_in_losses_nor_in_metrics(tmp_path, void, loss):
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, (6, 8, 8))
    y[draw.random(y.shape) < 0.4] = void
    y[0] = void  # a whole image
    np.savez(tmp_path / "it.npz", x_train=draw.normal(size=(6, 8, 8, 1)), y_train=y)
    iou = "{class_name: MeanIoU, config: {num_classes: 3, sparse_y_pred: false, name: iou}}"
    sets = [f"data={{arrays: '{tmp_path}/it.npz', batch_size: 6, ignore_label: {void}}}", "training.steps_per_call=1"]
    config = read_config("small_segnet", [*sets, "training.metrics=[" + iou + "]", f"training.loss={loss}"])
    data = load_data(config)
    inputs = keras.Input(data.input_shape)
    model = keras.Model(inputs, keras.layers.Conv2D(data.classes, 3, padding="same", activation="softmax")(inputs))
    scores = evaluate(build_trainer(config, model), data.train, config)

    x, y = data.train.numpy()
    kept = y[..., 0] != void
    p, labels = model.predict(x, verbose=0)[kept], y[..., 0][kept]
    predicted = p.argmax(-1)
    overlaps = [
        ((predicted == k) & (labels == k)).sum() / ((predicted == k) | (labels == k)).sum()
        for k in range(3)
        if k != void or (predicted == k).any()
    ]
    assert scores["loss"] == pytest.approx(-np.log(p[np.arange(len(p)), labels]).mean(), rel=1e-5)
    assert scores["error"] == pytest.approx((predicted != labels).mean(), abs=1e-6)
    assert scores["iou"] == pytest.approx(np.mean(overlaps), rel=1e-5)
    assert data.classes == 3


@pytest.mark.parametrize("void", [255, pytest.param(1, marks=pytest.mark.large)])
def test_smoothed_labels_of_maps_with_ignored_ones(tmp_path, void):
    """Losses and metrics of one-hot labels leave out ignored pixels too, in the gradient as well."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, (6, 8, 8))
    y[draw.random(y.shape) < 0.4] = void
    np.savez(tmp_path / "it.npz", x_train=draw.normal(size=(6, 8, 8, 1)), y_train=y)
    metrics = ["Precision", {"class_name": "Recall", "config": {"class_id": 2, "name": "recall2"}}]
    metrics += [{"class_name": "OneHotMeanIoU", "config": {"num_classes": 3, "name": "iou"}}, "CategoricalAccuracy"]
    sets = [f"data={{arrays: '{tmp_path}/it.npz', batch_size: 6, ignore_label: {void}}}", "training.steps_per_call=1"]
    sets += ["training.loss={class_name: CategoricalCrossentropy, config: {label_smoothing: 0.1}}"]
    config = read_config("small_segnet", [*sets, f"training.metrics={json.dumps(metrics)}", "training.l2=0"])
    data = load_data(config)
    inputs = keras.Input(data.input_shape)
    model = keras.Model(inputs, keras.layers.Conv2D(data.classes, 3, padding="same", activation="softmax")(inputs))
    label_checks(config, model).check(data)
    trainer = build_trainer(config, model)
    scores = evaluate(trainer, data.train, config)

    x, y = data.train.numpy()
    kept = y[..., 0] != void
    p, labels = model.predict(x, verbose=0)[kept], y[..., 0][kept]
    one_hot, hard, predicted = np.eye(3)[labels], p > 0.5, p.argmax(-1)
    overlaps = [
        ((predicted == k) & (labels == k)).sum() / ((predicted == k) | (labels == k)).sum()
        for k in range(3)
        if k != void or (predicted == k).any()
    ]
    assert scores["loss"] == pytest.approx(-((0.9 * one_hot + 0.1 / 3) * np.log(p)).sum(-1).mean(), rel=1e-5)
    assert scores["error"] == pytest.approx((predicted != labels).mean(), abs=1e-6)
    assert scores["categorical_accuracy"] == pytest.approx((predicted == labels).mean(), rel=1e-5)
    assert scores["precision"] == pytest.approx((hard * one_hot).sum() / hard.sum(), rel=1e-5)
    assert scores["recall2"] == pytest.approx((hard * one_hot)[:, 2].sum() / one_hot[:, 2].sum(), rel=1e-5)
    assert scores["iou"] == pytest.approx(np.mean(overlaps), rel=1e-5)
    with tf.GradientTape() as tape:
        logits = tf.constant(model.predict(x, verbose=0))
        tape.watch(logits)
        loss = trainer.loss(tf.constant(y), logits)
    assert (np.abs(tape.gradient(loss, logits)).max(-1) > 0).tolist() == kept.tolist()


def test_losses_and_metrics_that_cannot_ignore_labels_are_refused(tmp_path):
    y = np.random.default_rng(0).integers(0, 3, (6, 8, 8))
    np.savez(tmp_path / "it.npz", x_train=np.zeros((6, 8, 8, 1)), y_train=y)
    data = f"data={{arrays: '{tmp_path}/it.npz', batch_size: 6, ignore_label: 255}}"
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1, activation="softmax")(inputs))
    default = ["training.loss=SparseCategoricalCrossentropy", "training.metrics=[]"]
    given = "training.loss={class_name: SparseCategoricalCrossentropy, config: {ignore_class: 254}}"
    for changed, words in (
        (
            ["training.loss=kzoo>SparseSquaredHinge"],
            "data.ignore_label: training.loss: kzoo>SparseSquaredHinge has no setting 'ignore",
        ),
        (["training.metrics=[Mean]"], "data.ignore_label: training.metrics.0: Mean has no setting 'ignore_class'"),
        ([given], "training.loss.config.ignore_class expects data.ignore_label, 255; received ignore_class=254"),
    ):
        with pytest.raises(Refusal, match=words):
            build_trainer(read_config("small_segnet", [data, *default, *changed]), model)
    same = given.replace("254", "255")
    build_trainer(read_config("small_segnet", [data, *default, same]), model)


def test_verification_data(monkeypatch):
    data = mock((2,), 3, size=5, class_names=("a", "b", "c"))
    found = verification_data(data)
    assert found["examples"].shape == found["representative"].shape == (5, 2) and found["targets"].shape == (5,)
    assert found["labels"] == ("a", "b", "c") and found["images"] is False and found["resize"] == "stretch"
    assert verification_data(mock((2,), 3, dtype="uint8"))["images"] is None  # decided by the model's input
    monkeypatch.setattr(run_data, "VERIFICATION_BYTES", 2 * 8)  # two examples of two numbers
    assert len(verification_data(data, *sample(data.test))["examples"]) == 2
