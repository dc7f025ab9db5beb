"""Files of callbacks: what is restored, and that no file of others is overwritten. Kills: test_run.py."""

import contextlib
import os

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.training.callback_files import CallbackFiles, EpochBoard, copy_files
from kzoo.training.checkpoint import Checkpoint
from tests.training.test_checkpoint import Killed, Noise


def logger(path, **settings):
    return keras.callbacks.CSVLogger(str(path), **settings)


def models(path):
    return keras.callbacks.ModelCheckpoint(str(path))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files of three callbacks in a folder given as a relative path, whose name has characters of patterns."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "[it]").mkdir()
    board = keras.callbacks.TensorBoard("[it]/logs", write_graph=False)
    callbacks = [
        logger("[it]/log.csv"),
        models("[it]/m/{epoch:02d}-{loss:.2f}.keras"),
        board,
        keras.callbacks.History(),
    ]
    return CallbackFiles(callbacks, "[it]")


def test_record_and_restore(files):
    folder = files.folder
    write(folder / "log.csv", "epoch\n0\n")
    write(folder / "m/01-2.50.keras", "first")
    write(folder / "logs/train/events.out.tfevents.1", "abc")
    write(folder / "logs/train/embedding.h5", "weights")
    write(folder / "kept", "of no callback")
    recorded = files.record()
    assert recorded == {
        "log.csv": 8,
        "m/01-2.50.keras": None,
        "logs/train/events.out.tfevents.1": 3,
        "logs/train/embedding.h5": None,
    }
    before = {name: (folder / name).read_text() for name in names(folder)}
    for name, text in {"log.csv": "epoch\n0\n1\n", "logs/train/events.out.tfevents.1": "abcdef"}.items():
        write(folder / name, text)
    for name in ("m/02-1.00.keras", "logs/train/events.out.tfevents.2", "logs/validation/events.out.tfevents.3"):
        write(folder / name, "later")
    files.restore(recorded)
    assert {name: (folder / name).read_text() for name in names(folder)} == before
    files.restore(None)  # killed before the first checkpoint
    assert names(folder) == {"kept"}


def test_logs_that_lost_content_are_refused(files):
    write(files.folder / "log.csv", "epoch\n")
    recorded = files.record()
    for name, lose in {"shorter": lambda path: path.write_text("ep"), "missing": os.unlink}.items():
        lose(files.folder / "log.csv")
        with pytest.raises(Refusal, match="log.csv has lost content since the run's checkpoint: .* with --overwrite.$"):
            files.restore(recorded)
        assert name == "missing" or (files.folder / "log.csv").read_text() == "ep"
    files.restore({"m/1.keras": None})  # a model that was deleted by hand


def test_a_log_of_a_models_name_is_a_log(tmp_path):
    (tmp_path / "1.keras").write_text("epoch\n")
    files = CallbackFiles([logger(tmp_path / "1.keras"), models(tmp_path / "{epoch}.keras")], tmp_path)
    assert files.record() == {"1.keras": 6}


def test_a_record_reaches_no_other_file(files, tmp_path):
    other = tmp_path / "other"
    write(other, "a thesis")
    for name in (str(other), "../other"):
        with pytest.raises(Refusal, match="has lost content"):
            files.restore({name: 0})
    assert other.read_text() == "a thesis"


def test_files_outside(tmp_path):
    """Those of others are not overwritten, unless the user appends to them; the run's own are cut back."""
    folder, outside = tmp_path / "it", tmp_path / "outside"
    callbacks = [logger(outside / "log.csv"), models(outside / "{epoch}.keras"), EpochBoard(outside / "logs")]
    for name in ("log.csv", "3.keras", "logs/train/events.out.tfevents.1"):
        write(outside / name, "of others")
        with pytest.raises(Refusal, match=f"{name} exists and is not of this run: move it"):
            CallbackFiles(callbacks, folder).restore(None)
        assert (outside / name).read_text() == "of others"
        (outside / name).unlink()
    write(outside / "log.csv", "")  # left by a run that was killed in its first epoch
    files = CallbackFiles(callbacks, folder)
    files.restore(None)
    write(outside / "log.csv", "epoch\n")
    recorded = files.record()
    assert recorded == {str(outside / "log.csv"): 6}
    write(outside / "log.csv", "epoch\n0\n")
    write(outside / "3.keras", "perhaps of others")
    files.restore(recorded)
    assert (outside / "log.csv").read_text() == "epoch\n" and (outside / "3.keras").exists()
    appending = CallbackFiles([logger(outside / "log.csv", append=True)], folder)
    appending.restore(None)
    assert (outside / "log.csv").read_text() == "epoch\n"


def fit(folder, die_after=None):
    """Trains four epochs with two log files, and returns the text of the table."""
    folder.mkdir(exist_ok=True)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", run_eagerly=True)
    callbacks = [logger(folder / "log.csv"), keras.callbacks.TensorBoard(folder / "logs", update_freq=1)]
    files = CallbackFiles(callbacks, folder)
    checkpoint = Checkpoint(model, folder / "state.npz", callbacks, files)
    files.restore(checkpoint.state and checkpoint.state["files"])
    with contextlib.closing(files):
        model.fit(
            np.ones((4, 2)),
            np.ones((4, 1)),
            batch_size=2,
            initial_epoch=checkpoint.epoch,
            epochs=4,
            callbacks=[*callbacks, Noise(die_after), checkpoint],
            verbose=0,
        )
    return (folder / "log.csv").read_text()


def test_a_table_goes_on_where_its_checkpoint_was(tmp_path, monkeypatch):
    whole = fit(tmp_path / "whole")
    assert [row.split(",")[0] for row in whole.splitlines()] == ["epoch", "0", "1", "2", "3"]
    for die_after in (0, 1, 3):
        with pytest.raises(Killed):
            fit(tmp_path / "it", die_after)
        with open(tmp_path / "it" / "log.csv", "a") as file:  # a row whose epoch has no checkpoint
            file.write("9,")
    state = (tmp_path / "it" / "state.npz").rename(tmp_path / "moved.npz")
    (tmp_path / "it").rename(tmp_path / "moved")  # paths in a checkpoint are not used
    state.rename(tmp_path / "moved" / "state.npz")
    assert fit(tmp_path / "moved") == whole and not (tmp_path / "it").exists()
    assert fit(tmp_path / "moved") == whole  # nothing is left to train


def test_close(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    table, board = logger(tmp_path / "log.csv"), EpochBoard(tmp_path / "logs", write_graph=False)
    files = CallbackFiles([table, board], tmp_path)
    files.close()  # of a training that never started
    for callback in (table, board):
        callback.set_model(model)
        callback.on_train_begin()
    files.close()
    with pytest.raises(RuntimeError, match="already closed"), board._train_writer.as_default():
        pass
    assert table.csv_file.closed


def test_epoch_board_writes_into_no_other_board(tmp_path):
    board = EpochBoard(tmp_path)
    board.on_train_batch_begin(0)
    board.on_train_batch_end(0, {"loss": 1.0})
    assert board._global_train_batch == 0 and names(tmp_path) == set()


def test_copy_files(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    new.mkdir()
    own = ("state.npz", "metrics.json", "history.csv", "state.npz.writing")
    copied = {"log.csv", "m/1.keras", "m/history.csv", "tensorboard/train/events.out.tfevents.1"}
    for name in (*own, *copied):
        write(old / name, name)
    for _ in range(2):  # again after a kill
        copy_files(old, new)
    assert names(new) == copied
