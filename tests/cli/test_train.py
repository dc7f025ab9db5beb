"""`kzoo train`, then predict, export and evaluate of its run."""

import json
import re

import numpy as np

from tests.cli.conftest import SMALL


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
    formats = "expects --format, or a path that ends in .csv, .jsonl, .json or .npy"
    for args, words in [
        (["--out", "p.npy"], "expects a path where there is nothing, or a file and --overwrite; received out='p.npy'."),
        (["--out", "saved_models", "--overwrite"], f"{formats}; received out='saved_models'."),
        (["--out", "p"], f"{formats}; received out='p'."),
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
    assert code == 2 and err.startswith(
        "kzoo: e/it is an export of another model, with inputs of {'input': [3, 12, 1]}"
    )
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


def test_trying_out_writes_only_a_picture(call, misuse, arrays, tmp_path):
    before = set(tmp_path.iterdir())
    code, out, _ = call("train", "mnist1d_fc", arrays, "--overfit", "2", "--out", "o")
    assert code == 0 and "2 training examples" in out and out.endswith(" Curves: o/mnist1d_fc_overfit.png\n")
    code, out, _ = call("train", "mnist1d_fc", arrays, "--find-lr", "--out", "o", "--run", "it")
    assert code == 0 and out.startswith("it: ") and out.endswith(" Curve: o/it_find_lr.png\n")
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"mnist1d_fc_overfit.png", "it_find_lr.png"}
    assert set(tmp_path.iterdir()) == {*before, tmp_path / "o"}
    one = "train expects only one of --dry-run, --overfit and --find-lr."
    assert misuse("train", "mnist1d_fc", arrays, "--overfit", "2", "--find-lr") == one
    assert misuse("train", "mnist1d_fc", "--dry-run", "--find-lr") == one
    assert "--overfit" in misuse("train", "mnist1d_fc", arrays, "--overfit", "0")
    assert "from 1 to 30, all training examples; received overfit=31" in misuse(
        "train", "mnist1d_fc", arrays, "--overfit", "31"
    )
    assert "expects a plain name" in misuse("train", "mnist1d_fc", arrays, "--find-lr", "--run", "a/b")


def test_dry_run_writes_nothing(call, tmp_path):
    code, out, _ = call("train", "mnist1d_fc", "--dry-run", "--set", "model.units=[3]")
    assert code == 0
    assert re.fullmatch(r"mnist1d_fc: input \(40, 1\), classes 10, parameters 163, loss [0-9.]{1,6}\n", out)
    assert list(tmp_path.iterdir()) == []
