"""What a person sees of a run, from figures made up here: the table, the plots, the history and the card."""

import csv
import types

import numpy as np
import pytest
from rich.console import Console

from kzoo.training import report
from kzoo.training.config import read_config
from kzoo.training.report import (
    card,
    percent,
    plot_confusion,
    plot_history,
    plot_maps,
    print_table,
    rows,
    write_history,
)

METRICS = {
    "test": {"error": 0.149, "loss": 0.5},
    "train": {"error": 0.0, "loss": 0.001},
    "published": {"error": 0.17, "source": "Prince [2023], $UDL$ [/b]"},
    "parameters": 2050,
    "seconds": 61.4,
    "steps_per_second": 1650.4,
    "export": {"max_difference": 3e-8},
    "seed": 0,
    "versions": {"kzoo": "0.1.0"},
}


@pytest.mark.parametrize(
    "error, text", [(0.149, "14.9 %"), (0.0, "0 %"), (1, "100 %"), (0.00401, "0.4 %"), (0.1, "10 %"), (None, "-")]
)
def test_percent(error, text):
    assert percent(error) == text


def test_rows():
    assert rows(METRICS) == [
        ("test error", "14.9 %", "17 %"),
        ("training error", "0 %", ""),
        ("parameters", "2,050", ""),
        ("training time", "61 s, 1,650 steps/s", ""),
        ("SavedModel reloaded, differs by", "3.0e-08", ""),
    ]
    bare = {**METRICS, "published": None, "export": {"max_difference": None}, "validation": {"error": 0.5}}
    bare.pop("test")
    assert rows(bare)[:2] == [("test error", "-", "-"), ("validation error", "50 %", "")]
    assert rows(bare)[-1][1] == "-"
    formats = {
        "saved_model": {"max_difference": 3e-8},
        "litert_int8": {"max_difference": 0.1, "accuracy": {"after": 0.8}},
    }
    assert rows({**METRICS, "export": {"max_difference": 3e-8, "formats": formats}})[-3:] == [
        ("SavedModel reloaded, differs by", "3.0e-08", ""),
        ("LiteRT int8 reloaded, differs by", "1.0e-01", ""),
        ("LiteRT int8 test error", "20 %", ""),
    ]


def test_table_takes_text_as_it_is(capsys):
    print_table("a[b] $x$", METRICS)
    out = capsys.readouterr().out
    assert "a[b] $x$" in out and "Prince [2023], $UDL$ [/b]" in out and "14.9 %" in out


def test_history(tmp_path):
    write_history([{"loss": 1.0}, {"loss": 0.1 + 0.2, "val_loss": 2.0}], tmp_path)
    with open(tmp_path / "history.csv", newline="") as file:
        found = list(csv.DictReader(file))
    assert found[0] == {"epoch": "1", "loss": "1.0", "val_loss": ""}
    assert float(found[1]["loss"]) == 0.1 + 0.2  # to the last digit
    write_history([], tmp_path)
    assert (tmp_path / "history.csv").read_text() == "epoch\n"


HISTORIES = {
    "plain": [{"loss": 1.0, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 0.75}],
    "validation": [{"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}],
    "nan": [{"loss": float("nan"), "accuracy": 0.1}, {"loss": float("inf"), "accuracy": 0.1}],
    "zero": [{"loss": 0.0, "accuracy": 1.0}],
    "empty": [],
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.filterwarnings("ignore")
def test_plots_of_any_history(tmp_path, name):
    plot_history(HISTORIES[name], {"test": {"error": 0.3}}, METRICS["published"], r"a $\fra$ [b] ü", tmp_path / "h.png")
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


def inference_model(classes, rank=2):
    """A stand-in for a net that answers class 0."""
    return types.SimpleNamespace(
        output_shape=(None,) * (rank - 1) + (classes,), predict=lambda x, **_: np.eye(classes)[np.zeros(len(x), int)]
    )


def test_confusion(tmp_path):
    y = np.array([0, 1, 1])
    plot_confusion(inference_model(3), np.zeros((3, 4)), y, ("a", "b$x", "lång"), r"a $\fra$", tmp_path / "c.png")
    assert (tmp_path / "c.png").exists()
    plot_confusion(inference_model(101), np.zeros((3, 4)), y, None, "t", tmp_path / "many.png")
    plot_confusion(inference_model(3, rank=4), np.zeros((3, 4)), np.zeros((3, 4, 4)), None, "t", tmp_path / "maps.png")
    assert not (tmp_path / "many.png").exists() and not (tmp_path / "maps.png").exists()


@pytest.mark.parametrize("classes, names", [(3, ("sky", "a$x$", "tree")), (3, None), (30, None)])
def test_maps(tmp_path, classes, names):
    x, y = np.zeros((2, 6, 8, 3)), np.full((2, 6, 8, 1), classes)  # no pixel is of any class
    net = types.SimpleNamespace(
        output_shape=(None, 6, 8, classes), predict=lambda x, **_: np.eye(classes)[np.zeros(x.shape[:3], int)]
    )
    plot_maps(net, x, y, names, r"a $\fra$", tmp_path / "maps.png")
    assert (tmp_path / "maps.png").exists()
    plot_maps(inference_model(3), x, np.zeros(2), None, "t", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_card():
    data = types.SimpleNamespace(name="mine", input_shape=(40, 1), classes=10)
    text = card("a run", read_config("mnist1d_fc"), METRICS, data)
    for piece in ("# a run\n", "`mnist1d_fc` trained on `mine` with seed 0", "| test error | 14.9 % | 17 % |"):
        assert piece in text
    for piece in ("(N, 40, 1)", "Published figure: Prince [2023]", "tf.zeros((1, 40, 1))", "kzoo.load_model"):
        assert piece in text
    assert "Published figure" not in card("a run", read_config("mnist1d_fc"), {**METRICS, "published": None}, data)


def test_say_takes_text_as_it_is(monkeypatch, capsys):
    monkeypatch.setattr(report, "_console", Console(stderr=True))
    report.say("a[b] [/c] " + "x" * 300)
    assert capsys.readouterr().err == "a[b] [/c] " + "x" * 300 + "\n"
