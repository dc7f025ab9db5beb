"""Finished runs that are trained further, and what refuses to be; tests/training/test_run.py kills them."""

import json
import shutil

import pytest

from kzoo.checks import Refusal
from kzoo.training import run
from kzoo.training.checkpoint import Checkpoint
from kzoo.training.extension import files_of_run
from tests.training.conftest import kill_after_an_epoch, signals_config

SETS = ("training.steps_per_epoch=2", "export.formats=[]", "data.validation=9", "training.keep=best")
SETS += ("training.jit_compile=false",)


def train(arrays, out, *sets, name="it"):
    return run.run(signals_config(arrays, *SETS, *sets), name, out)


@pytest.fixture(scope="module")
def two_epochs(arrays, tmp_path_factory):
    """The folder of a finished run of two epochs."""
    return train(arrays, tmp_path_factory.mktemp("runs"))[0]


def results(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    return (metrics["train"], metrics["epochs"], (folder / "history.csv").read_text())


@pytest.mark.large
def test_several_seeds(arrays, two_epochs, tmp_path):
    """Each goes on with its own state; data.json and files of others stay."""
    seeds = "training.seeds=[7, 0]"
    train(arrays, tmp_path, seeds, "training.epochs=1")
    (tmp_path / "it" / "notes.txt").write_text("mine")
    folder, metrics = train(arrays, tmp_path, seeds)
    assert {path.name for path in (folder / "seed_0" / "tensorboard").iterdir()} >= {"train", "validation"}
    assert results(folder / "seed_0") == results(two_epochs) != results(folder / "seed_7") and metrics["epochs"] == 2
    assert (folder / "notes.txt").read_text() == "mine" and (folder / "data.json").is_file()


def refusal(arrays, folder, *sets):
    with pytest.raises(Refusal) as caught:
        files_of_run(signals_config(arrays, *SETS, *sets), folder)
    return str(caught.value)


def test_what_is_refused(arrays, two_epochs, tmp_path):
    folder = shutil.copytree(two_epochs, tmp_path / "it")
    remedy = "choose another --run NAME or --out DIR, or --overwrite it."
    further = "train it further with --set training.epochs=N, N above 2"
    for epochs in (1, 2):
        got = refusal(arrays, folder, f"training.epochs={epochs}")
        assert got == f"{folder} is a finished run of 2 epochs: {further}, {remedy}"
    got = refusal(arrays, folder, "training.epochs=3", "data.batch_size=9", "export.formats=[onnx]")
    assert got.startswith(f"{folder} is a finished run of another config: data.batch_size: 10 -> 9. To train it")
    config = signals_config(arrays, *SETS, "training.epochs=3", "export.formats=[onnx]", "published.error=0.1")
    assert "state.npz" in map(str, files_of_run(config, folder))
    (folder / "state.npz").write_bytes(b"damaged")
    assert "state.npz cannot be resumed from" in refusal(arrays, folder, "training.epochs=3")
    (folder / "state.npz").unlink()
    assert f"{folder / 'state.npz'} is missing" in refusal(arrays, folder, "training.epochs=3")
    (folder / "search.yaml").touch()
    assert "is a finished search: extend it by `kzoo tune`" in refusal(arrays, folder, "training.epochs=3")


@pytest.mark.large
def test_into_the_next_stage(arrays, tmp_path):
    stages = "training.stages=[{epochs: 1}, {freeze: [stage1]}]"
    train(arrays, tmp_path, stages, "training.epochs=1")
    assert results(train(arrays, tmp_path, stages)[0]) == results(train(arrays, tmp_path, stages, name="other")[0])


def test_a_run_that_a_callback_stopped(arrays, tmp_path):
    """It would stop there again."""
    stop = "training.callbacks=[{class_name: EarlyStopping, config: {monitor: loss, patience: 1, min_delta: 99}}]"
    folder, metrics = train(arrays, tmp_path, stop, "training.epochs=5")
    assert metrics["epochs"] == 2
    assert "that a callback stopped after epoch 2" in refusal(arrays, folder, stop, "training.epochs=9")


def test_an_interrupted_run_may_be_resumed_with_other_epochs(arrays, two_epochs, tmp_path, monkeypatch):
    kill_after_an_epoch(monkeypatch, lambda: train(arrays, tmp_path, "training.epochs=9"))
    with pytest.raises(Refusal, match="had another config: .*training.keep: "):
        train(arrays, tmp_path, "training.epochs=2", "training.keep=last")
    kill_after_an_epoch(monkeypatch, lambda: train(arrays, tmp_path, "training.epochs=8"))  # its second epoch
    with pytest.raises(Refusal, match="had another config: training.epochs: 8 -> 1"):
        train(arrays, tmp_path, "training.epochs=1")
    assert Checkpoint(None, tmp_path / ".it.partial" / "state.npz").epoch == 2
    assert results(train(arrays, tmp_path)[0]) == results(two_epochs)
