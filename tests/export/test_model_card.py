"""Cards of export folders and of runs, from made-up reports."""

import pytest

from kzoo.export.model_card import (
    export_card,
    file_size,
    format_difference,
    model_info,
    report_table,
    run_card,
    seeds_card,
    usage_code,
)
from kzoo.export.registry import FORMATS
from kzoo.models.registry import model
from tests.export.conftest import LABELS

REPORT = {
    **{"format": "saved_model", "file": "1", "bytes": 123_456, "tried": ["1 x 8 x 8 x 3", "7 x 8 x 8 x 3"]},
    **{"max_difference": 2.5e-7, "seconds": 1.25, "signatures": ["serving_default", "serve_image"]},
}
INT8 = {**REPORT, "format": "litert_int8", "file": "m.tflite", "accuracy": {"before": 0.9, "after": 0.875}}
INFO = {
    "name": "it",
    "what": "A model",
    "inputs": {"input": [None, None, 8, 3]},
    "outputs": "probabilities of 10 classes",
    "classes": 10,
    "labels": None,
    "examples": 0,
}
METRICS = {
    "model": "mnist1d_fc",
    "data": "mine",
    "seed": 0,
    "published": {"error": 0.17, "source": "Prince [2023], $UDL$ [/b]"},
    "versions": {"kzoo": "0.1.0"},
}
ROWS = [("test error", "14.9 %", "17 %"), ("parameters", "2,050", "")]


def test_export_card():
    found = export_card(INFO, [REPORT, {**INT8, "signatures": []}])
    for words in (
        "# it\n\nA model. Input: float32 batches of shape (N, N, 8, 3)",
        "| SavedModel | `1` | 0.1 MB | 1 x 8 x 8 x 3; 7 x 8 x 8 x 3 | 2.5e-07 | 1.2 |",
        'model = tf.saved_model.load("1")',
        "model.serve_image(files)",
        "Accuracy on the test examples: 87.50 %; in float32 90.00 %.",
        "print(index, row[index])",
    ):
        assert words in found, words
    assert "Test error" not in found and "argmax ties" not in found
    results = {"test": {"error": 0.01}, "published": {"error": 0.0077, "source": "Nielsen"}}
    short = {**results, "epochs": 5, "recipe": {"epochs": 60}}
    assert "Test error: 1 % after 5 of 60 epochs; published" in export_card({**INFO, "figures": short}, [REPORT])
    assert "Test error: 1 %; published: 0.77 % (Nielsen)." in export_card({**INFO, "figures": results}, [REPORT])
    assert "`labels.txt` has" not in found and found.count("model.serve_image") == 1
    assert "the names of the 2 classes" in export_card({**INFO, "labels": ["a", "b"]}, [REPORT])
    assert "In examples with argmax ties" in export_card(INFO, [{**REPORT, "undecided": 2}])


def test_a_fixed_batch_size():
    fixed = {**REPORT, "inputs": {"input": [4, 8, 8, 3]}}
    words = "The exports take batches of exactly 4 examples: fill"
    found = export_card({**INFO, "inputs": fixed["inputs"]}, [fixed, fixed])
    assert found.count(words) == 1 and "batches of shape (4, 8, 8, 3), with values" in found
    assert 'np.zeros((4, 8, 8, 3), "float32")' in found and ".read()] * 4)" in found and "tf.zeros((4, 100" in found
    of_run = run_card("a run", INFO, METRICS, ROWS, [fixed])
    assert words in of_run and 'np.zeros((4, 8, 8, 3), "float32")' in of_run and "of shape (N, N, 8, 3), `N`" in of_run
    assert words not in export_card(INFO, [REPORT]) + run_card("a run", INFO, METRICS, ROWS, [REPORT])


def test_run_card():
    text = run_card("a run", INFO, METRICS, ROWS, [REPORT])
    for piece in ("# a run\n", "`mnist1d_fc` trained on `mine` with seed 0", "| test error | 14.9 % | 17 % |"):
        assert piece in text, piece
    for piece in (
        "(N, N, 8, 3)",
        "Published result: Prince [2023]",
        'np.zeros((1, 1, 8, 3), "float32")',
        "kzoo.load_model",
    ):
        assert piece in text, piece
    assert "Published result" not in run_card("a run", INFO, {**METRICS, "published": None}, ROWS, [])
    assert "predictions.csv" not in text and "## Classes" not in text and "![" not in text
    pictures = [("maps.png", "Label maps")]
    classes, files = ["## Classes", "", "| class |", "|---|"], ["predictions.csv", "confusion.png"]
    text = run_card("a run", INFO, METRICS, ROWS, [REPORT], "By SGD.", classes, pictures, files)
    assert "by kzoo 0.1.0. By SGD.\n" in text and "\n![Label maps](maps.png)\n" in text
    assert "## Classes\n\n| class |" in text and "`predictions.csv` one for each example; `state.npz`" in text


def test_card_of_several_seeds():
    metrics = {**METRICS, "seeds": [3, 5], "test": {"error": 0.15, "errors": [0.125, 0.175]}}
    text = seeds_card("a run", metrics, ROWS)
    for piece in (
        "with seeds 3, 5 by kzoo 0.1.0. The results are means",
        "| test error | 14.9 % | 17 % |",
        "| 5 | 17.5 % | [seed_5](seed_5/README.md) |",
        "Published result: Prince",
        "kzoo vote a run",
    ):
        assert piece in text, piece
    of_numbers = seeds_card("a run", {**metrics, "test": {"loss": 0.5}}, ROWS)
    assert "| seed | folder |\n|---:|---|\n| 3 | [seed_3](seed_3/README.md) |\n| 5 |" in of_numbers


@pytest.mark.parametrize("exported", [[], ["saved_model"], ["onnx", "litert"]], ids=str)
def test_run_card_has_code_of_its_exports_only(exported):
    reports = [{"format": name, "file": FORMATS[name].file} for name in exported]
    text = run_card("a run", INFO, METRICS, ROWS, reports)
    for name, format in FORMATS.items():
        assert (f"## {format.label}\n" in text) == (name in exported)
        importing = f"import {format.runtime}" in text or f"from {format.runtime}" in text
        assert importing == any(FORMATS[one].runtime == format.runtime for one in exported)


def test_models_of_several_inputs_have_no_code():
    assert "```python\nimport" not in export_card({**INFO, "inputs": {"a": [None, 2], "b": [None, 2]}}, [INT8])


def test_maps_are_printed_by_their_shape():
    assert usage_code({**INFO, "classes": None}, REPORT).endswith("print(outputs.shape)")


def test_table_and_size():
    assert len(report_table([REPORT, INT8])) == 4
    assert format_difference({**REPORT, "undecided": 3}) == "2.5e-07, 3 with argmax ties"
    assert [file_size(n) for n in (999, 1000, 99_999, 10**8)] == ["999 bytes", "1.0 kB", "100.0 kB", "100.0 MB"]


def test_model_info(small_model):
    info = model_info(small_model, "A model", LABELS)
    assert info["outputs"] == "probabilities of 3 classes" and info["images"] and info["labels"] == list(LABELS)
    scores = model_info(model("kmeans_features", filters=4), "")
    assert scores["outputs"] == "10 scores, one for each class" and scores["labels"] is None
    assert model_info(model("context_basic"), "")["classes"] is None
