"""What a checkpoint restores, to the last bit, and how an unusable file is refused."""

import os
import pickle
import random

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.files import write_atomically
from kzoo.training.checkpoint import TYPES, Checkpoint, KeepBest
from kzoo.training.npz_state import from_npz, to_npz

DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(24, 6)).astype("float32"), DRAW.integers(0, 3, 24)


class Killed(BaseException):
    """Simulates the end of a process within the process."""


class RunsCode:
    """An object whose pickle ends the process that reads it."""

    def __reduce__(self):
        return os._exit, (1,)


class Noise(keras.callbacks.Callback):
    """Draws from the global generators in every epoch, keeps the numbers, and may die after one epoch."""

    def __init__(self, die_after=None):
        super().__init__()
        self.drawn, self.dies = [], lambda epoch: epoch == die_after  # a function is not saved

    def on_epoch_end(self, epoch, logs=None):
        self.drawn = [*self.drawn, (random.random(), float(np.random.rand()))]

    def on_epoch_begin(self, epoch, logs=None):
        if self.dies(epoch):
            raise Killed


def fit(path, die_after=None, epochs=6, optimizer=None, extra=()):
    """Trains, from the state at `path` if there is one. Returns (model, trainer, checkpoint, callbacks)."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((6,))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(8, "relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(keras.layers.Dropout(0.5)(x)))
    trainer = keras.Model(model.input, model.output)
    trainer.compile(optimizer or keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.2, cooldown=1)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True)
    callbacks = [plateau, stopping, KeepBest(model), *extra, Noise(die_after)]
    checkpoint = Checkpoint(model, path, callbacks)
    trainer.fit(
        X[:16],
        Y[:16],
        batch_size=4,
        initial_epoch=checkpoint.epoch,
        epochs=checkpoint.epoch if checkpoint.stopped else epochs,
        validation_data=(X[16:], Y[16:]),
        callbacks=[*callbacks, checkpoint],
        shuffle=False,
        verbose=0,
    )
    return model, trainer, checkpoint, callbacks


def facts(result):
    """Returns everything of a training that must survive a kill."""
    model, trainer, checkpoint, callbacks = result
    plain = [{k: v for k, v in vars(c).items() if isinstance(v, (bool, int, float, list))} for c in callbacks]
    variables = [np.asarray(v) for v in (*model.variables, *trainer.optimizer.variables)]
    return {
        "variables": variables,
        "history": checkpoint.history,
        "epoch": checkpoint.epoch,
        "stopped": checkpoint.stopped,
        "callbacks": plain,
        "generators": (random.getstate(), np.random.get_state()[1:]),
    }


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        return all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    np.testing.assert_array_equal(a, b)
    return True


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return facts(fit(tmp_path_factory.mktemp("whole") / "state"))


@pytest.mark.parametrize(
    "deaths", [(2, 4), *(pytest.param(one, marks=pytest.mark.large) for one in ((1,), (5,)))], ids=str
)
def test_resumes_exactly(tmp_path, undisturbed, deaths):
    path = tmp_path / "state"
    for death in deaths:
        with pytest.raises(Killed):
            fit(path, die_after=death)
    assert same(undisturbed, facts(fit(path)))


def test_the_test_has_states_to_restore(undisturbed):
    """Each callback has counted something, and the dropout generator and the learning rate have changed."""
    plateau, stopping, best, _ = undisturbed["callbacks"]
    assert plateau["wait"] + plateau["cooldown_counter"] > 0 and stopping["wait"] > 0 and best["best_weights"]
    rates = [row["learning_rate"] for row in undisturbed["history"]]
    assert rates[-1] < rates[0]
    assert [v[1] > 0 for v in undisturbed["variables"] if v.dtype == "int64" and v.shape == (2,)] == [True]


@pytest.mark.large
def test_optimizers_of_their_own(tmp_path):
    """EMA weights, accumulated gradients and a loss scale live in the optimizer's variables."""

    def make():
        inner = keras.optimizers.SGD(0.05, momentum=0.9, use_ema=True, gradient_accumulation_steps=3)
        return keras.optimizers.LossScaleOptimizer(inner)

    wanted = facts(fit(tmp_path / "a", optimizer=make()))
    with pytest.raises(Killed):
        fit(tmp_path / "b", die_after=3, optimizer=make())
    assert same(wanted, facts(fit(tmp_path / "b", optimizer=make())))


