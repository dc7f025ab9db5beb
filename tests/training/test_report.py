"""The table of a run's results, and history.csv."""

import csv

from kzoo.training.report import print_results, result_rows, write_history

METRICS = {
    "test": {"error": 0.149, "loss": 0.5},
    "train": {"error": 0.0, "loss": 0.001},
    "published": {"error": 0.17, "source": "Prince [2023], $UDL$ [/b]"},
    "parameters": 2050,
    "seconds": 61.4,
    "steps_per_second": 1650.4,
    "export": {"max_difference": 3e-8, "formats": {"saved_model": {"max_difference": 3e-8}}},
    "seed": 0,
    "versions": {"kzoo": "0.1.0"},
}


def test_result_rows():
    assert result_rows(METRICS) == [
        ("test error", "14.9 %", "17 %"),
        ("training error", "0 %", ""),
        ("parameters", "2,050", ""),
        ("training time", "61 s, 1,650 steps/s", ""),
        ("SavedModel reloaded, differs by", "3.0e-08", ""),
    ]
    several = {**METRICS, "test": {"error": 0.149, "loss": 0.5, "views_error": 0.14}}
    assert result_rows(several)[:2] == [("test error", "14.9 %", ""), ("test error, mean of views", "14 %", "17 %")]
    bare = {
        **METRICS,
        "published": None,
        "export": {"max_difference": None, "formats": {}},
        "validation": {"error": 0.5},
    }
    bare.pop("test")
    assert result_rows(bare)[:2] == [("test error", "-", "-"), ("validation error", "50 %", "")]
    assert result_rows(bare)[-1][0] == "training time"  # no export, no row
    formats = {
        "saved_model": {"max_difference": 3e-8},
        "litert_int8": {"max_difference": 0.1, "accuracy": {"after": 0.8}, "agreement": {"share": 0.995}},
    }
    assert result_rows({**METRICS, "export": {"max_difference": 3e-8, "formats": formats}})[-4:] == [
        ("SavedModel reloaded, differs by", "3.0e-08", ""),
        ("LiteRT int8 reloaded, differs by", "1.0e-01", ""),
        ("LiteRT int8 predicts the same class for", "99.5 %", ""),
        ("LiteRT int8 test error", "20 %", ""),
    ]


def test_text_is_not_markup(capsys):
    print_results("a[b] $x$", METRICS)
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
