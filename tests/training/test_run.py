"""Runs that are killed, interrupted, refused and overwritten: they end equal to an undisturbed run.

Child processes get a SIGKILL. Within this process `Killed`, which no `except Exception` catches, simulates it.
"""

import io
import json
import os
import random
import signal
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorflow.python.framework.config import disable_op_determinism  # TensorFlow has no public way back

from kzoo import files
from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.config.yaml_file import read_yaml
from kzoo.processes import forkserver
from kzoo.training import checkpoint, run, seed_run

CALLBACKS = [  # one that counts, and those that write files
    {"class_name": "ReduceLROnPlateau", "config": {"monitor": "loss", "patience": 1, "min_delta": 1.0}},
    {"class_name": "CSVLogger", "config": {"filename": "logs/log.csv", "separator": ";"}},
    {"class_name": "ModelCheckpoint", "config": {"filepath": "models/{epoch:02d}-{loss:.3f}.keras"}},
    {"class_name": "ModelCheckpoint", "config": {"filepath": "best.keras", "save_best_only": True}},
    {
        "class_name": "ModelCheckpoint",
        "config": {"filepath": "{batch}.weights.h5", "save_weights_only": True, "save_freq": 3},
    },
    {"class_name": "TensorBoard", "config": {"update_freq": 1, "histogram_freq": 1, "embeddings_freq": 2}},
]
SETS = [  # dropout, augmentation, momentum, callbacks, and weights kept from the middle
    "model={name: nielsen_6, filters: [3], fc_units: [6, 6]}",
    "training.epochs=4",
    "training.steps_per_epoch=6",
    "training.steps_per_call=3",
    "training.deterministic=true",
    "training.keep=best",
    "training.optimizer={class_name: SGD, config: {learning_rate: 0.1, momentum: 0.9}}",
    f"training.callbacks={json.dumps(CALLBACKS)}",
    "export.formats=[]",
]
SEED_FILES = {"README.md", "config.yaml", "history.csv", "history.png", "metrics.json", "model.keras"}
SEED_FILES |= {"classes.csv", "confusion.png", "filters.png", "mistakes.png", "predictions.csv", "state.npz"}
CALLBACK_FILES = {"logs", "models", "best.keras", "1.weights.h5", "2.weights.h5"}


class Killed(BaseException):
    """Simulates the end of a process within the process."""


@pytest.fixture(autouse=True, scope="module")
def determinism_ends_here():
    yield
    disable_op_determinism()


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """A dataset of 60 and 20 noisy images of 12 x 12 in three classes."""
    path, draw = tmp_path_factory.mktemp("data") / "images.npz", np.random.default_rng(0)
    labels = {"train": draw.integers(0, 3, 60), "test": np.arange(20) % 3}
    images = {
        f"x_{split}": draw.normal(size=(len(y), 12, 12, 1)) + y[:, None, None, None] for split, y in labels.items()
    }
    np.savez(path, **images, **{f"y_{split}": y for split, y in labels.items()})
    return path


def small(arrays, *sets):
    """Returns the small config, changed by `sets`."""
    data = f"data={{arrays: '{arrays}', batch_size: 10, validation: 20, augment: [{{class_name: kzoo>RandomShift, "
    return read_config("nielsen_6", [*SETS, data + "config: {pixels: 1}}]}", *sets])


def results(folder):
    """Returns everything that must be equal to the last digit."""
    metrics = json.loads((folder / "metrics.json").read_text())
    kept = {key: metrics[key] for key in ("test", "train", "validation", "epochs", "steps", "parameters")}
    return kept, [file.read_text() for file in sorted(folder.rglob("history.csv"))], callback_files(folder)