def test_a_stopped_training_stays_stopped(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    path = tmp_path / "state"
    wanted = facts(fit(path, extra=[Stop()]))
    assert wanted["stopped"] and wanted["epoch"] == 3 and len(wanted["history"]) == 3
    assert same(wanted, facts(fit(path, extra=[Stop()])))


def test_a_finished_training_is_only_restored(tmp_path, undisturbed):
    fit(tmp_path / "state")
    before = (tmp_path / "state").read_bytes()
    assert same(undisturbed, facts(fit(tmp_path / "state")))
    assert (tmp_path / "state").read_bytes() == before


def test_seconds_add_up(tmp_path):
    first = fit(tmp_path / "state", epochs=1)[2].seconds
    state = from_npz((tmp_path / "state").read_bytes())
    assert 0 < state["seconds"] <= first
    state["seconds"] = 1000.0
    (tmp_path / "state").write_bytes(to_npz(state))
    assert 1000 < fit(tmp_path / "state", epochs=2)[2].seconds < 1000 + 600


@pytest.mark.parametrize("last, kept", [(False, (1, 2.0)), (True, (2, 3.0))])
def test_keep_best_of_equals(last, kept):
    """The last of them is Nielsen's, network3.py: validation_accuracy >= best_validation_accuracy."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    best = KeepBest(model, last)
    for epoch, (accuracy, weight) in enumerate([(0.5, 1.0), (0.7, 2.0), (0.7, 3.0), (float("nan"), 4.0), (0.1, 5.0)]):
        model.set_weights([np.array([[weight]])])
        best.on_epoch_end(epoch, {"val_accuracy": accuracy})
    best.on_train_end()
    assert (best.best, best.best_epoch, model.get_weights()[0]) == (0.7, *kept)


def test_keep_best_without_a_finite_accuracy_keeps_the_last():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    best, before = KeepBest(model), model.get_weights()
    best.on_epoch_end(0, {"val_accuracy": float("nan")})
    best.on_train_end()
    assert same(before, model.get_weights())


def test_write_atomically(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "old ü")
    assert path.read_text(encoding="utf-8") == "old ü" and [p.name for p in tmp_path.iterdir()] == ["file"]

    def killed(*args):
        raise Killed

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(Killed):
        write_atomically(path, b"new")
    assert path.read_bytes() == "old ü".encode() and (tmp_path / "file.writing").read_bytes() == b"new"
    monkeypatch.undo()
    write_atomically(path, b"newer")
    assert path.read_bytes() == b"newer" and not (tmp_path / "file.writing").exists()


def test_a_leftover_is_harmless(tmp_path, undisturbed):
    path = tmp_path / "state"
    with pytest.raises(Killed):
        fit(path, die_after=2)
    (tmp_path / "state.writing").write_bytes(b"cut off")
    assert same(undisturbed, facts(fit(path)))
    assert not (tmp_path / "state.writing").exists()


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device: '.*state'$"):
        write_atomically(tmp_path / "state", b"x")


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[: len(b) // 2],
        lambda b: b"\x00" * len(b),
        lambda b: b"text\n",
        lambda b: to_npz([1]),
        lambda b: to_npz({"epoch": 3}),
        lambda b: to_npz({key: kind() for key, kind in TYPES.items()} | {"epoch": 3}),
        lambda b: to_npz({key: kind() for key, kind in TYPES.items()} | {"history": [{"loss": "x"}], "epoch": 1}),
        lambda b: pickle.dumps(RunsCode()),
        lambda b: b.replace(b"json.npy", b"jsom.npy"),
        lambda b: b[:-30] + b"\xff" * 30,
    ],
    ids=["empty", "half", "zeros", "text", "list", "keys", "epochs", "history", "pickle", "member", "directory"],
)
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "state.npz"
    path.write_bytes(damage(to_npz({key: kind() for key, kind in TYPES.items()})))
    with pytest.raises(Refusal) as caught:
        Checkpoint(None, path)
    text = str(caught.value)
    assert text.startswith(f"{path} cannot be resumed from (") and "\n" not in text
    assert text.endswith("delete it to train from the start, or discard the run with --overwrite.")


def test_a_state_of_another_model_is_refused(tmp_path):
    path = tmp_path / "state"
    fit(path, epochs=1)
    with pytest.raises(Refusal, match="is the state of another model or optimizer; delete it"):
        fit(path, optimizer=keras.optimizers.SGD(0.1))


def test_a_state_cannot_replace_methods(tmp_path):
    callback, model, path = Noise(), keras.Sequential(), tmp_path / "state"
    model.compile("sgd")
    state = {key: kind() for key, kind in TYPES.items()} | {"random": random.getstate(), "numpy": np.random.get_state()}
    state["variables"] = [np.asarray(v) for v in model.optimizer.variables]
    state["callbacks"] = [{"on_epoch_end": 1, "params": {}, "model": 2, "drawn": [3]}]
    path.write_bytes(to_npz(state))
    checkpoint = Checkpoint(model, path, [callback])
    checkpoint.set_model(model)
    checkpoint.on_train_begin()
    assert callback.drawn == [3] and callable(callback.on_epoch_end) and callback.params is None
