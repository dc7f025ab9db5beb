"""Whole runs of numbers, labels, several outputs and images: figures, evaluation, predictions, export, resume."""

import csv
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.export.export_folder import write_export_folder
from kzoo.export.record_writers import Target
from kzoo.models.load_model import load_model
from kzoo.training.dry_run import dry_run
from kzoo.training.evaluation import evaluate_run
from kzoo.training.model_building import build_model
from kzoo.training.model_lookup import find_exportable
from kzoo.training.predict_files import predict_files
from kzoo.training.report import result_rows
from kzoo.training.run import run
from kzoo.training.run_data import load_data
from kzoo.training.tasks import check_tasks
from tests.training.conftest import kill_after_an_epoch

PAGE = (Path(__file__).parents[2] / "docs" / "targets.md").read_text()
DRAW = np.random.default_rng(0)
RULE = DRAW.normal(size=(12, 3)).astype("float32")
SIZES = {"train": 300, "val": 60, "test": 60}


def targets(name, x):
    """Returns the targets of signals x (N, 12) for an example, by the end of their arrays' names."""
    scores = x @ RULE
    if name == "numbers":
        return {"": scores[:, :2]}
    if name == "labels":
        return {"": scores > 0}
    if name == "both":
        return {"_level": scores[:, 0], "_side": (scores[:, 1] > 0).astype("int64")}
    return {"": x.reshape(-1, 4, 3, 1) * 2}


SETS = {
    "numbers": ["training.loss=MeanSquaredError"],
    "labels": ["training.loss=BinaryCrossentropy"],
    "both": ["training.loss={side: SparseCategoricalCrossentropy, level: Huber}", "training.loss_weights={side: 2.0}"],
    "images": ["training.loss=MeanSquaredError", "model={name: segnet, encoder: [[8]], decoder: [[8]]}"],
}
FIGURES = {  # the metrics of each, and the least value of one of them
    "numbers": (["mae", "r2"], "r2", 0.9),
    "labels": (["f1_macro", "f1_micro", "auc"], "auc", 0.95),
    "both": (["mae", "r2", "side_accuracy"], "side_accuracy", 0.85),
    "images": (["mae"], None, None),
}


