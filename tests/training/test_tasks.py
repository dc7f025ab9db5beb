"""What losses take, the activations and heads that fit, and what does not match, in one line."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.config.specs import Spec
from kzoo.losses.capsule_margin_loss import CapsuleMarginLoss
from kzoo.task import Task
from kzoo.training.model_building import build_model
from kzoo.training.run_data import load_data
from kzoo.training.tasks import activation_of, check_tasks, head_activation, loss_takes, model_heads, output_tasks
from kzoo.training.trainer_building import build_trainer

X = np.random.default_rng(0).normal(size=(20, 12, 1)).astype("float32")
NUMBERS, FLAGS, LABELS = np.float32(np.arange(20) / 10), np.tile([[0, 1, 1], [1, 1, 0]], (10, 1)), np.arange(20) % 3


def spec(name, **config):
    return Spec(class_name=name, config=config)


def built(folder, *sets, **columns):
    """Returns (config, model, tasks) of arrays, after its checks."""
    np.savez(folder / "it.npz", x_train=X, **columns)
    data = f"data={{arrays: '{folder}/it.npz', batch_size: 10}}"
    config = read_config("mnist1d_fc", [data, "training.steps_per_call=1", "model.units=[5]", *sets])
    data = load_data(config)
    model = build_model(config, data.input_shape, data.classes, data.train)
    check_tasks(config, model, data.tasks)
    build_trainer(config, model, data.tasks)
    return config, model, data.tasks


def test_what_losses_take():
    takes = {
        "labels": ["SparseCategoricalCrossentropy", "CategoricalCrossentropy", "Dice", "RBFLoss", "CategoricalHinge"],
        "flags": ["BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge", CapsuleMarginLoss.__name__],
        "values": ["MeanSquaredError", "Huber", "Poisson", "CosineSimilarity"],
    }
    for kind, names in takes.items():
        assert {loss_takes(spec(name)) for name in names} == {kind}
    with pytest.raises(Refusal, match="training.loss expects a loss; received 'Hubris'"):
        loss_takes(spec("Hubris"))


def test_activations_of_heads():
    mse, bce = spec("MeanSquaredError"), spec("BinaryCrossentropy")
    found = [head_activation(Task(kind), mse) for kind in ("classification", "regression", "image", "multilabel")]
    assert found == [None, "linear", "linear", "sigmoid"]
    assert head_activation(Task("image"), bce) == "sigmoid"
    assert head_activation(Task("image"), spec("BinaryCrossentropy", from_logits=True)) == "linear"


@pytest.mark.parametrize(
    ("loss", "y", "activation", "shape"),
    [
        ("MeanSquaredError", NUMBERS, "linear", 1),
        ("MeanAbsoluteError", np.stack([NUMBERS, NUMBERS], 1), "linear", 2),
        ("BinaryCrossentropy", FLAGS, "sigmoid", 3),
        ("SparseCategoricalCrossentropy", LABELS, "softmax", 3),
        ("MeanSquaredError", LABELS, "softmax", 3),  # integers are classes, here one-hot
    ],
)
def test_models_fit_their_targets(tmp_path, loss, y, activation, shape):
    _, model, _ = built(tmp_path, f"training.loss={loss}", y_train=y)
    assert activation_of(model.outputs[0]) == activation and model.output_shape == (None, shape)


def test_settings_of_the_config_decide(tmp_path):
    sets = ["training.loss=MeanSquaredError", "data.task=regression", "model.classifier_activation=relu"]
    _, model, tasks = built(tmp_path, *sets, y_train=LABELS)
    assert tasks[0].kind == "regression" and activation_of(model.outputs[0]) == "relu"
    _, model, tasks = built(tmp_path, "training.loss=MeanSquaredError", "model.classes=1", y_train=LABELS)
    assert tasks[0].kind == "regression" and model.output_shape == (None, 1)


def test_several_outputs(tmp_path):
    loss = "training.loss={a: MeanSquaredError, b: SparseCategoricalCrossentropy, c: BinaryCrossentropy}"
    columns = {"y_train_c": FLAGS, "y_train_a": NUMBERS, "y_train_b": LABELS}
    config, model, tasks = built(tmp_path, loss, "training.loss_weights={a: 2.0}", **columns)
    assert model.output_names == ["c", "a", "b"] and model.output_shape == [(None, 3), (None, 1), (None, 3)]
    assert model_heads(config, tasks) == {"c": (3, "sigmoid"), "a": (1, "linear"), "b": (3, "softmax")}
    assert [task.kind for task in output_tasks(config, model, tasks)] == ["multilabel", "regression", "classification"]
    listed = "training.loss=[BinaryCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy]"
    assert built(tmp_path, listed, **columns)[1].output_names == ["c", "a", "b"]
    again = build_model(config, (12, 1), None, tasks=tasks[:1])  # a model of one output
    with pytest.raises(Refusal, match=r"a model with the outputs c, a, b, .*; received outputs=\['predictions'\]"):
        output_tasks(config, again, tasks)


REFUSED = [
    (["BinaryCrossentropy", "model.classifier_activation=softmax"], FLAGS, "multilabel targets expects sigmoid as mo"),
    (["BinaryCrossentropy", "model.classifier_activation=linear"], FLAGS, "expects sigmoid .*predictions='linear'"),
    (["{class_name: BinaryCrossentropy, config: {from_logits: true}}"], FLAGS, "a loss without from_logits"),
    (["CategoricalCrossentropy", "data.task=multilabel"], FLAGS, "a loss such as BinaryCrossentropy; received loss='C"),
    (["SparseCategoricalCrossentropy"], NUMBERS, "whole numbers in y_train"),
    (["SparseCategoricalCrossentropy", "data.task=regression"], NUMBERS, "a loss such as MeanSquaredError"),
    (["MeanSquaredError", "model.classifier_activation=softmax"], NUMBERS, "linear or sigmoid as model.classifier_act"),
    (
        ["MeanSquaredError", "model.classifier_activation=sigmoid"],
        NUMBERS,
        "an output with sigmoid for regression targ",
    ),
    (["MeanSquaredError", "model.classifier_activation=relu"], -NUMBERS, "at least 0; received smallest=-1.8"),
    (["Poisson"], -NUMBERS, "training.loss: Poisson for regression targets expects numbers of at least 0"),
    (["BinaryCrossentropy", "data.task=regression"], NUMBERS, "at least 0 and at most 1; received .* largest=1.89"),
    (["MeanSquaredError"], np.where(NUMBERS > 1, np.nan, NUMBERS), "finite float32 numbers in y_train"),
    (["MeanSquaredError", "model.classes=3"], NUMBERS, "model.classes expects that of the data, 1; received classes=3"),
    (
        ["MeanSquaredError"],
        X,
        r"image targets expects an output of their shape, \(12, 1\); received predictions=\(1,\)",
    ),
    (["{a: MeanSquaredError, b: Huber}"], {"a": NUMBERS}, "names among a; received names=.'b'"),
    (["{a: MeanSquaredError}"], {"a": NUMBERS, "b": LABELS}, "training.loss expects one entry for each of a, b"),
    (["[Huber]"], {"a": NUMBERS, "b": LABELS}, "one entry for each of a, b; received entries=1"),
    (["MeanSquaredError"], {"a": NUMBERS, "b": X}, "several targets expects numbers and labels of examples"),
    (["MeanSquaredError", "training.loss_weights={z: 1.0}"], {"a": NUMBERS, "b": LABELS}, "received names=.'z'"),
]


@pytest.mark.parametrize(("sets", "y", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, sets, y, words):
    columns = {f"y_train_{name}": part for name, part in y.items()} if isinstance(y, dict) else {"y_train": y}
    with pytest.raises(Refusal, match=words) as caught:
        built(tmp_path, f"training.loss={sets[0]}", *sets[1:], **columns)
    assert "\n" not in str(caught.value)


def test_activations():
    x = keras.Input((4,))
    for layer, name in [
        (keras.layers.Dense(2), "linear"),
        (keras.layers.Softmax(), "softmax"),
        (keras.layers.Activation("tanh"), "tanh"),
        (keras.layers.Reshape((2, 2)), None),
    ]:
        assert activation_of(layer(x)) == name
