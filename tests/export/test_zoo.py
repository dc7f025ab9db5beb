"""The trained exports in the repository: small, with a card and results, and correct in each of their formats."""

import json
from pathlib import Path

import numpy as np
import pytest

from kzoo.config.comparison import config_sha256
from kzoo.config.config_files import read_config
from kzoo.data.loader import load
from kzoo.export.predictor import open_export
from kzoo.export.registry import FORMATS

ZOO = Path(__file__).parents[2] / "saved_models" / "zoo"
FOLDERS = sorted(path for path in ZOO.iterdir() if path.is_dir())
RECORDS = {path.name: json.loads((path / "export.json").read_text()) for path in FOLDERS}
EXPORTS = [(name, one["format"], one["file"]) for name, record in RECORDS.items() for one in record["exports"]]


def test_what_is_there():
    assert {"mnist1d_cnn", "nielsen_3", "lenet5"} <= set(RECORDS)
    assert sum(file.stat().st_size for file in ZOO.rglob("*") if file.is_file()) < 2e6


@pytest.mark.parametrize("name", RECORDS)
def test_results(name):
    """They are of a run of the config of that name, except for its epochs, search, compilation and choice of ties."""
    results, text = RECORDS[name]["figures"], (ZOO / name / "README.md").read_text()
    assert 0 < results["test"]["error"] < 0.2 and f"# {name}\n" in text and "Test error: " in text
    settings = [f"training.epochs={results['epochs']}", "search=null"]
    # as their configs said then
    settings += [] if name.startswith("mnist1d") else ["training.jit_compile=false"]
    settings += ["training.keep=best"] if name.startswith("nielsen") else []
    assert results["config_sha256"] == config_sha256(read_config(name, settings))


@pytest.mark.parametrize("name, format, file", EXPORTS)
def test_outputs(name, format, file):
    """The format's own runtime gives the recorded outputs for the examples next to it."""
    _, run = FORMATS[format].open(ZOO / name / file)
    x, outputs = np.load(ZOO / name / "examples.npy").astype("float32"), np.array(RECORDS[name]["answers"])
    ((input_name, _),) = RECORDS[name]["inputs"].items()
    (found,) = run({input_name: x})
    if "int8" in format:
        assert (found.argmax(-1) == outputs.argmax(-1)).all()
    else:
        np.testing.assert_allclose(found, outputs, rtol=0, atol=1e-4 * np.abs(outputs).max())


def test_the_test_error_of_mnist1d():
    """Measures it again on data that kzoo generates."""
    x, y = load("mnist1d").test.numpy()
    outputs = open_export(ZOO / "mnist1d_cnn").run(x)
    wrong = (outputs.argmax(-1) != y).mean()
    assert wrong == pytest.approx(RECORDS["mnist1d_cnn"]["figures"]["test"]["error"], abs=1.5 / len(y))
