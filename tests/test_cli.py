"""The command line: what each command prints, one line and exit code 2 for each misuse, a report for each fault."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kzoo import cli
from kzoo.checks import Refusal
from kzoo.models.registry import list_models, model
from kzoo.training.checkpoint import Checkpoint

ROOT = Path(cli.__file__).parents[1]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """A function that runs `kzoo ARGS` in an empty folder and returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KZOO_CACHE_DIR", str(tmp_path.with_name(f"{tmp_path.name}_cache")))
    monkeypatch.setenv("KZOO_DEBUG", "0")
    monkeypatch.setenv("KZOO_ALLOW_OUTSIDE", "0")

    def run(*args):
        with pytest.raises(SystemExit) as caught:
            cli.main(list(args))
        printed = capsys.readouterr()
        return caught.value.code, printed.out, printed.err

    return run


@pytest.fixture
def misuse(call):
    """A function that runs `kzoo ARGS`, which must be refused in one line, and returns that line."""

    def run(*args):
        code, out, err = call(*args)
        assert (code, out) == (2, ""), (code, out)
        assert err.startswith("kzoo: ") and err.count("\n") == 1 and err.endswith("\n"), err
        return err.removeprefix("kzoo: ").rstrip("\n")

    return run


@pytest.fixture
def arrays(tmp_path):
    """The --set that makes a run use a small file of signals."""
    y = np.arange(30) % 3
    np.savez(tmp_path / "s.npz", x_train=np.random.default_rng(0).normal(size=(30, 12, 1)), y_train=y)
    return "--set=data={arrays: s.npz, batch_size: 10}"


SMALL = ["--set=training.epochs=1", "--set=training.steps_per_epoch=2", "--set=training.steps_per_call=1"]


