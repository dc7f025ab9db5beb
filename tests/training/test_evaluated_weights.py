"""Moving averages of the weights: what validation sees and what is kept, against averages computed with NumPy."""

import keras
import numpy as np
import pytest

from kzoo.training import seed_run
from kzoo.training.evaluated_weights import moving_averages
from kzoo.training.evaluation import evaluate
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import train_seed
from tests.training.conftest import signals_config

SETS = (
    "training.optimizer={class_name: SGD, config: {learning_rate: 0.5, use_ema: true, ema_momentum: 0.75}}",
    "training.epochs=3",
    "data.validation=0.2",
    "training.jit_compile=false",
)
STOPPING = "training.callbacks=[{class_name: EarlyStopping, config: {monitor: loss, patience: 1, min_delta: 9.0}}]"
SWAPPING = "training.callbacks=[{class_name: SwapEMAWeights, config: {swap_on_epoch: true}}]"


class Recorder(keras.callbacks.Callback):
    """Keeps the weights after each step."""

    def __init__(self):
        super().__init__()
        self.recorded = []

    def on_train_batch_end(self, batch, logs=None):
        self.recorded.append(self.model.get_weights())


def train(config, folder):
    """Returns (weights, history, trainer, data)."""
    data = load_data(config)
    model, trainer, checkpoint = train_seed(config, 0, folder, "it", data)
    return model.get_weights(), checkpoint.history, trainer, data


@pytest.mark.parametrize(
    "sets, epochs",
    [([], 3), (["training.keep=best"], 3), ([STOPPING], 2), ([SWAPPING], 3)],
    ids=["last", "best", "stopped", "swapping"],
)
def test_averages_are_validated_and_kept(arrays, tmp_path, monkeypatch, sets, epochs):
    """Of the weights after each step, from those of the first step on; training goes on with the weights themselves."""
    chosen, recorder = signals_config(arrays, *SETS, "training.steps_per_call=1", *sets), Recorder()
    build = seed_run.build_callbacks
    monkeypatch.setattr(seed_run, "build_callbacks", lambda *args: [*build(*args), recorder])
    kept, history, trainer, data = train(chosen, tmp_path)
    assert len(history) == epochs and len(recorder.recorded) == 4 * epochs
    averages = recorder.recorded[0]
    by_epoch = []
    for step, weights in enumerate(recorder.recorded):
        averages = [0.75 * old + 0.25 * new for old, new in zip(averages, weights)]
        by_epoch += [averages] if step % 4 == 3 else []
    for row, values in zip(history, by_epoch, strict=True):
        trainer.set_weights(values)
        assert row["val_loss"] == pytest.approx(evaluate(trainer, data.validation, chosen)["loss"], rel=1e-5)
    best = int(np.argmax([row["val_accuracy"] for row in history]))
    for value, wanted in zip(kept, by_epoch[best if sets == ["training.keep=best"] else -1]):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-7)


def test_training_is_that_without_averages(arrays, tmp_path):
    """To the last bit. A finished training that is resumed ends with the same weights."""
    chosen = signals_config(arrays, *SETS, "training.keep=best")
    kept, history, *_ = train(chosen, tmp_path / "it")
    plain = train(signals_config(arrays, *SETS, "training.optimizer.config.use_ema=false"), tmp_path / "plain")[1]
    assert [row["loss"] for row in plain] == [row["loss"] for row in history]
    for a, b in zip(kept, train(chosen, tmp_path / "it")[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_averages_of_wrapped_optimizers():
    weight = keras.Variable([1.0])
    inner = keras.optimizers.SGD(0.5, use_ema=True)
    for optimizer in (keras.optimizers.LossScaleOptimizer(inner), inner):
        optimizer.build([weight])
        assert [pair[0] is weight for pair in moving_averages(optimizer)] == [True]
    plain = keras.optimizers.SGD()
    plain.build([weight])
    assert moving_averages(plain) == []
