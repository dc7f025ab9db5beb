"""The table of a run's results, and history.csv."""

import csv

from kzoo.config.config_files import read_config
from kzoo.training.report import print_results, result_rows, training_text, write_history

METRICS = {
    "test": {"error": 0.149, "loss": 0.5},
    "train": {"error": 0.0, "loss": 0.001},
    "published": {"error": 0.17, "source": "Prince [2023], $UDL$ [/b]"},
    "parameters": 2050,
    "epochs": 10,
    "steps": 100,
    "seconds": 61.4,
    "steps_per_second": 1650.4,
    "last_epoch": {"steps_per_second": 0.25, "examples_per_second": 1234.5},
    "export": {"max_difference": 3e-8, "formats": {"saved_model": {"max_difference": 3e-8}}},
    "seed": 0,
    "versions": {"kzoo": "0.1.0"},
}


def test_result_rows():
    assert result_rows(METRICS) == [
        ("test error", "14.9 %", "17 %"),
        ("training error", "0 %", ""),
        ("parameters", "2,050", ""),
        ("training time", "1 min 1 s, 10 epochs", ""),
        ("speed in the last epoch", "0.25 steps/s, 1,234 examples/s", ""),
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
    del bare["test"], bare["last_epoch"]
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


def test_rows_of_metrics_and_of_several_seeds():
    recipe = {"epochs": 100, "steps": 1000}
    scores = {"error": 0.149, "errors": [0.129, 0.17], "loss": 0.5, "f1_score": 0.87654, "auc": None, "a_loss": 1.0}
    rows = {name: rest for name, *rest in result_rows({**METRICS, "test": scores, "recipe": recipe})}
    assert rows["test error"] == ["14.9 % (12.9 - 17 % over 2 seeds), 10 of 100 epochs", "17 %"]
    assert rows["test F1 score"] == ["0.8765", ""] and rows["test AUC"] == ["-", ""] and "test a_loss" not in rows
    rows = {name: rest for name, *rest in result_rows({**METRICS, "published": None, "recipe": None})}
    assert rows["test error"] == ["14.9 %", "-"]


def test_the_sentence_on_the_training():
    config = read_config("mnist1d_fc")
    text = training_text(config, {"test": 1000, "train": 4000}, 5, 200)
    assert text == (
        f"1,000 test, 4,000 training examples. Epochs: 5, 200 steps with batches of {config.data.batch_size} examples, "
        "by SGD on SparseCategoricalCrossentropy."
    )


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