@pytest.mark.parametrize(
    "args, words",
    [
        (["trian"], "No such command 'trian'"),
        (["train", "--epochs=3"], "No such option: --epochs"),
        (["train", "a", "b"], "unexpected extra argument"),
        (["train", "--run"], "--run"),
        (["train", "mnist1d_cn"], "no config is called 'mnist1d_cn'; did you mean 'mnist1d_cnn'"),
        (["train", "none.yaml"], "none.yaml cannot be read: no such file or directory."),
        (["train", "."], "no config is called '.'"),
        (["train", ""], "no config is called ''"),
        (["train", "--set", "training.epochs"], "--set expects part.key=value; received item='training.epochs'."),
        (["train", "--set", "=3"], "--set expects part.key=value"),
        (["train", "--set", "training.epochs={"], "--set training.epochs={ line 1:"),
        (["train", "--set", "training.epoch=3"], "training.epoch is not a setting; did you mean 'epochs'"),
        (["train", "--set", "training.epochs=ten"], "training.epochs expects an integer above 0; received 'ten'."),
        (["train", "--set", "training.epochs=0"], "training.epochs expects an integer above 0; received 0."),
        (["train", "--set", "data.batch_size=-1"], "data.batch_size expects an integer above 0; received -1."),
        (["train", "--set", "model=5"], "model expects a mapping of settings; received 5."),
        (["train", "--run", "../x"], "run expects a plain name; received name='../x'."),
        (["train", "--run", ""], "expects a plain name"),
        (["train", "--dry-run", "--set", "model.name=lenett"], "no model 'lenett'; did you mean"),
        (["train", "--dry-run", "--set", "model.filtres=3"], "model 'mnist1d_cnn' has no setting 'filtres'"),
        (["train", "--dry-run", "--set", "model.filters=-3"], "filters"),
        (["train", "--dry-run", "--set", "model.kernel_size=99"], "Conv1D expects a window that fits"),
        (
            ["train", "--dry-run", "--set", "training.optimizer=SDG"],
            "training.optimizer expects an optimizer; received",
        ),
        (["train", "--dry-run", "--set", "training.loss=MSE"], "training.loss expects a loss; received 'MSE'"),
        (["train", "--dry-run", "--set", "data={arrays: none.npz}"], "none.npz"),
        (["train", "--dry-run", "--set", "data={folder: nowhere}"], "nowhere"),
        (["tune"], "Missing argument 'config'"),
        (["tune", "mnist1d_fc"], "the config has no search"),
        (["tune", "mnist1d_cnn", "--set", "search.trials=0"], "search.trials expects an integer above 0; received 0."),
        (["tune", "mnist1d_cnn", "--workers", "0"], "'--workers': Input should be greater than or equal to 1"),
        (["tune", "mnist1d_cnn", "--set", "search.space={model.filtres: {int: [1, 3]}}"], "no setting 'filtres'"),
        (["tune", "nothing", "--report"], "no search at nothing or saved_models/nothing: search.yaml is missing."),
        (["show", "alexnett"], "no model 'alexnett'; did you mean 'alexnet'"),
        (["show"], "Missing argument 'name'"),
        (["list", "--family", "vg"], "no family 'vg'; did you mean 'vgg'"),
        (["list", "wgg*"], "no model matches 'wgg*'"),
        (["evaluate", "nothing"], "no finished run at nothing or saved_models/nothing: model.keras is missing."),
        (["predict", "nothing", "x.npy"], "no finished run at nothing"),
        (["predict", "nothing.keras", "x.npy"], "no file nothing.keras."),
        (["predict", "nothing.onnx", "x.npy"], "no finished run at nothing.onnx"),
        (["predict", "a"], "Missing argument 'FILE...'"),
        (["predict", "a", "b", "--top", "0"], "--top"),
        (["predict", "a", "b", "--top", "many"], "--top"),
        (["explore", "mnist1d_cn"], "no model is called 'mnist1d_cn'; did you mean 'mnist1d_cnn'"),
        (["explore", "none.keras"], "no file none.keras."),
        (["explore", "mnist1d_fc", "mnist1d_cn"], "no model is called 'mnist1d_cn'; did you mean 'mnist1d_cnn'"),
        (["explore", "mnist1d_fc", "--out", "."], "explore --out expects a folder that does not exist, or one that"),
        (["explore", "a", "b", "c"], "explore expects one name or two; received names=['a', 'b', 'c']"),
        (["explore", "mnist1d_fc", "--port", "65536"], "65535"),
        (["explore", "mnist1d_fc", "--host", "no host"], "explore: cannot listen at no host:0"),
        (["export"], "export expects the name of a run or model, or --matrix."),
        (["export", "mnist1d_cn"], "no model is called 'mnist1d_cn'; did you mean 'mnist1d_cnn'"),
        (["export", "mnist1d_fc100", "--format", "onx"], "export: no format 'onx'; did you mean 'onnx'?"),
        (["export", "mnist1d_fc100", "--format", "litert_int8"], "litert_int8 expects representative examples"),
        (["export", "mnist1d_fc100", "--format", "onnx", "--serving"], "format saved_model for serving"),
        (
            ["export", "mnist1d_fc100", "--size", "8,x"],
            "export --size expects integers above 0 such as 64,64; received s",
        ),
        (
            ["export", "mnist1d_fc100", "--size", "8"],
            "export expects no size for a model that takes (40, 1); received s",
        ),
        (["export", "mnist1d_fc100", "--integer"], "export expects format litert_int8 for integers; received formats="),
        (["export", "--matrix", "--format", "onx"], "export: no format 'onx'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse(misuse, args, words):
    assert words in misuse(*args)


def test_an_unknown_dataset(misuse):
    got = misuse("train", "--dry-run", "--set", "data.name=mnist1")
    assert "received name='mnist1'; did you mean 'mnist1d' or 'mnist'" in got


@pytest.mark.parametrize(
    "text, words",
    [
        ("model: {name: a", "c.yaml line 1: expected"),
        ("a: 1\na: 2\n", "c.yaml line 2: the key 'a' is a duplicate"),
        ("\t- x", "c.yaml line 1"),
        ("", "c.yaml is empty"),
        ("- 1", "c.yaml expects a mapping of settings; received a list."),
        ("model: {name: mnist1d_cnn}\n", "c.yaml: data is missing; training is missing."),
    ],
)
def test_broken_configs(misuse, tmp_path, text, words):
    (tmp_path / "c.yaml").write_text(text)
    assert words in misuse("train", "c.yaml")
    assert not (tmp_path / "saved_models").exists()


def test_output_folders(misuse, arrays, tmp_path):
    for name in ("done", "other"):
        (tmp_path / "saved_models" / name).mkdir(parents=True)
        assert "is a finished run" in misuse("train", "mnist1d_fc", arrays, *SMALL, "--run", name)
    assert "is not a run of kzoo" in misuse("train", "mnist1d_fc", arrays, *SMALL, "--run", "other", "--overwrite")
    (tmp_path / "file").touch()
    assert "file" in misuse("train", "mnist1d_fc", arrays, *SMALL, "--out", "file")
    assert "file/below" in misuse("train", "mnist1d_fc", arrays, *SMALL, "--out", "file/below")
    assert "batch_size=31" in misuse("train", "mnist1d_fc", arrays, "--set=data.batch_size=31")
    assert "steps_per_call=3" in misuse(
        "train", "mnist1d_fc", arrays, "--set=training.steps_per_epoch=4", "--set=training.steps_per_call=3"
    )
    assert "kernel_size=13" in misuse("train", "mnist1d_cnn", arrays, *SMALL, "--set=model.kernel_size=13")
    assert sorted(path.name for path in (tmp_path / "saved_models").iterdir()) == ["done", "other"]


def test_train(call, arrays, tmp_path):
    code, out, err = call("train", "mnist1d_fc", arrays, *SMALL, "--set=export.formats=[]", "--results", "r/s")
    assert code == 0 and "training error" in out and "Written to saved_models/mnist1d_fc/" in err
    metrics = json.loads((tmp_path / "r" / "s" / "mnist1d_fc.json").read_text())
    assert metrics == json.loads((tmp_path / "saved_models" / "mnist1d_fc" / "metrics.json").read_text())
    np.save(tmp_path / "x.npy", np.zeros((2, 12, 1)))
    code, out, _ = call("predict", "mnist1d_fc", "x.npy", "--top", "2", "--out", "p.npy")
    assert code == 0 and "most probable classes" in out and np.load(tmp_path / "p.npy").shape == (2, 3)
    before = (tmp_path / "p.npy").read_bytes()
    (tmp_path / "p.npy").write_bytes(b"mine")
    for args, words in [
        (["--out", "p.npy"], "expects a path where there is nothing, or a file and --overwrite; received out='p.npy'."),
        (["--out", "saved_models", "--overwrite"], "expects the path of an .npy file; received out='saved_models'."),
        (["--out", "p"], "expects the path of an .npy file; received out='p'."),
        (["--out", "p.npy/q.npy"], "p.npy/q.npy cannot be written (file exists)."),
    ]:
        code, out, err = call("predict", "mnist1d_fc", "x.npy", *args)
        assert (code, out) == (2, "") and err.endswith(f"{words}\n"), err
    assert (tmp_path / "p.npy").read_bytes() == b"mine" and not list(tmp_path.glob("*p.npy?*"))
    assert call("predict", "mnist1d_fc", "x.npy", "--out", "p.npy", "--overwrite")[0] == 0
    assert (tmp_path / "p.npy").read_bytes() == before
    code, out, _ = call("predict", "mnist1d_fc", "x.npy", "x.npy", "--json")
    assert code == 0 and [(one["file"], one["index"]) for one in json.loads(out)] == [("x.npy", 0), ("x.npy", 1)] * 2
    code, out, err = call("export", "mnist1d_fc", "--format", "litert,onnx", "--out", "e/it", "--batch", "3")
    assert code == 0 and "model.onnx" in out and "Written to e/it/" in err
    assert "The run `mnist1d_fc` of kzoo" in err.replace("\n", " ")
    code, out, _ = call("predict", "e/it", "x.npy", "--top", "1", "--out", "q.npy")
    assert code == 0 and np.allclose(np.load(tmp_path / "q.npy"), np.load(tmp_path / "p.npy"), atol=1e-5)
    code, out, err = call("export", "mnist1d_fc", "--format", "onnx", "--out", "e/it")
    assert code == 2 and err == "kzoo: e/it is an export already: choose another folder, or --overwrite it.\n"
    code, out, _ = call("evaluate", "mnist1d_fc")
    assert code == 0 and "train" in out and f"{metrics['train']['loss']:.4f}" in out


def test_folders_that_cannot_be_written_are_refused_first(misuse, arrays, monkeypatch):
    for fault in ("kzoo.training.run.run", "kzoo.tuning.search.search", "kzoo.export.matrix.run_matrix"):
        monkeypatch.setattr(fault, None)
    search = "--set=search={trials: 1, space: {training.epochs: {int: [1, 2]}}}"
    for command in (("train",), ("tune", search)):
        got = misuse(command[0], "mnist1d_fc", arrays, *SMALL, *command[1:], "--results", "/dev/null")
        assert got.startswith("--results: /dev/null/mnist1d_fc") and got.endswith("cannot be written (file exists).")
    assert "cannot be written (it is no file)" in misuse("export", "--matrix", "--results", "/dev")


def test_predictions_that_cannot_be_written(misuse, monkeypatch, tmp_path):
    model("mnist1d_fc100").save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", np.zeros((2, 40, 1)))
    monkeypatch.setattr("kzoo.training.model_lookup.predict", None)
    words = misuse("predict", "m.keras", "x.npy", "--out", "/dev/null/p.npy")
    assert "predict --out: /dev/null/p.npy cannot be written" in words


def test_tune(call, monkeypatch):
    """Only the command; tests/tuning has the tests of searches."""
    received = []

    def search(*args):
        received.extend(args)
        raise Refusal("enough")

    monkeypatch.setattr("kzoo.tuning.search.search", search)
    code, _, err = call("tune", "mnist1d_cnn", "--out", "o", "--set", "search.trials=5")
    assert (code, err) == (2, "kzoo: enough\n")
    assert received[0].search.trials == 5 and received[1:] == ["mnist1d_cnn_search", "o", False, None]


def test_tune_keeps_results(call, monkeypatch, tmp_path):
    """Trials, plots and results are copied to a folder of the run's name; a worker of another search copies nothing."""
    run = tmp_path / "run"
    run.mkdir()
    for file in ("trials.csv", "trials.png", "settings.png", "search.yaml", "model.keras"):
        (run / file).write_text(file)
    metrics = {"test": {"error": 0.5}, "train": {"error": 0.5}, "published": None, "parameters": 3, "seconds": 1}
    metrics |= {"steps_per_second": 1, "export": {"max_difference": None}}
    (run / "metrics.json").write_text(json.dumps(metrics))
    results = [(run, metrics), None]
    monkeypatch.setattr("kzoo.tuning.search.search", lambda *_: results.pop(0))
    code, out, _ = call("tune", "mnist1d_cnn", "--run", "it", "--results", "kept", "--workers", "2")
    assert code == 0 and "test error" in out
    kept = {path.name for path in (tmp_path / "kept" / "it").iterdir()}
    assert kept == {"trials.csv", "trials.png", "settings.png", "search.yaml", "metrics.json"}
    assert call("tune", "mnist1d_cnn", "--run", "other", "--results", "kept") == (0, "", "")
    assert not (tmp_path / "kept" / "other").exists()


def test_dry_run_writes_nothing(call, tmp_path):
    code, out, _ = call("train", "mnist1d_fc", "--dry-run", "--set", "model.units=[3]")
    assert code == 0 and out.startswith("mnist1d_fc: input (40, 1), classes 10, parameters 163, loss ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command, words",
    [("train", "interrupted; the same command resumes from the last finished epoch."), ("list", "interrupted.")],
)
def test_interrupted(call, monkeypatch, command, words):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("kzoo.training.run.run", interrupted)
    monkeypatch.setattr("kzoo.index.find_models", interrupted)
    assert call(command) == (130, "", f"kzoo: {words}\n")


def test_a_disk_error_is_one_line(misuse, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "saved_models/.x.partial/state.npz.writing")

    monkeypatch.setattr("kzoo.training.run.run", full)
    assert misuse("train", "mnist1d_fc") == (
        "[Errno 28] No space left on device: 'saved_models/.x.partial/state.npz.writing'"
    )


def test_a_disk_error_of_tensorflow_is_one_line(misuse, monkeypatch):
    def full(*_):
        raise RuntimeError("cache/x.pb.tmp; No space left on device\n[Op:__inference_f_1]")

    monkeypatch.setattr("kzoo.training.run.run", full)
    assert misuse("train", "mnist1d_fc") == "cache/x.pb.tmp; No space left on device [Op:__inference_f_1]"


def test_out_of_memory_is_one_line(misuse, monkeypatch):
    monkeypatch.setattr("kzoo.training.run.run", lambda *_: np.empty(2**50))
    assert misuse("train", "mnist1d_fc").startswith("out of memory (Unable to allocate 8.00 PiB for an array")


def test_a_message_of_several_lines_becomes_one_line(misuse, monkeypatch):
    def refused(*_):
        raise Refusal("Keras says:\n  two\tthings")

    monkeypatch.setattr("kzoo.training.run.run", refused)
    assert misuse("train", "mnist1d_fc") == "Keras says: two things"


@pytest.fixture
def fault(monkeypatch):
    """Makes training raise an exception that the user did not cause."""

    def divide(*_):
        error = ZeroDivisionError("division\nby zero")
        error.add_note("mnist1d_fc seed 0, epoch 3 of 10")
        raise error

    monkeypatch.setattr("kzoo.training.run.run", divide)


def test_a_fault_is_a_report_in_a_few_lines(call, fault):
    code, out, err = call("train", "mnist1d_fc")
    lines = err.splitlines()
    assert (code, out) == (1, "") and lines[:2] == [
        "kzoo: ZeroDivisionError: division",
        "  mnist1d_fc seed 0, epoch 3 of 10",
    ]
    assert len(lines) <= 7 and "Traceback" not in err
    assert lines[-1] == "the same command resumes from the last finished epoch"
    report = Path(lines[-2].rpartition(" ")[2]).read_text()
    assert report.startswith("command: kzoo train mnist1d_fc\n") and "ZeroDivisionError: division\nby zero" in report


def callbacks(*specs):
    """Returns the --set of callbacks, each given as (class name, settings)."""
    return "--set=training.callbacks=" + json.dumps([{"class_name": name, "config": config} for name, config in specs])


@pytest.mark.parametrize(
    "command", [["train"], ["train", "--dry-run"], ["tune", "--set=search.trials=1"]], ids=" ".join
)
def test_callbacks_outside_need_the_option(misuse, command, tmp_path):
    logger, monitor = ("CSVLogger", {"filename": "../x.csv"}), ("RemoteMonitor", {})
    got = misuse(*command, "mnist1d_cnn", callbacks(logger))
    assert got.endswith("filename: '../x.csv' is outside the run's folder, which needs --allow-outside.")
    got = misuse(*command, "mnist1d_cnn", callbacks(monitor))
    assert got.endswith("RemoteMonitor sends results to a server, which needs --allow-outside.")
    assert [path.name for path in tmp_path.iterdir()] in ([], ["saved_models"])


def test_allow_outside(call, misuse, arrays, tmp_path, monkeypatch):
    """A file outside is written, but not overwritten by the next run; results are sent after the checkpoint."""
    sent = []

    def post(url, data, headers):
        state = Checkpoint(None, tmp_path / "saved_models" / ".mnist1d_fc.partial" / "state.npz")
        sent.append((url, json.loads(data["data"])["epoch"], state.epoch))

    monkeypatch.setattr("requests.post", post)
    both = callbacks(("RemoteMonitor", {"root": "http://here"}), ("CSVLogger", {"filename": "../../x.csv"}))
    command = ["train", "mnist1d_fc", "--allow-outside", both, arrays, *SMALL, "--set=export.formats=[]"]
    assert call(*command)[0] == 0
    assert sent == [("http://here/publish/epoch/end/", 0, 1)]
    written = (tmp_path / "x.csv").read_text()
    assert written.startswith("epoch,accuracy,") and len(written.splitlines()) == 2
    assert "x.csv exists and is not of this run" in misuse(*command, "--overwrite")
    assert (tmp_path / "x.csv").read_text() == written


@pytest.mark.large
def test_processes_of_a_search_see_the_option(arrays, tmp_path):
    given = [callbacks(("RemoteMonitor", {"root": "http://127.0.0.1:9"})), arrays, *SMALL, "--set=export.formats=[]"]
    space = "--set=search={trials: 1, space: {model.units.0: {int: [3, 4]}}}"
    for option, code in ((), 2), (["--allow-outside"], 0):
        command = [sys.executable, "-m", "kzoo", "tune", "mnist1d_fc", space, *given, *option]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    trials = (tmp_path / "saved_models" / "mnist1d_fc_search" / "trials.csv").read_text()
    assert ",completed," in trials and ",failed," not in trials


@pytest.mark.parametrize("variable", [False, True])
def test_debug_shows_tracebacks(call, fault, monkeypatch, variable):
    if variable:
        monkeypatch.setenv("KZOO_DEBUG", "1")
    debug = () if variable else ("--debug",)
    code, _, err = call(*debug, "train", "mnist1d_fc")
    assert code == 1 and "Traceback" in err and "in divide" in err and "kzoo: ZeroDivisionError" in err
    code, _, err = call(*debug, "train", "mnist1d_fc", "--set", "training.epochs=0")
    assert code == 2 and "Traceback" in err and err.splitlines()[-1].endswith("received 0.")


def test_debug_shows_what_a_refusal_was_raised_from(call, monkeypatch):
    def refused(*_):
        try:
            raise KeyError("the cause")
        except KeyError as error:
            raise Refusal("in plain words") from error

    monkeypatch.setattr("kzoo.training.run.run", refused)
    assert call("train", "mnist1d_fc") == (2, "", "kzoo: in plain words\n")
    code, _, err = call("--debug", "train", "mnist1d_fc")
    assert code == 2 and "KeyError: 'the cause'" in err and err.endswith("\nkzoo: in plain words\n")


def test_list(call):
    code, out, _ = call("list", "m*")
    assert code == 0 and all(name in out for name in list_models("m*")) and "2,050" in out
    code, out, _ = call("list", "nielsen_4*")
    assert code == 0 and "3 models" in out and "mnist1d" not in out and "0.63 %" in out and "1.27 %" in out
    code, out, err = call("list", "--family", "mnist1d", "--json")
    found = json.loads(out)
    assert code == 0 and [one["name"] for one in found] == list_models("mnist1d*")
    assert found[0]["configs"][0] == {
        "config": "mnist1d_cnn",
        "published": 0.17,
        "measured": pytest.approx(0.1457, abs=0.05),
    }


def test_layers(call):
    code, out, _ = call("layers", "*Pooling*")
    assert code == 0 and "StochasticPooling" in out and "Zeiler & Fergus 2013" in out and "GaborConv" not in out
    code, out, err = call("layers", "Deconv2D")
    assert (code, out) == (2, "") and "no layer matches 'Deconv2D'; did you mean" in err


def test_show(call, monkeypatch):
    code, out, _ = call("show", "nielsen_6")
    assert code == 0 and "1,672,570" in out and "fc2_dropout" in out and "dropout" in out and "Nielsen 2015" in out
    assert f"{model('nielsen_6').count_params():,}" in out and "Weights: none trained" in out
    monkeypatch.setattr("kzoo.analysis.catalogue.model_text", lambda *_: 1 / 0)
    assert call("show", "nielsen_6")[:2] == (0, out), "the text was not taken from the cache"
    assert call("show", "nielsen_5")[0] == 1


def test_doctor(call, monkeypatch):
    code, out, _ = call("doctor")
    assert code == 0 and "XLA-compiled" in out and "works" in out
    monkeypatch.setattr("kzoo.analysis.doctor._devices", lambda: 1 / 0)
    code, out, err = call("doctor")
    assert code == 2 and "FAILED" in out and err == "kzoo: something above failed.\n"


@pytest.mark.parametrize("args", [[], ["--help"], *([name, "--help"] for name in ("train", "tune", "export"))])
def test_help(call, args):
    code, out, err = call(*args)
    assert (code, err) == (0, "") and out.startswith("Usage: kzoo") and "..." not in out.partition("Commands:")[2]


def test_export_help_names_every_format(call):
    from kzoo.export.registry import FORMATS

    out = " ".join(call("export", "--help")[1].split())
    assert ", ".join(FORMATS) in out


def test_version(call):
    code, out, _ = call("--version")
    assert code == 0 and out.startswith("kzoo ") and "keras 3." in out and "tensorflow 2." in out


def test_explore_without_its_packages(misuse, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert misuse("explore", "mnist1d_fc") == "explore needs Starlette and uvicorn: pip install 'kzoo[explore]'."


WITHOUT_KERAS = [
    ["--help"],
    ["train", "--help"],
    ["trian"],
    ["train", "mnist1d_cn"],
    ["train", "--set", "training.epoch=3"],
    ["train", "--set", "model.name=vgg15"],
    ["tune", "mnist1d_cnn", "--set", "model.filtres=3"],
    ["tune", "mnist1d_cnn", "--set", "search={trials: 2, space: {model.filtres: {int: [1, 3]}}}"],
    ["list", "nielsen*"],
    ["list", "--family", "vg"],
    ["layers", "pool"],
    ["show", "vgg15"],
    ["export", "vgg15"],
    ["export", "--format", "onx"],
    ["evaluate", "no_run"],
    ["explore", "no_run"],
    ["predict", "no_run", "x.npy"],
]


def test_light_commands_do_not_import_keras(tmp_path):
    """In a process in which Keras and TensorFlow cannot be imported."""
    code = (
        "import sys, contextlib\n"
        "sys.modules.update(dict.fromkeys(['keras', 'tensorflow', 'numpy']))\n"
        "from kzoo.cli import main\n"
        f"for args in {WITHOUT_KERAS!r}:\n"
        "    try:\n        main(args)\n"
        "    except SystemExit as end:\n        print(end.code, args)\n"
        "main(['show', 'lenet5'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KZOO_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "import" in done.stderr.splitlines()[-4], done.stderr  # `show` needs Keras
    codes = [line[0] for line in done.stdout.splitlines() if line.endswith("]") and line[:2] in ("0 ", "1 ", "2 ")]
    assert "".join(codes) == "00222222020222222"[: len(codes)] and len(codes) == len(WITHOUT_KERAS), done.stdout


def test_a_misuse_is_one_line_of_a_real_process(tmp_path):
    """Without the messages that TensorFlow prints when it starts."""
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    wrong = ["mnist1d_fc", "--dry-run", "--set", "model.units=-1", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "kzoo", "train", *wrong]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("kzoo: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seconds", [0.8, 3])
def test_ctrl_c_is_one_line_of_a_real_process(tmp_path, seconds):
    """During the import of TensorFlow, and later."""
    command = [sys.executable, "-m", "kzoo", "train", "mnist1d_cnn", "--dry-run", "--out", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    if process.returncode != 0:  # 0: it finished first
        words = "kzoo: interrupted; the same command resumes from the last finished epoch.\n"
        assert (process.returncode, err) == (130, words)
