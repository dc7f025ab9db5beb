"""The trained exports that the repository holds: small, with card and figures, and right in each of their formats."""

import json
from pathlib import Path

import numpy as np
import pytest

from kzoo.data.loader import load
from kzoo.export.predict import open_export
from kzoo.export.runtimes import OPENERS
from kzoo.training.config import config_sha256, read_config

ZOO = Path(__file__).parents[2] / "saved_models" / "zoo"
FOLDERS = sorted(path for path in ZOO.iterdir() if path.is_dir())
RECORDS = {path.name: json.loads((path / "export.json").read_text()) for path in FOLDERS}
EXPORTS = [(name, one["format"], one["file"]) for name, record in RECORDS.items() for one in record["exports"]]


def test_what_is_there():
    assert {"mnist1d_cnn", "nielsen_3", "lenet5"} <= set(RECORDS)
    assert sum(file.stat().st_size for file in ZOO.rglob("*") if file.is_file()) < 2e6


@pytest.mark.parametrize("name", RECORDS)
def test_figures(name):
    """Of a run of the config of that name, as it is now but for what its figures say, and its search."""
    figures, text = RECORDS[name]["figures"], (ZOO / name / "README.md").read_text()
    assert 0 < figures["test"]["error"] < 0.2 and f"# {name}\n" in text and "Test error: " in text
    settings = [f"training.epochs={figures['epochs']}", "search=null"]
    assert figures["config_sha256"] == config_sha256(read_config(name, settings))


@pytest.mark.parametrize("name, format, file", EXPORTS)
def test_right(name, format, file):
    """The answers written down, by the format's own runtime, to the examples beside it."""
    _, run = OPENERS[format][0](ZOO / name / file)
    x, answers = np.load(ZOO / name / "examples.npy").astype("float32"), np.array(RECORDS[name]["answers"])
    ((input_name, _),) = RECORDS[name]["inputs"].items()
    (found,) = run({input_name: x})
    if "int8" in format:
        assert (found.argmax(-1) == answers.argmax(-1)).all()
    else:
        np.testing.assert_allclose(found, answers, rtol=0, atol=1e-4 * np.abs(answers).max())


def test_the_figure_of_mnist1d():
    """Its test error, measured anew on data that kzoo generates."""
    x, y = load("mnist1d").test.numpy()
    answers = open_export(ZOO / "mnist1d_cnn").answer(x)
    wrong = (answers.argmax(-1) != y).mean()
    assert wrong == pytest.approx(RECORDS["mnist1d_cnn"]["figures"]["test"]["error"], abs=1.5 / len(y))
