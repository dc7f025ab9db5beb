"""Runs that are killed, interrupted, refused and overwritten, and end equal to an undisturbed run.

SIGKILL strikes children of a fork server that has imported TensorFlow once. Within this process a `Killed`, which no
`except Exception` catches, ends a run where a kill would.
"""

import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from tensorflow.python.framework.config import disable_op_determinism  # TensorFlow has no public way back

from kzoo.checks import Refusal
from kzoo.training import checkpoint, run, seed_run
from kzoo.training.config import read_config

SETS = [  # dropout, augmentation, momentum, a callback that counts, and weights kept from the middle
    "model={name: nielsen_6, filters: [3], fc_units: [6, 6]}",
    "training.epochs=4",
    "training.steps_per_epoch=6",
    "training.steps_per_call=3",
    "training.deterministic=true",
    "training.keep=best",
    "training.optimizer={class_name: SGD, config: {learning_rate: 0.1, momentum: 0.9}}",
    "training.callbacks=[{class_name: ReduceLROnPlateau, config: {monitor: loss, patience: 1, min_delta: 1.0}}]",
    "export.formats=[]",
]
SEED_FILES = {"README.md", "config.yaml", "confusion.png", "history.csv", "history.png", "metrics.json", "model.keras"}


class Killed(BaseException):
    """The end of a process, as far as one process can play it."""


@pytest.fixture(autouse=True, scope="module")
def determinism_ends_here():
    yield
    disable_op_determinism()


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """A data set of 60 and 20 noisy images of 12 x 12 in three classes."""
    path, draw = tmp_path_factory.mktemp("data") / "images.npz", np.random.default_rng(0)
    labels = {"train": draw.integers(0, 3, 60), "test": np.arange(20) % 3}
    images = {
        f"x_{split}": draw.normal(size=(len(y), 12, 12, 1)) + y[:, None, None, None] for split, y in labels.items()
    }
    np.savez(path, **images, **{f"y_{split}": y for split, y in labels.items()})
    return path


def small(arrays, *sets):
    """The small config, changed by `sets`."""
    data = f"data={{arrays: '{arrays}', batch_size: 10, validation: 20, augment: [{{class_name: kzoo>RandomShift, "
    return read_config("nielsen_6", [*SETS, data + "config: {pixels: 1}}]}", *sets])


def figures(folder):
    """All that must be equal to the last digit."""
    metrics = json.loads((folder / "metrics.json").read_text())
    kept = {key: metrics[key] for key in ("test", "train", "validation", "epochs", "steps", "parameters")}
    return kept, [file.read_text() for file in sorted(folder.rglob("history.csv"))]


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def strike(moment, stop=die):
    """Arrange for `stop` at a moment of the run to come."""
    word, _, count = moment.partition(" ")
    seen = iter(range(1, 10**6))

    def after(module, name, matches=lambda *args: True):
        """`stop` when `module.name` was called for the `count`-th time with arguments that match."""
        real = getattr(module, name)

        def call(*args, **settings):
            answer = real(*args, **settings)
            if matches(*args) and next(seen) == int(count or 1):
                stop()
            return answer

        setattr(module, name, call)

    def before_replace(matches):
        real = os.replace

        def replace(source, target):
            if matches(str(target)) and next(seen) == int(count or 1):
                stop()
            real(source, target)

        os.replace = replace

    if word == "period":
        after(checkpoint.Checkpoint, "on_epoch_end")
    elif word == "writing":  # the state's new file is there, the old one still counts
        before_replace(lambda target: target.endswith("state.pickle"))
    elif word == "evaluation":
        after(seed_run, "evaluate")
    elif word == "saved":
        after(seed_run, "sample")
    elif word == "figures":  # metrics.json is written, the state not yet removed
        after(seed_run, "write_atomically", lambda path, _: path.name == "metrics.json")
    elif word == "export":
        seed_run.export = lambda net, path, *_, **__: (net.export(str(path), verbose=False), stop())
    elif word == "rename":
        before_replace(lambda target: Path(target).name == "it")
    elif word == "cleaning":
        real = run.shutil.rmtree
        run.shutil.rmtree = lambda path, **k: stop() if str(path).endswith(".old") else real(path, **k)
    else:
        assert not moment


