"""Misuses of every command are one line and exit code 2; `--help`, `--version`; commands that import no Keras."""

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT


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
        (["tune", "nothing", "--report"], "no search at nothing, saved_models/nothing or "),
        (["data", "mnist1d_cn"], "no config is called 'mnist1d_cn'; did you mean 'mnist1d_cnn'"),
        (["data", "photos", "--set", "data.folder=nowhere"], "data expects folder, a directory; received folder='now"),
        (["data", "photos", "--set", "data.test=1.5"], "data.test expects a fraction below 1 or a count; received 1.5"),
        (["data", "mnist1d_fc", "--set", "data.skip_corrupt=true"], "data.skip_corrupt: true expects data.folder"),
        (["show", "alexnett"], "no model is called 'alexnett'; did you mean 'alexnet'"),
        (["show"], "Missing argument 'name'"),
        (["list", "--family", "vg"], "no family 'vg'; did you mean 'vgg'"),
        (["list", "wgg*"], "no model matches 'wgg*'"),
        (["evaluate", "nothing"], "no finished run at nothing or saved_models/nothing: model.keras is missing."),
        (
            ["compare", "nothing", "other"],
            "no finished run at nothing or saved_models/nothing: metrics.json is missing.",
        ),
        (["compare", "nothing"], "compare expects two runs or more; received runs=['nothing']."),
        (["vote", "nothing"], "no finished run at nothing or saved_models/nothing: model.keras is missing."),
        (["vote"], "Missing argument 'RUN...'"),
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
        (["export"], "export expects the name of a run or model, a .keras file, or --matrix."),
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


@pytest.mark.parametrize("args", [[], ["--help"], *([name, "--help"] for name in ("train", "tune", "data", "export"))])
def test_help(call, args):
    code, out, err = call(*args)
    assert (code, err) == (0, "") and out.startswith("Usage: kzoo") and "..." not in out.partition("Commands:")[2]


def test_version(call):
    code, out, _ = call("--version")
    assert code == 0 and out.startswith("kzoo ") and "keras 3." in out and "tensorflow 2." in out


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
    ["compare", "no_run", "no_other"],
    ["vote", "no_run"],
    ["predict", "no_run", "x.npy"],
]


def test_light_commands_do_not_import_keras(tmp_path):
    """In a process in which Keras and TensorFlow cannot be imported."""
    code = (
        "import sys, contextlib\n"
        "sys.modules.update(dict.fromkeys(['keras', 'tensorflow', 'numpy']))\n"
        "from kzoo.cli.program import main\n"
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
    assert "".join(codes) == "0022222202022222222"[: len(codes)] and len(codes) == len(WITHOUT_KERAS), done.stdout
