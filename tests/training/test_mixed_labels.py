"""Training on mixed labels from a config: the loss by NumPy, metrics, weights, resume, a search and errors."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.examples import Examples
from kzoo.training.dry_run import dry_run
from kzoo.training.label_checks import label_errors
from kzoo.training.losses_and_metrics import build_losses, build_metrics, label_checks
from kzoo.training.mixed_labels import compare_with_most_probable, take_probabilities
from kzoo.training.model_batches import add_class_weights, map_inputs_and_targets, training_batches
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import train_seed
from kzoo.training.trainer_building import build_trainer
from kzoo.tuning.search import search
from tests.training.conftest import kill_after_an_epoch, signals_config
from tests.training.small import two_headed
from tests.tuning.small import small

MIX = "data.augment=[{class_name: kzoo>MixUp, config: {alpha: 1.0}}]"
LOSSES = ("SparseCategoricalCrossentropy", "CategoricalCrossentropy", "KLDivergence", "MeanSquaredError")


def dense(units=3, activation="softmax"):
    inputs = keras.Input((12, 1))
    return keras.Model(inputs, keras.layers.Dense(units, activation, name="out")(keras.layers.Flatten()(inputs)))


def batches(config, model, count=4, start=0):
    train = load_data(config).train
    return list(training_batches(config, model, train, 0, count, start).take(count))


def test_batches_have_mixed_signals_and_their_probabilities(arrays):
    chosen, model = signals_config(arrays, MIX), dense()
    x, y = batches(chosen, model)[0]
    plain, labels = batches(signals_config(arrays), model)[0]
    assert y.shape == (10, 3) and y.dtype == "float32"
    np.testing.assert_allclose(np.sum(y, 1), 1, atol=1e-6)
    x, plain, partner = np.array(x).reshape(10, 12), np.array(plain).reshape(10, 12), []
    for i in range(10):
        for j in range(10):
            direction = plain[j] - plain[i]
            t = direction @ (x[i] - plain[i]) / max(direction @ direction, 1e-9)
            if np.allclose(plain[i] + t * direction, x[i], atol=1e-4) and (i != j or np.allclose(x[i], plain[i])):
                expected = (1 - t) * np.eye(3)[labels[i]] + t * np.eye(3)[labels[j]]
                np.testing.assert_allclose(y[i], expected, atol=1e-3)
                partner.append(i)
                break
    assert partner == [*range(10)]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_of_a_mixture_by_numpy(arrays, loss):
    """What `fit` reports of one step is the mean of the formula; evaluation has plain labels, and the plain formula."""
    chosen, model = signals_config(arrays, MIX, f"training.loss={loss}", "training.steps_per_call=1"), dense()
    trainer, p = build_trainer(chosen, model), model.predict(load_data(chosen).train.numpy()[0], verbose=0)
    _, labels = load_data(chosen).train.numpy()
    formulas = {
        "KLDivergence": lambda y, p: np.sum(np.where(y > 0, y * np.log(np.maximum(y, 1e-7) / p), 0), 1),
        "MeanSquaredError": lambda y, p: np.mean((y - p) ** 2, 1),
    }
    formula = formulas.get(loss, lambda y, p: -np.sum(y * np.log(p), 1))
    found = trainer.evaluate(load_data(chosen).train.once(45), return_dict=True, verbose=0)
    np.testing.assert_allclose(found["loss"], formula(np.eye(3)[labels], p).mean(), rtol=1e-5)
    assert found["accuracy"] == np.float32(np.mean(p.argmax(1) == labels))
    x, y = batches(chosen, model)[0]
    p = model.predict(x, verbose=0)
    found = trainer.train_on_batch(x, y, return_dict=True)
    np.testing.assert_allclose(found["loss"], formula(np.array(y, "float64"), p).mean(), rtol=1e-5)
    assert found["accuracy"] == np.float32(np.mean(p.argmax(1) == np.argmax(y, 1)))


def test_logits():
    z, y = np.random.default_rng(0).normal(size=(5, 4)), np.random.default_rng(1).dirichlet(np.ones(4), 5)
    loss = take_probabilities(keras.losses.SparseCategoricalCrossentropy(from_logits=True), "MixUp")
    expected = -np.sum(y * (z - np.log(np.exp(z).sum(1, keepdims=True))), 1).mean()
    np.testing.assert_allclose(float(loss(y, z)), expected, rtol=1e-5)
    labels = np.array([0, 3, 1, 1, 2])
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for each in (labels, labels[:, None]):
        assert float(loss(each, z)) == float(plain(each, z))


def test_metrics_of_one_hot_labels_compare_with_the_most_probable_class(arrays):
    sets = "training.metrics=[CategoricalAccuracy, {class_name: SparseTopKCategoricalAccuracy, config: {k: 2}}, Mean]"
    *compared, unlabelled = build_metrics(signals_config(arrays, MIX, sets), dense())[0]
    y, p = [[0.4, 0.6, 0], [0, 0.1, 0.9]], [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]
    for metric, expected in zip(compared, (0, 0, 0.5), strict=True):
        metric.update_state(y, p)
        assert float(metric.result()) == expected
        metric.reset_state()
        metric.update_state([1, 2], p, sample_weight=[1.0, 0.0])
        assert float(metric.result()) == (expected and 1)
    assert isinstance(unlabelled, keras.metrics.Mean)


def test_a_metric_in_a_graph():
    metric = compare_with_most_probable(keras.metrics.SparseCategoricalAccuracy())
    tf.function(metric.update_state)(tf.constant([[0.2, 0.8]]), tf.constant([[0.1, 0.9]]))
    assert float(metric.result()) == 1


def test_class_weights_and_weights_of_examples(tmp_path):
    """The weight of a mixture is the mixture of its weights, as that of its classes."""
    draw, y = np.random.default_rng(0), np.arange(30) % 3
    w = np.where(y == 1, 4.0, 1.0)
    np.savez(tmp_path / "w.npz", x_train=draw.normal(size=(30, 12, 1)), y_train=y, w_train=w)
    chosen, model = signals_config(tmp_path / "w.npz", MIX, "training.class_weight={2: 7}"), dense()
    train = load_data(chosen).train
    for _, y, weight in training_batches(chosen, model, train, 0, 3).take(3):
        np.testing.assert_allclose(weight, np.dot(y, [1, 4, 1]), rtol=1e-5)
    dataset = add_class_weights(chosen, model, train, training_batches(chosen, model, train, 0, 3))
    for _, y, weight in dataset.take(3):
        np.testing.assert_allclose(weight, np.dot(y, [1, 4, 1]) * np.dot(y, [1, 1, 7]), rtol=1e-5)


def test_a_resumed_run_ends_equal(arrays, tmp_path, monkeypatch):
    chosen = signals_config(arrays, MIX, "training.class_weight=balanced", "data.validation=9", "training.keep=best")

    def train(name):
        model, _, checkpoint = train_seed(chosen, 0, tmp_path / name, "it", load_data(chosen))
        return model.get_weights(), checkpoint.history

    whole, history = train("whole")
    kill_after_an_epoch(monkeypatch, lambda: train("it"))
    resumed, again = train("it")
    assert again == history and {"accuracy", "val_accuracy", "loss", "val_loss"} <= history[0].keys()
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_dry_runs(name):
    mix = f"data.augment=[RandomFlip, kzoo>{name}]"
    found = dry_run(read_config("nielsen_0", [mix, "data.batch_size=6"]))
    assert np.isfinite(found["loss"])


@pytest.mark.large
def test_label_maps_take_a_box_and_no_blend(tmp_path):
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "m.npz", x_train=draw.normal(size=(8, 16, 16, 3)), y_train=draw.integers(0, 3, (8, 16, 16, 1)))
    sets = [f"data={{arrays: '{tmp_path}/m.npz', batch_size: 4}}", "model={name: segnet_basic, width: 0.1, classes: 3}"]
    sets += ["training.loss=SparseCategoricalCrossentropy", "training.metrics=[]", "training.epochs=1"]
    found = dry_run(read_config("segnet_basic", [*sets, "data.augment=[kzoo>CutMix]"]))
    assert np.isfinite(found["loss"])
    words = "augment expects layers that move a label map with its image, .*; received layer='MixUp'"
    with pytest.raises(Refusal, match=words):
        dry_run(read_config("segnet_basic", [*sets, "data.augment=[kzoo>MixUp]"]))


@pytest.mark.parametrize(
    "sets, model, words",
    [
        (
            ["training.loss=CategoricalHinge"],
            dense,
            "a loss that takes class probabilities, .* loss='CategoricalHinge'",
        ),
        (["training.loss=kzoo>SparseSquaredHinge"], dense, "a loss that takes class probabilities"),
        (
            ["training.loss={class_name: SparseCategoricalCrossentropy, config: {ignore_class: 2}}"],
            dense,
            "a loss without ignore_class, since labels are mixed; received ignore_class=2",
        ),
        (
            ["training.loss=BinaryCrossentropy"],
            lambda: dense(1, "sigmoid"),
            r"a model with a label of two or more classes; received outputs=\[\(None, 1\)\]",
        ),
        (["data.inputs=[x, y]"], two_headed, "data.inputs of x, data.targets with y; received inputs="),
        (["data.targets=[x]"], dense, "data.inputs of x, data.targets with y; received inputs="),
    ],
    ids=["hinge", "ours", "ignored", "binary", "label as input", "no label"],
)
def test_refusals(arrays, sets, model, words):
    with pytest.raises(Refusal, match="^data.augment: MixUp expects " + words):
        build_losses(signals_config(arrays, MIX, *sets), model())


def test_labels_of_a_streamed_split_are_checked_before_they_are_mixed(arrays):
    chosen, model = signals_config(arrays, MIX, "training.steps_per_call=1"), dense()
    x, labels = np.zeros((40, 12, 1), "float32"), np.arange(40) % 3
    labels[33] = 3
    streamed = Examples(tf.data.Dataset.from_tensor_slices((x, labels)), 40, memory=0)
    dataset = training_batches(chosen, model, streamed, 0, 4)
    dataset = label_checks(chosen, model).watch(dataset, streamed, "train")
    dataset = map_inputs_and_targets(chosen, model, dataset)
    words = "SparseCategoricalCrossentropy expects labels from 0 to 2; received split='train', value=3."
    with pytest.raises(Refusal, match=words), label_errors():
        build_trainer(chosen, model).fit(dataset, steps_per_epoch=4, verbose=0)


@pytest.mark.large
def test_a_search(arrays, tmp_path):
    found = search(small(arrays, MIX, trials=2), "it", tmp_path)
    assert found and len(list(tmp_path.rglob("result.json"))) == 2
    for file in tmp_path.rglob("result.json"):
        assert np.isfinite(json.loads(file.read_text())["objective"])