def child(arrays, out, sets, moment, overwrite):
    """One attempt in a process of its own; a Refusal is its exit code 2 and a file."""
    strike(moment)
    try:
        run.run(small(arrays, *sets), "it", out, overwrite)
    except Refusal as refusal:
        Path(out, "refusal").write_text(str(refusal))
        os._exit(2)


@pytest.fixture(scope="module")
def attempt(arrays):
    """A function that runs one attempt and returns its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kzoo.training.run", "matplotlib.figure", "sklearn.metrics"])

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
    """The folder and figures of a run that nothing disturbs, in this process."""
    out = tmp_path_factory.mktemp("undisturbed")
    folder, metrics = run.run(small(arrays), "it", out)
    assert metrics == json.loads((folder / "metrics.json").read_text())
    return folder, figures(folder)


def test_a_whole_folder(undisturbed):
    folder, (scores, (history,)) = undisturbed
    assert {path.name for path in folder.iterdir()} == SEED_FILES | {"tensorboard"}
    assert [path.name for path in folder.parent.iterdir()] == ["it"]  # no lock, no partial, no old
    assert len(history.splitlines()) == 5 and scores["steps"] == 24
    rates = [
        line.split(",")[history.splitlines()[0].split(",").index("learning_rate")] for line in history.splitlines()
    ]
    assert len(set(rates[1:])) > 1  # the callback has acted


def test_kills_do_not_show(attempt, undisturbed, tmp_path):
    """Kills at the moments that hurt most; each later attempt goes on, and the end is the undisturbed run's."""
    folder = tmp_path / ".it.partial"
    for moment in ("period 1", "writing 2", "period 1", "evaluation 2", "figures"):
        assert attempt(tmp_path, moment=moment) == -signal.SIGKILL, moment
        assert folder.is_dir() and not (tmp_path / "it").exists(), moment
        assert (folder / "state.pickle").exists(), moment
    # metrics.json is there, so there is nothing left but the rename, which is struck too
    assert attempt(tmp_path, moment="rename") == -signal.SIGKILL
    assert not (folder / "state.pickle").exists() and (folder / "metrics.json").exists()
    started = time.time()
    assert attempt(tmp_path) == 0
    assert os.path.getmtime(tmp_path / "it" / "metrics.json") < started  # nothing was trained again
    assert figures(tmp_path / "it") == undisturbed[1]
    assert {path.name for path in (tmp_path / "it").iterdir()} == SEED_FILES | {"tensorboard"}
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_killed_in_the_export_and_while_replacing(attempt, undisturbed, tmp_path):
    """The old run stays whole until the new one is; between the two renames it is put back at the next start."""
    short = ["training.epochs=1", "training.seeds=[5]"]
    assert attempt(tmp_path, *short) == 0
    old = figures(tmp_path / "it")
    exporting = "export.formats=[saved_model]"
    assert attempt(tmp_path, exporting, moment="export", overwrite=True) == -signal.SIGKILL
    assert figures(tmp_path / "it") == old
    assert attempt(tmp_path, exporting, moment="rename 1", overwrite=True) == -signal.SIGKILL
    assert not (tmp_path / "it").exists() and figures(tmp_path / ".it.old") == old
    assert attempt(tmp_path, exporting) == 2
    assert "is a finished run" in (tmp_path / "refusal").read_text()
    assert figures(tmp_path / "it") == old
    assert attempt(tmp_path, exporting, moment="cleaning", overwrite=True) == -signal.SIGKILL
    assert figures(tmp_path / "it") == undisturbed[1] and (tmp_path / ".it.old").exists()
    assert (tmp_path / "it" / "saved_model" / "saved_model.pb").exists()
    assert attempt(tmp_path, exporting) == 2  # and tidies up
    assert not (tmp_path / ".it.old").exists() and figures(tmp_path / "it") == undisturbed[1]


@pytest.mark.large
def test_ten_random_kills(attempt, undisturbed, tmp_path):
    draw, killed = random.Random(0), 0
    while killed < 10:
        code = attempt(tmp_path, patience=draw.uniform(0.3, 6))
        if code == 0:  # done before ten: once more from the start, to be killed on
            assert figures(tmp_path / "it") == undisturbed[1]
            os.rename(tmp_path / "it", tmp_path / f"done_{killed}")
        else:
            assert code == -signal.SIGKILL
            killed += 1
    assert attempt(tmp_path) == 0
    assert figures(tmp_path / "it") == undisturbed[1]


