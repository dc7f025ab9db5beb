"""Class weights: scikit-learn's, a weighted sum by NumPy, label maps, several steps a call, a whole run, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

from kzoo.checks import Refusal
from kzoo.config.comparison import config_sha256
from kzoo.config.config import check_config, resolved
from kzoo.config.yaml_file import write_yaml
from kzoo.data.examples import Examples
from kzoo.training.class_weights import class_weights, weigh_classes
from kzoo.training.dry_run import dry_run
from kzoo.training.model_batches import add_class_weights, map_inputs_and_targets
from kzoo.training.run import check_resumable, run
from kzoo.training.trainer_building import build_trainer
from tests.training.conftest import signals_config
from tests.training.small import TWO, config, two_headed


def split(labels):
    return Examples.from_arrays(np.zeros((len(labels), 1), "float32"), np.asarray(labels))


def test_balanced():
    labels = np.random.default_rng(0).choice(4, 2500, p=[0.6, 0.3, 0.1, 0])
    found = class_weights("balanced", split(labels), 4)
    np.testing.assert_allclose(found[:3], compute_class_weight("balanced", classes=np.arange(3), y=labels), rtol=1e-6)
    assert found[3] == 1
    maps = labels[:2400].reshape(4, 20, 30, 1)
    want = compute_class_weight("balanced", classes=np.arange(3), y=maps.ravel())
    np.testing.assert_allclose(class_weights("balanced", split(maps), 4)[:3], want, rtol=1e-6)


def test_labels_without_a_class_are_not_counted():
    np.testing.assert_allclose(
        class_weights("balanced", split([0, 0, 0, 1, 9, -1, 2, 2]), 3, ignored=2)[:2], [4 / 6, 2]
    )


@pytest.mark.parametrize("shape", [(6,), (6, 1), (2, 3), (2, 3, 1)], ids=str)
def test_weights_of_a_batch(shape):
    labels = np.array([0, 2, 1, 9, -1, 0]).reshape(shape)
    of_labels = np.array([5, 7, 6, 1, 1, 5]).reshape(shape[:-1] if shape[-1] == 1 else shape)
    table, x = np.float32([5, 6, 7]), np.zeros(len(labels))
    (_, _, found) = next(iter(weigh_classes(tf.data.Dataset.from_tensors((x, labels)), table)))
    np.testing.assert_array_equal(found, of_labels)
    given = np.arange(1.0, 1 + len(labels))
    (_, _, found) = next(iter(weigh_classes(tf.data.Dataset.from_tensors((x, labels, given)), table)))
    np.testing.assert_array_equal(found, of_labels * given.reshape(-1, *[1] * (of_labels.ndim - 1)))


def test_names_of_classes():
    names = ["cat", "7", "dog"]
    np.testing.assert_array_equal(
        class_weights({"dog": 3.0, "7": 2.0, "0": 4.0}, split([0]), 3, names=names), [4, 2, 3]
    )
    with pytest.raises(Refusal, match="training.class_weight has no class 'dig'; did you mean 'dog'?"):
        class_weights({"dig": 1.0}, split([0]), 3, names=names)
    for key in ("dog", "3", "-1", "²"):
        with pytest.raises(Refusal, match="training.class_weight expects classes from 0 to 2; received"):
            class_weights({key: 1.0}, split([0]), 3)


def test_several_targets():
    """Labels have the weights of their classes, other targets those of the examples."""
    y = {"a": np.array([0, 1, 1]), "b": np.ones((3, 2), "float32")}
    data = Examples.from_arrays(np.zeros((3, 1), "float32"), y)
    table = class_weights("balanced", data, 2, target="a")
    np.testing.assert_allclose(table, [1.5, 0.75])
    for given in ((), (np.float32([2, 4, 6]),)):
        batches = tf.data.Dataset.from_tensors((np.zeros((3, 1)), y, *given))
        (_, _, found) = next(iter(weigh_classes(batches, {"a": table})))
        scale = given[0] if given else np.ones(3)
        np.testing.assert_allclose(found["a"], [1.5, 0.75, 0.75] * scale)
        np.testing.assert_allclose(found["b"], scale)


@pytest.mark.parametrize("loss", ["SparseCategoricalCrossentropy", "CategoricalCrossentropy"])
@pytest.mark.parametrize("calls", [1, 2])
def test_the_loss_is_weighted(loss, calls):
    """Without learning each step has the loss of its batch: the mean of w_y * -log p_y."""
    draw = np.random.default_rng(0)
    p, labels = draw.dirichlet(np.ones(3), 8).astype("float32"), np.array([0, 2, 1, 1, 0, 2, 2, 1])
    sets = [f"training.loss={loss}", "training.class_weight={0: 3, 2: 0.5}", f"training.steps_per_call={calls}"]
    chosen = config(*sets, "training.steps_per_epoch=2", "training.optimizer.config.learning_rate=0.0")
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    dataset = tf.data.Dataset.from_tensor_slices((p, labels)).batch(4)
    dataset = map_inputs_and_targets(chosen, model, add_class_weights(chosen, model, split(labels), dataset))
    history = build_trainer(chosen, model).fit(dataset.batch(2) if calls > 1 else dataset, verbose=0).history
    want = np.mean(np.array([3, 1, 0.5])[labels] * -np.log(p[np.arange(8), labels]))
    assert history["loss"][0] == pytest.approx(want, rel=1e-5)


def test_several_outputs_of_the_label():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, [keras.layers.Identity(name=name)(inputs) for name in "ab"])
    p, labels = np.float32([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]]), np.array([2, 0])
    chosen = config("training.class_weight={2: 4}", "training.optimizer.config.learning_rate=0.0")
    dataset = tf.data.Dataset.from_tensors((p, labels))
    dataset = map_inputs_and_targets(chosen, model, add_class_weights(chosen, model, split(labels), dataset))
    history = build_trainer(chosen, model).fit(dataset, verbose=0).history
    assert history["loss"][0] == pytest.approx(-(4 * np.log(0.5) + np.log(0.6)), rel=1e-5)


@pytest.mark.parametrize("weights", ["balanced", pytest.param("{0: 2.0, 1: 0.5}", marks=pytest.mark.large)])
def test_a_run(arrays, tmp_path, weights):
    chosen = signals_config(arrays, f"training.class_weight={weights}", "export.formats=[]")
    folder, metrics = run(chosen, "it", tmp_path)
    assert metrics["steps"] == 8 and "class_weight" in (folder / "config.yaml").read_text()
    assert dry_run(chosen)["classes"] == 3


def test_refused(arrays):
    with pytest.raises(Refusal, match=r"training.class_weight expects classes from 0 to 2; received classes=\['7'\]"):
        dry_run(signals_config(arrays, "training.class_weight={7: 2.0}"))
    for weights in ("[1.0, 2.0]", "{0: -1}", "even", "{0: .inf}"):
        with pytest.raises(Refusal, match="training.class_weight expects a mapping of classes to weights"):
            config(f"training.class_weight={weights}")
    with pytest.raises(Refusal, match="training.class_weight expects data.targets of y only"):
        add_class_weights(config(*TWO, "training.class_weight=balanced"), two_headed(), split([0]), None)


def test_files_of_earlier_versions_mean_the_same(tmp_path):
    """Without weights the setting is not written, so that fingerprints and interrupted runs stay those of before."""
    plain, weighted = config(), config("training.class_weight={1: 2.0}")
    assert "class_weight" not in resolved(plain)["training"]
    assert check_config(resolved(weighted)) == weighted and config_sha256(plain) != config_sha256(weighted)
    assert config("training.class_weight={'1': 2.0}") == weighted
    (tmp_path / "config.yaml").write_text(write_yaml(resolved(plain)))
    check_resumable(plain, tmp_path, "config.yaml")
    with pytest.raises(Refusal, match="training.class_weight.1: unset -> 2.0"):
        check_resumable(weighted, tmp_path, "config.yaml")
