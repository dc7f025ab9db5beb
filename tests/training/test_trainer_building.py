import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.training.looped_model import LoopedModel
from kzoo.training.model_batches import build_augmentation
from kzoo.training.model_building import build_model
from kzoo.training.trainer_building import build_callbacks, build_trainer
from tests.training.small import TWO, config, two_headed


def test_trainer_shares_the_model():
    chosen = config("training.metrics=[{class_name: SparseTopKCategoricalAccuracy, config: {k: 2, name: top2}}]")
    model = build_model(chosen, (40, 1), 10)
    trainer = build_trainer(chosen, model)
    assert type(trainer).__name__ == "Trainer" and trainer.weights[0] is model.weights[0]
    assert isinstance(trainer.optimizer, keras.optimizers.SGD)
    assert isinstance(trainer.loss, keras.losses.SparseCategoricalCrossentropy)
    trainer.train_on_batch(np.zeros((2, 40, 1)), np.zeros(2))
    assert set(trainer.get_metrics_result()) == {"loss", "accuracy", "top2"}


@pytest.mark.parametrize(
    "sets, looped, jit",
    [
        ([], False, True),
        (["training.steps_per_call=4"], True, True),
        (["training.steps_per_call=4", "training.deterministic=true"], True, False),
        (["training.steps_per_call=4", "training.jit_compile=false"], True, False),
        (["training.jit_compile=true"], False, True),
    ],
)
def test_loop_and_compilation(sets, looped, jit):
    chosen = config("training.steps_per_epoch=4", *sets)
    trainer = build_trainer(chosen, build_model(chosen, (40, 1), 10))
    assert isinstance(trainer, LoopedModel) == looped
    assert trainer.jit_compile == jit


@pytest.mark.parametrize(
    "sets, words",
    [
        ("training.optimizer=SDG", "training.optimizer expects an optimizer; received 'SDG'; did you mean 'SGD'"),
        ("training.loss=Adam", "training.loss expects a loss; Adam is of kind optimizer."),
        ("training.metrics=[Accurcy]", "training.metrics.0 expects a metric; received 'Accurcy'"),
    ],
)
def test_refused_parts(sets, words):
    chosen = config(sets)
    with pytest.raises(Refusal) as caught:
        build_trainer(chosen, build_model(chosen, (40, 1), 10))
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_classic_weight_decay(momentum):
    """l2 times the kernel is added to the gradient, and so enters the momentum."""
    x, y = np.random.default_rng(0).normal(size=(8, 40, 1)), np.arange(8)
    chosen = config("training.l2=0.5", f"training.optimizer.config={{learning_rate: 0.1, momentum: {momentum}}}")
    model = build_model(chosen, (40, 1), 10)
    trainer = build_trainer(chosen, model)
    wanted, velocity = model.get_weights(), [0] * len(model.weights)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = trainer.loss(y, model(x))  # without the weight decay
        gradients = tape.gradient(loss, [weight.value for weight in model.weights])
        for index, weight in enumerate(model.weights):
            decayed = gradients[index].numpy() + 0.5 * (weight.name == "kernel") * wanted[index]
            velocity[index] = momentum * velocity[index] - 0.1 * decayed
            wanted[index] = wanted[index] + velocity[index]
        trainer.train_on_batch(x, y)
        for got, expected in zip(model.get_weights(), wanted, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_weight_decay_leaves_norms_frozen_kernels_and_those_with_their_own():
    inputs = keras.Input((4,), name="input")
    x = keras.layers.Dense(3, name="frozen", trainable=False)(inputs)
    x = keras.layers.Dense(3, name="own", kernel_regularizer="l1")(keras.layers.BatchNormalization()(x))
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax", name="plain")(x))
    build_trainer(config("training.l2=0.5"), model)
    regularized = {weight.path: weight.regularizer for weight in model.weights if weight.regularizer}
    assert set(regularized) == {"own/kernel", "plain/kernel"}
    assert type(regularized["own/kernel"]).__name__ == "L1" and float(regularized["plain/kernel"].l2) == 0.25


@pytest.mark.parametrize(
    "sets, words",
    [
        (["data.targets=[y]"], "data.targets expects one entry for each of predictions, again; received entries=1"),
        (["data.inputs=[x]"], "data.inputs expects one entry for each of input, label; received entries=1"),
        (["training.loss_weights=[1]"], "training.loss_weights expects one entry for each of predictions, again"),
        (["training.loss=[MeanSquaredError]"], "training.loss expects one entry for each of predictions, again"),
    ],
)
def test_counts_that_do_not_match_the_outputs(sets, words):
    with pytest.raises(Refusal) as caught:
        build_trainer(config(*TWO, *sets), two_headed())
    assert str(caught.value).startswith(words)


def test_callbacks_and_augmentation_are_fresh():
    chosen = config("training.callbacks=[TerminateOnNaN, {class_name: History}]", "data.augment=[RandomFlip]")
    first, second = build_callbacks(chosen), build_callbacks(chosen)
    assert [type(c).__name__ for c in first] == ["TerminateOnNaN", "History"]
    assert not {id(c) for c in first} & {id(c) for c in second}
    assert isinstance(build_augmentation(chosen)[0], keras.layers.RandomFlip)
    with pytest.raises(Refusal, match="training.callbacks.1"):
        build_callbacks(config("training.callbacks=[History, Histry]"))