def test_interrupted_by_hand(arrays, undisturbed, tmp_path, monkeypatch):
    """Ctrl-C goes through, the lock is freed, and the next start goes on; so does an exception of any other kind."""
    real, periods = checkpoint.Checkpoint.on_epoch_end, []

    def on_epoch_end(self, epoch, logs=None):
        real(self, epoch, logs)
        periods.append(epoch)
        if len(periods) == 2:
            raise KeyboardInterrupt
        if len(periods) == 3:
            raise RuntimeError("of another kind")

    monkeypatch.setattr(checkpoint.Checkpoint, "on_epoch_end", on_epoch_end)
    with pytest.raises(KeyboardInterrupt):
        run.run(small(arrays), "it", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".it.partial"]
    with pytest.raises(RuntimeError):
        run.run(small(arrays), "it", tmp_path)
    folder, _ = run.run(small(arrays), "it", tmp_path)
    assert periods == [0, 1, 2, 3] and figures(folder) == undisturbed[1]


def test_several_seeds_one_killed(arrays, undisturbed, tmp_path, monkeypatch):
    sets = ["training.seeds=[0, 3]"]
    trained, seed_run_evaluate = [], seed_run.evaluate

    def evaluate(trainer, split, config):
        trained.append(split)
        if len(trained) == 5:  # the second seed's second split
            raise Killed
        return seed_run_evaluate(trainer, split, config)

    monkeypatch.setattr(seed_run, "evaluate", evaluate)
    with pytest.raises(Killed):
        run.run(small(arrays, *sets), "it", tmp_path)
    first = tmp_path / ".it.partial" / "seed_0" / "metrics.json"
    written = first.read_text()
    (first.parent / "state.pickle").write_text("left by a kill between the last two steps")
    folder, metrics = run.run(small(arrays, *sets), "it", tmp_path)
    assert len(trained) == 5 + 3  # the first seed was not evaluated again
    assert (folder / "seed_0" / "metrics.json").read_text() == written
    assert figures(folder / "seed_0") == undisturbed[1] and figures(folder / "seed_3") != undisturbed[1]
    assert {path.name for path in folder.iterdir()} == {"seed_0", "seed_3", "README.md", "config.yaml", "metrics.json"}
    for seed in ("seed_0", "seed_3"):
        assert {path.name for path in (folder / seed).iterdir()} == SEED_FILES | {"tensorboard"}
    each = [json.loads((folder / f"seed_{seed}" / "metrics.json").read_text()) for seed in (0, 3)]
    assert metrics["seeds"] == [0, 3] and metrics["test"]["errors"] == [m["test"]["error"] for m in each]
    assert metrics["test"]["loss"] == pytest.approx(np.mean([m["test"]["loss"] for m in each]))
    assert metrics["export"] == {"max_difference": 0.0} and metrics == json.loads((folder / "metrics.json").read_text())


@pytest.fixture
def begun(arrays, tmp_path, monkeypatch):
    """A folder with a run that was killed after its first period."""
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


def test_a_changed_config_refuses(arrays, begun):
    sets = ["training.epochs=5", "data.batch_size=5", "training.callbacks=[]"]
    got = refusal(run.run, small(arrays, *sets), "it", begun)
    assert got.startswith(
        f"an interrupted run at {begun / '.it.partial'} had another config: data.batch_size: 10 -> 5; "
    )
    assert "training.epochs: 4 -> 5; " in got and "training.callbacks" in got and "--overwrite" in got
    assert checkpoint.Checkpoint(None, begun / ".it.partial" / "state.pickle").epoch == 1  # untouched
    config = small(arrays, "training.epochs=1", "training.seeds=[9]")
    folder, metrics = run.run(config, "it", begun, overwrite=True)
    assert metrics["seed"] == 9 and metrics["epochs"] == 1 and not (begun / ".it.partial").exists()


def test_a_search_in_the_config_does_not_change_a_run(arrays, begun, undisturbed):
    space = "search={trials: 3, space: {training.epochs: {int: [1, 4]}}, validation: 0.2}"
    folder, metrics = run.run(small(arrays, space), "it", begun)
    assert figures(folder) == undisturbed[1]
    assert metrics["config_sha256"] == json.loads((undisturbed[0] / "metrics.json").read_text())["config_sha256"]