def callback_files(folder):
    """Returns {path: content} of what callbacks wrote: text, weights, and the events of a folder's files together."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name, of_folder = (str(each.relative_to(folder)) for each in (path, path.parent))
        if path.suffix in (".keras", ".h5"):
            found[name] = weights(path)
        elif path.suffix == ".csv":
            found[name] = path.read_text()
        elif "tfevents" in name:
            found[of_folder] = sorted([*found.get(of_folder, ()), *events(path)])
    return found


def weights(path):
    """Returns {path: values} of the arrays in a file of a model or of weights."""
    content, found = path.read_bytes(), {}
    if path.suffix == ".keras":
        content = zipfile.ZipFile(io.BytesIO(content)).read("model.weights.h5")
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(lambda name, each: found.update({name: each[()].tolist()} if hasattr(each, "shape") else {}))
    return found


def events(path):
    """Returns (step, tag, value) of the events in a file, whose times are left out, and pictures that name the run."""
    values = [(event.step, value) for event in EventFileLoader(str(path)).Load() for value in event.summary.value]
    return [(step, v.tag, v.tensor.SerializeToString()) for step, v in values if v.tag != "confusion"]


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def strike(moment, stop=die):
    """Patches the run so that `stop` is called at a given moment."""
    word, _, count = moment.partition(" ")
    seen = iter(range(1, 10**6))

    def after(module, name, matches=lambda *args: True):
        """Calls `stop` after the `count`-th call of `module.name` with arguments that match."""
        real = getattr(module, name)

        def call(*args, **settings):
            result = real(*args, **settings)
            if matches(*args) and next(seen) == int(count or 1):
                stop()
            return result

        setattr(module, name, call)

    def before_replace(matches):
        real = os.replace

        def replace(source, target):
            if matches(str(target)) and next(seen) == int(count or 1):
                stop()
            real(source, target)

        os.replace = replace

    if word == "epoch":
        after(checkpoint.Checkpoint, "on_epoch_end")
    elif word == "writing":  # the new checkpoint is written, the old one not yet replaced
        before_replace(lambda target: target.endswith("state.npz"))
    elif word == "evaluation":
        after(seed_run, "evaluate")
    elif word == "saved":
        after(seed_run, "inference_model")
    elif word == "mistakes":  # written next to their place, after predictions.csv
        before_replace(lambda target: target.endswith("mistakes.png"))
    elif word == "metrics":  # metrics.json is written, the checkpoint not yet removed
        after(seed_run, "write_atomically", lambda path, _: path.name == "metrics.json")
    elif word == "export":
        seed_run.export = lambda model, path, *_, **__: (model.export(str(path), verbose=False), stop())
    elif word == "extending":  # the files of the finished run are copied
        before_replace(lambda target: Path(target).name == ".it.partial")
    elif word == "rename":
        before_replace(lambda target: Path(target).name == "it")
    elif word == "cleaning":
        real = files.remove
        files.remove = lambda path: stop() if path.name.endswith(".old") else real(path)
    else:
        assert not moment


def child(arrays, out, sets, moment, overwrite):
    """Makes one attempt in its own process; a Refusal becomes exit code 2 and a file."""
    strike(moment)
    try:
        run.run(small(arrays, *sets), "it", out, overwrite)
    except Refusal as refusal:
        Path(out, "refusal").write_text(str(refusal))
        os._exit(2)


@pytest.fixture(scope="module")
def attempt(arrays):
    """Returns a function that makes one attempt and returns its exit code."""
    context = forkserver(["kzoo.training.run", "matplotlib.figure", "sklearn.metrics"])

    def start(out, *sets, moment="", overwrite=False, patience=None):
        process = context.Process(target=child, args=(arrays, out, sets, moment, overwrite))
        process.start()
        process.join(patience)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode

    return start


@pytest.fixture(scope="module")
def undisturbed(arrays, tmp_path_factory):
    """The folder and results of an undisturbed run in this process."""
    out = tmp_path_factory.mktemp("undisturbed")
    folder, metrics = run.run(small(arrays), "it", out)
    assert metrics == json.loads((folder / "metrics.json").read_text())
    return folder, results(folder)


def test_a_whole_folder(undisturbed):
    folder, (scores, (history,), written) = undisturbed
    assert {path.name for path in folder.iterdir()} == SEED_FILES | CALLBACK_FILES | {"data.json", "tensorboard"}
    assert [path.name for path in folder.parent.iterdir()] == ["it"]  # no lock, no partial, no old
    assert len(history.splitlines()) == 5 and scores["steps"] == 24
    rates = [
        line.split(",")[history.splitlines()[0].split(",").index("learning_rate")] for line in history.splitlines()
    ]
    assert len(set(rates[1:])) > 1  # the callback has acted


EACH_MOMENT = ("epoch 1", "writing 2", "epoch 1", "mistakes", "metrics")


@pytest.mark.parametrize("moments", [("writing 2",), pytest.param(EACH_MOMENT, marks=pytest.mark.large)], ids=len)
def test_kills_do_not_show(attempt, undisturbed, tmp_path, moments):
    """Kills at the worst moments: each later attempt resumes, and the results are those of the undisturbed run."""
    folder = tmp_path / ".it.partial"
    for moment in moments:
        assert attempt(tmp_path, moment=moment) == -signal.SIGKILL, moment
        assert folder.is_dir() and not (tmp_path / "it").exists(), moment
        assert (folder / "state.npz").exists(), moment
    # only the rename is left; it is killed too
    assert attempt(tmp_path, moment="rename") == -signal.SIGKILL
    assert (folder / "metrics.json").exists()
    started = time.time()
    assert attempt(tmp_path) == 0
    assert os.path.getmtime(tmp_path / "it" / "metrics.json") < started  # nothing was trained again
    assert results(tmp_path / "it") == undisturbed[1]
    assert {path.name for path in (tmp_path / "it").iterdir()} == SEED_FILES | CALLBACK_FILES | {
        "data.json",
        "tensorboard",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


@pytest.mark.large
def test_killed_in_the_export_and_while_replacing(attempt, undisturbed, tmp_path):
    """The old run stays until the new one is complete; after a kill between the renames the next start restores it."""
    short = ["training.epochs=1", "training.seeds=[5]"]
    assert attempt(tmp_path, *short) == 0
    old = results(tmp_path / "it")
    exporting = "export.formats=[saved_model]"
    assert attempt(tmp_path, exporting, moment="export", overwrite=True) == -signal.SIGKILL
    assert results(tmp_path / "it") == old
    assert attempt(tmp_path, exporting, moment="rename 1", overwrite=True) == -signal.SIGKILL
    assert not (tmp_path / "it").exists() and results(tmp_path / ".it.old") == old
    assert attempt(tmp_path, exporting) == 2
    assert "is a finished run" in (tmp_path / "refusal").read_text()
    assert results(tmp_path / "it") == old
    assert attempt(tmp_path, exporting, moment="cleaning", overwrite=True) == -signal.SIGKILL
    assert results(tmp_path / "it") == undisturbed[1] and (tmp_path / ".it.old").exists()
    assert (tmp_path / "it" / "saved_model" / "saved_model.pb").exists()
    assert attempt(tmp_path, exporting) == 2  # and removes the old run
    assert not (tmp_path / ".it.old").exists() and results(tmp_path / "it") == undisturbed[1]


@pytest.mark.large
def test_a_finished_run_is_trained_further(arrays, attempt, undisturbed, tmp_path):
    """Killed at the worst moments: the finished run stays until the longer one equals one of as many epochs."""
    run.run(small(arrays, "training.epochs=2"), "it", tmp_path)
    short = results(tmp_path / "it")
    for moment, name in {"extending": "it", "epoch 1": "it", "evaluation 2": "it", "rename": ".it.old"}.items():
        assert attempt(tmp_path, moment=moment) == -signal.SIGKILL, moment
        assert results(tmp_path / name) == short, moment
    assert attempt(tmp_path) == 0
    assert results(tmp_path / "it") == undisturbed[1]
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert {path.name for path in (tmp_path / "it").iterdir()} == {path.name for path in undisturbed[0].iterdir()}


@pytest.mark.large
def test_ten_random_kills(attempt, undisturbed, tmp_path):
    draw, killed = random.Random(0), 0
    while killed < 10:
        code = attempt(tmp_path, patience=draw.uniform(0.3, 6))
        if code == 0:  # finished before the tenth kill: start again
            assert results(tmp_path / "it") == undisturbed[1]
            os.rename(tmp_path / "it", tmp_path / f"done_{killed}")
        else:
            assert code == -signal.SIGKILL
            killed += 1
    assert attempt(tmp_path) == 0
    assert results(tmp_path / "it") == undisturbed[1]


@pytest.mark.large
def test_interrupted_by_hand(arrays, undisturbed, tmp_path, monkeypatch):
    """Ctrl-C and other exceptions propagate, the lock is released, and the next start resumes."""
    real, epochs = checkpoint.Checkpoint.on_epoch_end, []

    def on_epoch_end(self, epoch, logs=None):
        real(self, epoch, logs)
        epochs.append(epoch)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        if len(epochs) == 3:
            raise RuntimeError("of another kind")

    monkeypatch.setattr(checkpoint.Checkpoint, "on_epoch_end", on_epoch_end)
    with pytest.raises(KeyboardInterrupt):
        run.run(small(arrays), "it", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".it.partial"]
    with pytest.raises(RuntimeError):
        run.run(small(arrays), "it", tmp_path)
    folder, _ = run.run(small(arrays), "it", tmp_path)
    assert epochs == [0, 1, 2, 3] and results(folder) == undisturbed[1]


@pytest.mark.large
def test_several_seeds_one_killed(arrays, undisturbed, tmp_path, monkeypatch):
    sets = ["training.seeds=[0, 3]"]
    trained, seed_run_evaluate = [], seed_run.evaluate

    def evaluate(*args):
        trained.append(args)
        if len(trained) == 5:  # the second seed's second split
            raise Killed
        return seed_run_evaluate(*args)

    monkeypatch.setattr(seed_run, "evaluate", evaluate)
    with pytest.raises(Killed):
        run.run(small(arrays, *sets), "it", tmp_path)
    first = tmp_path / ".it.partial" / "seed_0" / "metrics.json"
    written = first.read_text()
    folder, metrics = run.run(small(arrays, *sets), "it", tmp_path)
    assert len(trained) == 5 + 3  # the first seed was not evaluated again
    assert (folder / "seed_0" / "metrics.json").read_text() == written
    assert results(folder / "seed_0") == undisturbed[1] and results(folder / "seed_3") != undisturbed[1]
    assert {path.name for path in folder.iterdir()} == {
        "seed_0",
        "seed_3",
        "README.md",
        "config.yaml",
        "data.json",
        "metrics.json",
    }
    for seed in ("seed_0", "seed_3"):
        assert {path.name for path in (folder / seed).iterdir()} == SEED_FILES | CALLBACK_FILES | {"tensorboard"}
    each = [json.loads((folder / f"seed_{seed}" / "metrics.json").read_text()) for seed in (0, 3)]
    assert metrics["seeds"] == [0, 3] and metrics["test"]["errors"] == [m["test"]["error"] for m in each]
    assert metrics["test"]["loss"] == pytest.approx(np.mean([m["test"]["loss"] for m in each]))
    assert metrics["export"] == {"max_difference": None, "formats": {}} and metrics == json.loads(
        (folder / "metrics.json").read_text()
    )


@pytest.fixture
def interrupted(arrays, tmp_path, monkeypatch):
    """A folder with a run that was killed after its first epoch."""
    real = checkpoint.Checkpoint.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        real(self, epoch, logs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "on_epoch_end", on_epoch_end)
        with pytest.raises(Killed):
            run.run(small(arrays), "it", tmp_path)
    return tmp_path


def refusal(call, *args, **settings):
    with pytest.raises(Refusal) as caught:
        call(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_changed_config_refuses(arrays, interrupted):
    sets = ["training.epochs=5", "data.batch_size=5", "training.callbacks=[]"]
    got = refusal(run.run, small(arrays, *sets), "it", interrupted)
    assert got.startswith(
        f"an interrupted run at {interrupted / '.it.partial'} had another config: data.batch_size: 10 -> 5; "
    )
    assert "training.epochs: 4 -> 5; " in got and "training.callbacks" in got and "--overwrite" in got
    assert checkpoint.Checkpoint(None, interrupted / ".it.partial" / "state.npz").epoch == 1  # untouched
    config = small(arrays, "training.epochs=1", "training.seeds=[9]")
    folder, metrics = run.run(config, "it", interrupted, overwrite=True)
    assert metrics["seed"] == 9 and metrics["epochs"] == 1 and not (interrupted / ".it.partial").exists()


@pytest.mark.large
def test_a_search_in_the_config_does_not_change_a_run(arrays, interrupted, undisturbed):
    space = "search={trials: 3, space: {training.epochs: {int: [1, 4]}}, validation: 0.2}"
    folder, metrics = run.run(small(arrays, space), "it", interrupted)
    assert results(folder) == undisturbed[1]
    assert metrics["config_sha256"] == json.loads((undisturbed[0] / "metrics.json").read_text())["config_sha256"]


@pytest.mark.large
def test_a_damaged_state_refuses(arrays, interrupted, undisturbed):
    state = interrupted / ".it.partial" / "state.npz"
    state.write_bytes(state.read_bytes()[:100])
    got = refusal(run.run, small(arrays), "it", interrupted)
    assert got.startswith(f"{state} cannot be resumed from (") and state.exists()
    state.unlink()  # as the message says
    assert results(run.run(small(arrays), "it", interrupted)[0]) == undisturbed[1]


def test_damaged_files_are_given_up_only_when_asked(arrays, interrupted):
    """Each is refused in one line that names `--overwrite`, which discards the run and starts it again."""
    partial = interrupted / ".it.partial"
    whole = {path.name: path.read_bytes() for path in partial.iterdir() if path.is_file()}
    config = read_yaml(partial / "config.yaml")
    for name, content in {
        "state.pickle": b"",
        "state.npz": b"damaged",
        "config.yaml": b"training: [",
        "metrics.json": b"{}",
        "link": None,
    }.items():
        broken = partial / name
        broken.symlink_to("/etc") if content is None else broken.write_bytes(content)
        got = refusal(run.run, small(arrays), "it", interrupted)
        assert "--overwrite" in got and name in got, name
        run.prepare_partial(small(arrays).model_copy(update={"search": None}), partial, True)
        assert [path.name for path in partial.iterdir()] == ["config.yaml"], name
        assert read_yaml(partial / "config.yaml") == config
        for file, old in whole.items():
            (partial / file).write_bytes(old)


def test_without_a_checkpoint_a_run_starts_again(arrays, tmp_path, monkeypatch):
    """Killed before the first epoch, or refused because of the data: nothing is kept, so nothing is refused."""
    monkeypatch.setattr(seed_run, "fit", die_softly)
    with pytest.raises(Killed):
        run.run(small(arrays), "it", tmp_path)
    with pytest.raises(Killed):
        run.run(small(arrays, "training.epochs=9"), "it", tmp_path)
    assert "at most the 40 examples" in refusal(
        call_unpatched, monkeypatch, small(arrays, "data.batch_size=41"), tmp_path
    )
    assert list(tmp_path.iterdir()) == []


def die_softly(*_, **__):
    raise Killed


def call_unpatched(monkeypatch, config, out):
    monkeypatch.undo()
    run.run(config, "it", out)


def test_a_finished_run_refuses(arrays, undisturbed):
    folder, found = undisturbed
    got = refusal(run.run, small(arrays), "it", folder.parent)
    assert got == (
        f"{folder} is a finished run of 4 epochs: train it further with --set training.epochs=N, N above 4, choose "
        "another --run NAME or --out DIR, or --overwrite it."
    )
    assert results(folder) == found and [path.name for path in folder.parent.iterdir()] == ["it"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_run_is_never_overwritten(arrays, tmp_path, kind):
    thing = tmp_path / "it"
    thing.mkdir() if kind == "folder" else thing.write_text("a thesis")
    assert "is not a run of kzoo, so --overwrite does not replace it" in refusal(
        run.run, small(arrays), "it", tmp_path, True
    )
    assert thing.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/x", ".hidden", "a\nb", "a\0b", "x/", "\udcff"])
def test_names_must_be_plain(tmp_path, name):
    assert refusal(run.run, None, name, tmp_path) == f"run expects a plain name; received name={name!r}."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.large
def test_odd_names_are_fine(arrays, tmp_path):
    name = "ünï [b] $\\frac$ 名"
    folder, _ = run.run(small(arrays, "training.epochs=1"), name, tmp_path)
    assert folder.name == name and (folder / "metrics.json").exists()


def test_a_second_process_is_refused(arrays, tmp_path):
    with files.file_lock(tmp_path / ".it.lock", "it"):
        got = refusal(run.run, small(arrays), "it", tmp_path)
        assert got == "another process is training 'it' here; choose another --run NAME."
        assert (tmp_path / ".it.lock").exists()  # still the first one's
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".it.lock").touch()  # left by a kill: held by nobody
    with files.file_lock(tmp_path / ".it.lock", "it"):
        pass


def test_disk_trouble_is_one_line(arrays, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        run.run(small(arrays), "it", tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        run.run(small(arrays), "it", tmp_path / "file" / "below")
    with pytest.raises(OSError, match="too long"):
        run.run(small(arrays), "x" * 300, tmp_path)

    def full(path, mode="r", **settings):
        raise PermissionError(13, "Permission denied", str(path))

    config = small(arrays)
    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(PermissionError, match=".it.lock"):
        run.run(config, "it", tmp_path)


def test_divergence_says_so(arrays, tmp_path):
    sets = ["training.optimizer.config.learning_rate=3e38", "training.epochs=2", "training.keep=last"]
    for _ in range(2):  # the second start finds it all trained
        got = refusal(run.run, small(arrays, *sets), "it", tmp_path)
        assert got == "it: training diverged to a loss of nan; try a smaller learning rate, with --overwrite."
    assert not (tmp_path / "it").exists()


def test_parts_that_do_not_fit_are_one_line(arrays, tmp_path):
    got = refusal(run.run, small(arrays, "training.loss=CTC"), "it", tmp_path)
    assert got.startswith("it cannot be trained with this config: ") and "shape" in got
    assert list(tmp_path.iterdir()) == []


@pytest.mark.large
def test_callbacks_that_stop_early(arrays, tmp_path):
    stop = "training.callbacks=[{class_name: EarlyStopping, config: {monitor: loss, patience: 1, min_delta: 5}}]"
    folder, metrics = run.run(small(arrays, stop, "training.epochs=9"), "it", tmp_path)
    assert metrics["epochs"] == 2 and metrics["steps"] == 12
    assert len((folder / "history.csv").read_text().splitlines()) == 3


def test_print_finished(undisturbed, capsys):
    folder, _ = undisturbed
    run.print_finished("a title", folder, json.loads((folder / "metrics.json").read_text()))
    out = capsys.readouterr().out
    assert "a title" in out and "test error" in out and "published" in out


def test_prepare_partial(arrays, tmp_path):
    partial = tmp_path / "p"
    assert not run.can_resume(partial)
    run.prepare_partial(small(arrays), partial, False)
    assert [path.name for path in partial.iterdir()] == ["config.yaml"] and not run.can_resume(partial)
    (partial / "seed_0").mkdir()
    (partial / "seed_0" / "state.npz").touch()
    assert run.can_resume(partial)
    run.prepare_partial(small(arrays), partial, False)
    assert (partial / "seed_0" / "state.npz").exists()
    run.prepare_partial(small(arrays, "training.epochs=2"), partial, True)
    assert not (partial / "seed_0").exists()
