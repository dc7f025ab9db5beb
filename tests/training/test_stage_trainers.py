"""What learns in each stage; trainings of several stages against plain Keras, killed within and between stages."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.config.stages import stages_of
from kzoo.training import checkpoint as checkpoints
from kzoo.training.model_batches import training_batches
from kzoo.training.model_building import build_model
from kzoo.training.report import write_history
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import train_seed
from kzoo.training.stage_trainers import StageTrainers, check_stages
from tests.training.conftest import signals_config

STAGES = "training.stages=[{epochs: 2, train: [predictions]}, {rates: {'*': 0.1}, optimizer: {class_name: Adam}}]"
SMALL = ("model={name: mnist1d_cnn, filters: 2}", "training.jit_compile=false")
CALLBACKS = (
    "training.callbacks=[{class_name: ReduceLROnPlateau, config: {monitor: loss, patience: 1, min_delta: 9.0}}, "
    "{class_name: CSVLogger, config: {filename: log.csv}}]"
)


def built(*sets):
    chosen = read_config("mnist1d_fc", [*SMALL, *sets])
    return chosen, build_model(chosen, (40, 1), 10)


def learning(model):
    """Returns the names of the layers with trainable weights."""
    return [layer.name for layer in model.layers if layer.trainable_weights]


def test_layers_that_learn():
    """A layer that the model itself freezes stays frozen in all stages."""
    stages = "training.stages=[{epochs: 1, train: [predictions]}, {epochs: 1, freeze: [stage1, stage2]}, {}]"
    chosen, model = built("training.epochs=9", stages)
    model.get_layer("stage2").trainable = False
    trainers, found = StageTrainers(chosen, model), []
    for stage in trainers.stages:
        trainer = trainers.start(stage)
        assert trainers.start(stage) is trainer
        found.append(learning(model))
        assert len(trainer.trainable_weights) == 2 * len(found[-1])
    assert found == [["predictions"], ["stage3", "predictions"], ["stage1", "stage3", "predictions"]]


def test_norms_and_rates_of_frozen_layers():
    """A stage without norms that learn has nothing to recompute; rates of frozen layers wait."""
    stages = "training.stages=[{epochs: 1, train: [predictions]}, {}]"
    sets = ("training.epochs=2", "training.recompute_statistics=true", "training.rates={'stem_conv/*': 3.0}", stages)
    chosen = read_config("mnist1d_fc", ["model={name: resnet20_cifar, width: 0.125}", *sets])
    model = build_model(chosen, (8, 8, 3), 10)
    trainers = StageTrainers(chosen, model)
    for stage in trainers.stages:
        trainers.start(stage)
    norm = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    trainers.start(trainers.stages[0])
    mean = norm.moving_mean.numpy()
    model(np.ones((2, 8, 8, 3)), training=True)
    np.testing.assert_array_equal(norm.moving_mean, mean)
    with pytest.raises(Refusal, match="recompute_statistics expects a model with batch normalization that is trained"):
        plain, model = built(*sets, "training.rates={}")
        StageTrainers(plain, model)


@pytest.mark.parametrize(
    "stage, words",
    [
        ("{freeze: [stge1]}", "training.stages.0.freeze: 'stge1' matches no layer with weights; did you mean 'stage1'"),
        ("{train: [flatten]}", "training.stages.0.train: 'flatten' matches no layer with weights; known: predictions,"),
        ("{freeze: ['*']}", "training.stages.0 expects layers that learn; received freeze=['*']."),
        ("{rates: {a: 2}}", "training.rates: 'a' matches no trainable weight; known: "),
        ("{freeze: [stage1], rates: {a: 2}}", "training.rates: 'a' matches no trainable weight; known: "),
        ("{optimizer: SGDD}", "training.stages.0.optimizer expects an optimizer; received 'SGDD'; did you mean 'SGD'"),
        ("{augment: [RandomFlp]}", "training.stages.0.augment.0 expects a layer; received 'RandomFlp'; did you mean"),
        ("{loss: [MeanSquaredErro]}", "training.stages.0.loss.0 expects a loss; received 'MeanSquaredErro'; did you"),
    ],
)
def test_refusals(stage, words):
    with pytest.raises(Refusal) as caught:
        chosen, model = built(f"training.stages=[{stage}]")
        trainers = StageTrainers(chosen, model)
        trainers.start(trainers.stages[0])
    assert str(caught.value).startswith(words)


def test_parts_of_stages_need_no_model():
    chosen = read_config("mnist1d_fc", ["training.stages=[{epochs: 1, optimizer: Adam}, {loss: [MeanSquaredErro]}]"])
    with pytest.raises(Refusal, match="^training.stages.1.loss.0 expects a loss"):
        check_stages(chosen)


def staged(arrays, *sets):
    """Returns a config of five epochs of four steps, the first two of the last layer only."""
    fixed = ("training.epochs=5", "data.validation=0.2", "data.batch_size=9", "training.jit_compile=false", STAGES)
    return signals_config(arrays, *fixed, *sets)


def train(chosen, folder):
    """Returns (model, history) of a training in a folder."""
    model, _, checkpoint = train_seed(chosen, 0, folder, "it", load_data(chosen))
    return model, checkpoint.history


def test_stages_are_trainings_one_after_the_other(arrays, tmp_path):
    """Of plain Keras, over the same batches, each with an optimizer of its own."""
    chosen = staged(arrays, "training.optimizer={class_name: SGD, config: {learning_rate: 0.1, momentum: 0.9}}")
    model, history = train(chosen, tmp_path)
    data = load_data(chosen)
    keras.utils.set_random_seed(0)
    plain = build_model(chosen, data.input_shape, data.classes, data.train)
    start = plain.get_weights()
    batches = training_batches(chosen, plain, data.train, 0, 4)
    plain.get_layer("stage1").trainable = False
    plain.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    losses = plain.fit(batches.take(8), epochs=2, steps_per_epoch=4, verbose=0).history["loss"]
    assert all(map(np.array_equal, start[:2], plain.get_weights()[:2]))
    plain.get_layer("stage1").trainable = True
    plain.compile(keras.optimizers.Adam(0.0001), "sparse_categorical_crossentropy")
    losses += plain.fit(batches.skip(8).take(12), epochs=3, steps_per_epoch=4, verbose=0).history["loss"]
    np.testing.assert_allclose([row["loss"] for row in history], losses, rtol=1e-5)
    for kept, wanted in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(kept, wanted, rtol=1e-4, atol=1e-6)
    assert not np.array_equal(start[0], plain.get_weights()[0])


@pytest.fixture(scope="module")
def undisturbed(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return results(*train(staged(arrays, "training.keep=best", CALLBACKS), folder), folder)


def results(model, history, folder):
    return [weight.tolist() for weight in model.get_weights()], history, (folder / "log.csv").read_text()


def test_kills_do_not_show(arrays, tmp_path, monkeypatch, undisturbed):
    """Within the first stage, at its end, and within the second: after epochs 1, 2 and 4."""
    chosen, saved = staged(arrays, "training.keep=best", CALLBACKS), checkpoints.Checkpoint.on_epoch_end
    for kill in (1, 1, 2):
        left = iter([False] * (kill - 1) + [True])

        def killed(self, epoch, logs=None, left=left):
            saved(self, epoch, logs)
            if next(left):
                raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(checkpoints.Checkpoint, "on_epoch_end", killed)
            train(chosen, tmp_path)
    assert results(*train(chosen, tmp_path), tmp_path) == undisturbed


def test_the_best_epoch_of_all_stages_is_kept(arrays, tmp_path, undisturbed):
    """Here one of the first stage, as the second learns hardly."""
    weights, history, _ = undisturbed
    still = ("training.stages.1.optimizer={class_name: SGD, config: {learning_rate: 0.0}}", "training.keep=best")
    model, history = train(staged(arrays, *still), tmp_path)
    best = int(np.argmax([row["val_accuracy"] for row in history]))
    assert best < 2 and len(history) == 5
    first = staged(arrays, "training.stages=[{train: [predictions]}]", f"training.epochs={best + 1}")
    assert all(map(np.array_equal, model.get_weights(), train(first, tmp_path / "first")[0].get_weights()))


def test_a_training_that_is_stopped_ends_with_its_stage(arrays, tmp_path):
    stop = "training.callbacks=[{class_name: EarlyStopping, config: {monitor: loss, patience: 1, min_delta: 9.0}}]"
    chosen = staged(arrays, stop)
    for _ in range(2):  # the second is only restored
        model, history = train(chosen, tmp_path)
        assert len(history) == 2
        assert all(layer.trainable for layer in model.layers)  # as in the last stage


def test_history_has_the_stage(arrays, tmp_path, undisturbed):
    write_history(undisturbed[1], tmp_path, [stage.first for stage in stages_of(staged(arrays))])
    rows = [line.split(",")[:2] for line in (tmp_path / "history.csv").read_text().splitlines()]
    assert rows == [["epoch", "stage"], ["1", "1"], ["2", "1"], ["3", "2"], ["4", "2"], ["5", "2"]]
