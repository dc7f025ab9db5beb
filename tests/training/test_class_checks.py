"""Models whose outputs are not those of the data's classes are refused in one line before training."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.training.class_checks import check_classes
from kzoo.training.dry_run import dry_run
from kzoo.training.run_data import load_data

X, LABELS = np.zeros((20, 12, 1), "float32"), np.arange(20) % 3


@pytest.fixture
def check(tmp_path):
    """A function that checks models with outputs of so many channels, {name: channels}, for targets of the columns."""

    def make(outputs, *sets, **columns):
        np.savez(tmp_path / "it.npz", x_train=X, **columns)
        config = read_config("mnist1d_fc", [f"data={{arrays: '{tmp_path}/it.npz', batch_size: 10}}", *sets])
        x = keras.Input((12, 1), name="signal")
        flat = keras.layers.Flatten()(x)
        heads = [keras.layers.Dense(count, name=name)(flat) for name, count in outputs.items()]
        check_classes(config, keras.Model(x, heads), load_data(config))

    return make


@pytest.mark.parametrize("count, more", [(10, r" \(y_names in \S+it.npz can name classes without examples\)"), (2, "")])
def test_other_numbers_of_outputs(check, count, more):
    check({"a": 3}, y_train=LABELS)
    expected = rf"^model expects 3 outputs, one for each class of the data{more}; received outputs={count}.$"
    with pytest.raises(Refusal, match=expected):
        check({"a": count}, y_train=LABELS)


def test_classes_without_examples_have_outputs(check):
    check({"a": 10}, y_train=LABELS, y_names=np.array(list("abcdefghij")))
    with pytest.raises(Refusal, match="model expects 10 outputs, one for each class of the data; received outputs=3"):
        check({"a": 3}, y_train=LABELS, y_names=np.array(list("abcdefghij")))


def test_one_output_is_the_second_of_two_classes(check):
    for labels in (LABELS % 2, 0 * LABELS):
        check({"a": 1}, "training.loss=BinaryCrossentropy", y_train=labels)
        check({"a": 2}, y_train=labels)
    with pytest.raises(Refusal, match="model expects 3 outputs, one for each class of the data; received outputs=1."):
        check({"a": 1}, "training.loss=BinaryCrossentropy", y_train=LABELS)


def test_each_of_several_outputs(check):
    losses = "training.loss={a: SparseCategoricalCrossentropy, b: MeanSquaredError}"
    targets = {"y_train_a": LABELS, "y_train_b": X[:, :2, 0]}
    check({"a": 3, "b": 2}, losses, **targets)
    with pytest.raises(Refusal, match="model expects 3 outputs, one for each class of the target 'a' .y_names_a in "):
        check({"a": 4, "b": 2}, losses, **targets)
    same = "training.loss=[SparseCategoricalCrossentropy, SparseCategoricalCrossentropy]"
    check({"a": 3, "b": 3}, same, "data.targets=[y, y]", y_train=LABELS)
    with pytest.raises(Refusal, match="model expects 3 outputs"):
        check({"a": 3, "b": 4}, same, "data.targets=[y, y]", y_train=LABELS)


def test_losses_of_other_outputs(check):
    check({"a": 64}, "training.loss=Circle", y_train=LABELS)  # of embeddings


def test_names(check):
    with pytest.raises(Refusal, match="^data.class_names expects one name for each of the 3 classes"):
        check({"a": 3}, "data.class_names=[cat, dog]", y_train=LABELS)
    check({"a": 3}, "data.class_names=[cat, dog, cow]", y_train=LABELS)


def test_dry_runs_check_model_files(tmp_path):
    np.savez(tmp_path / "it.npz", x_train=X, y_train=LABELS)
    keras.Sequential([keras.Input((12, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(tmp_path / "it.keras")
    sets = [f"data={{arrays: '{tmp_path}/it.npz', batch_size: 10}}", f"model={{keras: '{tmp_path}/it.keras'}}"]
    with pytest.raises(
        Refusal, match="model expects 3 outputs, one for each class of the data .*; received outputs=10"
    ):
        dry_run(read_config("mnist1d_fc", sets))
