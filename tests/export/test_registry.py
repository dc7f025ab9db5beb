"""The registry of formats: what it finds, what each format has, and which format a path looks like."""

import subprocess
import sys
from pathlib import Path

import pytest

from kzoo.checks import Refusal
from kzoo.export.registry import FORMATS, find_format, format_at

FOLDER = Path(__file__).parents[2] / "kzoo" / "export" / "formats"


def test_each_file_is_a_format():
    assert list(FORMATS)[:5] == ["saved_model", "onnx", "litert", "litert_int8", "openvino"]
    assert set(FORMATS) == {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert len({found.file for found in FORMATS.values()}) == len(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_complete(name):
    found = FORMATS[name]
    for attribute in ("label", "order", "file", "runtime", "packages", "tolerance", "memory", "float32", "code"):
        assert hasattr(found, attribute), attribute
    assert found.name == name and len(found.memory) == 2 and "{file}" in found.code and "{x}" in found.code
    assert type(found).write.__doc__ or type(found).__doc__


def test_import_is_light():
    """Names of formats are needed by `--help` and by the check of a config."""
    heavy = ("keras", "tensorflow", "numpy", *{found.runtime for found in FORMATS.values()})
    code = f"import kzoo.export.registry, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stdout + done.stderr[-500:]


@pytest.mark.parametrize("name, words", [("onx", "did you mean 'onnx'?"), (5, "no format 5; known: "), (None, "None")])
def test_unknown_names_are_refused(name, words):
    with pytest.raises(Refusal, match="^export: no format") as caught:
        find_format(name)
    assert words in str(caught.value)


def test_formats_of_paths(tmp_path):
    for name, format in {"a.onnx": "onnx", "a.tflite": "litert", "a.xml": "openvino"}.items():
        assert format_at(tmp_path / name) is FORMATS[format]
    assert format_at(tmp_path / "a.pb") is format_at(tmp_path / "none") is None
    for file, format in {"saved_model.pb": "saved_model", "model.xml": "openvino", "readme": None}.items():
        folder = tmp_path / f"with {file}"
        folder.mkdir()
        (folder / file).touch()
        assert format_at(folder) is FORMATS.get(format)