EACH = pytest.mark.parametrize(  # the other examples take as long again
    "name", [name if name == "both" else pytest.param(name, marks=pytest.mark.large) for name in SETS]
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, draw = tmp_path_factory.mktemp("own"), np.random.default_rng(1)
    for name in SETS:
        arrays = {}
        for split, size in SIZES.items():
            x = draw.normal(size=(size, 12)).astype("float32")
            arrays[f"x_{split}"] = x.reshape(-1, 4, 3, 1) if name == "images" else x[..., None]
            arrays |= {f"y_{split}{end}": y for end, y in targets(name, x).items()}
        if name == "labels":
            arrays["y_names"] = np.array(["a", "b", "c"])
        np.savez(folder / f"{name}.npz", **arrays)
        np.save(folder / f"{name}.npy", arrays["x_test"][:2])
    return folder


def config(files, name, *sets):
    data = f"data={{arrays: '{files}/{name}.npz', batch_size: 20, validation: val}}"
    first = ["model.units=[32]", "training.steps_per_epoch=60", "training.steps_per_call=20", "training.epochs=3"]
    optimizer = "training.optimizer={class_name: Adam, config: {learning_rate: 0.01}}"
    return read_config("mnist1d_fc", [data, *first, optimizer, *SETS[name], *sets])


@pytest.fixture(scope="module")
def runs(files, tmp_path_factory):
    """The finished run of each example that is asked for, without exports."""
    return Runs(files, tmp_path_factory.mktemp("runs"))


class Runs(dict):
    def __init__(self, files, out):
        super().__init__()
        self.files, self.out = files, out

    def __missing__(self, name):
        self[name] = run(config(self.files, name, "export.formats=[]", "training.keep=best"), name, self.out)
        return self[name]


@EACH
def test_figures(runs, name):
    folder, metrics = runs[name]
    keys, best, least = FIGURES[name]
    losses = ["loss", "level_loss", "side_loss"] if name == "both" else ["loss"]
    assert sorted(metrics["test"]) == sorted([*losses, *keys])
    assert best is None or metrics["test"][best] > least
    rows = {row[0]: row[1] for row in result_rows(metrics)}
    assert not any("error" in row for row in rows) and sum(row.startswith("test ") for row in rows) == len(keys)
    recorded = json.loads((folder / "metrics.json").read_text())
    assert recorded["tasks"] and (folder / "history.png").is_file()
    pictures = {"numbers": "numbers.png", "both": "numbers_level.png", "images": "images.png"}
    assert name == "labels" or (folder / pictures[name]).is_file()


@EACH
def test_evaluated_again(runs, name):
    folder, metrics = runs[name]
    table = evaluate_run(folder)
    headers = [column.header for column in table.columns]
    assert "error" not in headers and headers[:3] == ["split", "examples", "loss"]
    assert table.columns[2]._cells[0] == f"{metrics['test']['loss']:.4f}"


def records(run, files, name, tmp_path, **options):
    target = Target("json", tmp_path / "records.json")
    assert predict_files(run, [files / f"{name}.npy"], target, **options) == []
    return json.loads((tmp_path / "records.json").read_text())


@EACH
def test_predictions(runs, files, name, tmp_path):
    """As the model itself computes them, of a run and of its export."""
    folder, _ = runs[name]
    model = load_model(folder)
    x = np.load(files / f"{name}.npy")
    outputs = keras.tree.map_structure(np.asarray, model(x))
    first, second = records(folder, files, name, tmp_path)
    assert (first["index"], second["index"]) == (0, 1)
    if name == "numbers":
        np.testing.assert_allclose(first["values"], outputs[0], rtol=1e-5)
    elif name == "labels":
        want = [(label, score) for label, score in zip("abc", outputs[0]) if score > 0.5]
        assert [one["label"] for one in first["labels"]] == [label for label, _ in sorted(want, key=lambda w: -w[1])]
    elif name == "both":
        np.testing.assert_allclose(first["level_values"], outputs[0][0], rtol=1e-5)
        assert first["side_top"][0]["class"] == outputs[1][0].argmax()
    else:
        assert first["max"] == pytest.approx(outputs[0].max(), rel=1e-5)
        records(folder, files, name, tmp_path, maps=tmp_path / "maps", overwrite=True)
        np.testing.assert_allclose(np.load(tmp_path / "maps" / "images_0.npy"), outputs[0], rtol=1e-5, atol=1e-6)
        assert (tmp_path / "maps" / "images_0.png").is_file()


@EACH
def test_formats_of_records(runs, files, name, tmp_path):
    for format in ("table", "csv", "jsonl"):
        predict_files(runs[name][0], [files / f"{name}.npy"], Target(format, tmp_path / format))
        text = (tmp_path / format).read_text()
        assert f"{name}.npy" in text and len(text.splitlines()) >= 2


@pytest.mark.large
def test_outputs_as_an_array(runs, files, tmp_path):
    predict_files(runs["numbers"][0], [files / "numbers.npy"], Target("json", tmp_path / "a", tmp_path / "b.npy"))
    assert np.load(tmp_path / "b.npy").shape == (2, 2)
    with pytest.raises(Refusal, match="--format json for a model of several outputs"):
        predict_files(runs["both"][0], [files / "both.npy"], Target("json", tmp_path / "c", tmp_path / "d.npy"))
    with pytest.raises(Refusal, match="predict --maps expects a model of one output"):
        predict_files(runs["both"][0], [files / "both.npy"], Target("json", tmp_path / "c"), maps=tmp_path / "maps")


@EACH
def test_a_row_for_each_test_example(runs, files, name):
    folder, metrics = runs[name]
    stored = np.load(files / f"{name}.npz")
    outputs = keras.tree.map_structure(np.asarray, load_model(folder)(stored["x_test"]))
    with open(folder / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["index"] for row in rows] == [str(index) for index in range(SIZES["test"])]

    def column(key):
        return np.array([float(row[key]) for row in rows])

    if name == "numbers":
        np.testing.assert_allclose(column("truth_2"), stored["y_test"][:, 1], rtol=1e-5)
        np.testing.assert_allclose(column("prediction_2"), outputs[:, 1], rtol=1e-3, atol=1e-5)
    elif name == "labels":
        np.testing.assert_allclose(column("score_b"), outputs[:, 1], rtol=1e-3, atol=1e-5)
        assert [row["truth"] for row in rows] == ["; ".join(np.array(list("abc"))[one]) for one in stored["y_test"]]
        assert "## Labels\n\n| label | precision" in (folder / "README.md").read_text()
    elif name == "both":
        np.testing.assert_allclose(column("level_truth"), stored["y_test_level"], rtol=1e-5)
        np.testing.assert_allclose(column("level_prediction"), outputs[0][:, 0], rtol=1e-3, atol=1e-5)
        wrong = np.mean([row["side_truth"] != row["side_prediction"] for row in rows])
        assert 1 - wrong == pytest.approx(metrics["test"]["side_accuracy"])
    else:
        assert column("mae").mean() == pytest.approx(metrics["test"]["mae"], rel=1e-4)


@EACH
def test_exports(runs, files, name, tmp_path):
    """Verified with all outputs, predicted as the run, and described by their card."""
    model, origin, data, results, _, tasks = find_exportable(runs[name][0])
    formats = ["onnx"] if name == "both" else ["onnx", "saved_model", "litert"]
    reports = write_export_folder(model, tmp_path / "it", formats, origin, results, tasks=tasks, **data)
    assert all(report["max_difference"] < 1e-4 for report in reports)
    want, found = records(runs[name][0], files, name, tmp_path), records(tmp_path / "it", files, name, tmp_path)
    assert [list(record) for record in want] == [list(record) for record in found]
    if name == "both":
        np.testing.assert_allclose(found[0]["level_values"], want[0]["level_values"], rtol=1e-4)
    words = {
        "numbers": "2 numbers",
        "labels": "3 labels, each there if above 0.5: a, b, c",
        "both": "`level`, 1 number",
    }
    card = (tmp_path / "it" / "README.md").read_text()
    assert words.get(name, "arrays of shape (4, 3, 1)") in card and "On the test examples: loss" in card


@EACH
@pytest.mark.large
def test_a_killed_run_ends_as_an_uninterrupted_one(runs, files, name, tmp_path, monkeypatch):
    chosen = config(files, name, "export.formats=[]", "training.keep=best")
    kill_after_an_epoch(monkeypatch, lambda: run(chosen, name, tmp_path))
    _, metrics = run(chosen, name, tmp_path)
    assert metrics["test"] == runs[name][1]["test"] and metrics["train"] == runs[name][1]["train"]


@EACH
def test_dry_runs(files, name):
    assert np.isfinite(dry_run(config(files, name, "export.formats=[]"))["loss"])


@pytest.mark.large
def test_weights(files, tmp_path):
    """Of examples of several targets, and of classes among them, by their numbers or names."""
    arrays = dict(np.load(files / "both.npz")) | {"w_train": np.ones(300), "w_test": np.r_[np.ones(30), np.zeros(30)]}
    np.savez(tmp_path / "both.npz", **arrays, y_names_side=np.array(["left", "right"]))
    short = ("training.epochs=1", "export.formats=[]")
    _, metrics = run(config(tmp_path, "both", *short), "a", tmp_path)
    _, heavy = run(config(tmp_path, "both", *short, "training.class_weight={right: 1000.0}"), "b", tmp_path)
    assert heavy["train"]["side_accuracy"] < metrics["train"]["side_accuracy"]
    with pytest.raises(Refusal, match="training.class_weight has no class 'up'; known: left, right"):
        dry_run(config(tmp_path, "both", *short, "training.class_weight={up: 2.0}"))
    with pytest.raises(Refusal, match="training.class_weight expects targets that are classes; received targets="):
        dry_run(config(files, "numbers", *short, "training.class_weight=balanced"))


@pytest.mark.large
def test_autoencoders(files, tmp_path):
    """The targets are the inputs, whatever the labels of the data."""
    sets = ["data.targets=[x]", "training.epochs=1", "export.formats=[]"]
    folder, metrics = run(config(files, "images", *sets), "it", tmp_path)
    assert set(metrics["test"]) == {"loss", "mae"} and load_model(folder).output_shape == (None, 4, 3, 1)
    assert records(folder, files, "images", tmp_path)[0].keys() >= {"min", "max", "mean"}


def test_the_configs_of_the_page_fit_the_files_that_it_makes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
    exec(code, {})
    names = []
    for name, text in re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", PAGE, flags=re.S):
        Path(name).write_text(text)
        page = read_config(name, [])
        data = load_data(page)
        check_tasks(page, build_model(page, data.input_shape, data.classes, data.train), data.tasks)
        names.append(name)
    assert names == ["position.yaml", "labels.yaml", "both.yaml", "denoise.yaml"]