def test_a_damaged_state_refuses(arrays, begun, undisturbed):
    state = begun / ".it.partial" / "state.pickle"
    state.write_bytes(state.read_bytes()[:100])
    got = refusal(run.run, small(arrays), "it", begun)
    assert got.startswith(f"{state} cannot be gone on from (") and state.exists()
    state.unlink()  # as the message says
    assert figures(run.run(small(arrays), "it", begun)[0]) == undisturbed[1]


def test_nothing_trained_yet_is_begun_anew(arrays, tmp_path, monkeypatch):
    """Killed before the first period, or refused by the data: nothing is worth keeping, so nothing refuses."""
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
    assert got == f"{folder} is a finished run: choose another --run NAME or --out DIR, or --overwrite it."
    assert figures(folder) == found and [path.name for path in folder.parent.iterdir()] == ["it"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_run_is_never_overwritten(arrays, tmp_path, kind):
    thing = tmp_path / "it"
    thing.mkdir() if kind == "folder" else thing.write_text("a thesis")
    assert "is no run of kzoo, so it is not overwritten" in refusal(run.run, small(arrays), "it", tmp_path, True)
    assert thing.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/x", ".hidden", "a\nb", "a\0b", "x/", "\udcff"])
def test_names_must_be_plain(tmp_path, name):
    assert refusal(run.run, None, name, tmp_path) == f"run expects a plain name; received name={name!r}."
    assert list(tmp_path.iterdir()) == []


def test_odd_names_are_fine(arrays, tmp_path):
    name = "ünï [b] $\\frac$ 名"
    folder, _ = run.run(small(arrays, "training.epochs=1"), name, tmp_path)
    assert folder.name == name and (folder / "metrics.json").exists()


def test_a_second_process_is_refused(arrays, tmp_path):
    with run.file_lock(tmp_path / ".it.lock", "it"):
        got = refusal(run.run, small(arrays), "it", tmp_path)
        assert got == "another process is training 'it' here; choose another --run NAME."
        assert (tmp_path / ".it.lock").exists()  # still the first one's
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".it.lock").touch()  # left by a kill: held by nobody
    with run.file_lock(tmp_path / ".it.lock", "it"):
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

    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(PermissionError, match=".it.lock"):
        run.run(small(arrays), "it", tmp_path)


def test_divergence_says_so(arrays, tmp_path):
    sets = ["training.optimizer.config.learning_rate=3e38", "training.epochs=2", "training.keep=last"]
    for _ in range(2):  # the second start finds it all trained
        got = refusal(run.run, small(arrays, *sets), "it", tmp_path)
        assert got == "it: training diverged to a loss of nan; try a smaller learning rate, with --overwrite."
    assert not (tmp_path / "it").exists()


def test_parts_that_do_not_fit_are_one_line(arrays, tmp_path):
    got = refusal(run.run, small(arrays, "training.loss=CategoricalCrossentropy"), "it", tmp_path)
    assert got.startswith("it cannot be trained so: ") and "shape" in got
    assert list(tmp_path.iterdir()) == []


def test_callbacks_that_stop_early(arrays, tmp_path):
    stop = "training.callbacks=[{class_name: EarlyStopping, config: {monitor: loss, patience: 1, min_delta: 5}}]"
    folder, metrics = run.run(small(arrays, stop, "training.epochs=9"), "it", tmp_path)
    assert metrics["epochs"] == 2 and metrics["steps"] == 12
    assert len((folder / "history.csv").read_text().splitlines()) == 3


def test_finished(undisturbed, capsys):
    folder, _ = undisturbed
    run.finished("a title", folder, json.loads((folder / "metrics.json").read_text()))
    told = capsys.readouterr()
    assert "a title" in told.out and "test error" in told.out
    assert "published" in told.out


def test_begin_and_trained(arrays, tmp_path):
    partial = tmp_path / "p"
    assert not run.trained(partial)
    run.begin(small(arrays), partial, False)
    assert [path.name for path in partial.iterdir()] == ["config.yaml"] and not run.trained(partial)
    (partial / "seed_0").mkdir()
    (partial / "seed_0" / "state.pickle").touch()
    assert run.trained(partial)
    run.begin(small(arrays), partial, True)  # the same config is gone on with, even when overwriting
    assert (partial / "seed_0" / "state.pickle").exists()
    run.begin(small(arrays, "training.epochs=2"), partial, True)
    assert not (partial / "seed_0").exists()
