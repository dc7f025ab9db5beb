"""The table of formats, and which format a path looks like."""

import pytest

from kzoo.checks import Refusal
from kzoo.export.exporter import WRITERS
from kzoo.export.formats import FORMATS, find_format, format_at
from kzoo.export.runtimes import OPENERS


def test_each_has_a_writer_and_a_runtime():
    assert set(FORMATS) == set(OPENERS) == {*WRITERS, "saved_model", "litert_int8"}
    assert all(OPENERS[name][1] == found.runtime for name, found in FORMATS.items())
    assert len({found.file for found in FORMATS.values()}) == len(FORMATS)


@pytest.mark.parametrize("name, words", [("onx", "did you mean 'onnx'?"), (5, "no format 5; known: "), (None, "None")])
def test_unknown_names_are_refused(name, words):
    with pytest.raises(Refusal, match="^export: no format") as caught:
        find_format(name)
    assert words in str(caught.value)


def test_formats_of_paths(tmp_path):
    assert [format_at(tmp_path / name) for name in ("a.onnx", "a.tflite", "a.xml", "a.pb", "none")] == [
        *("onnx", "litert", "openvino"),
        *(None, None),
    ]
    for file, format in {"saved_model.pb": "saved_model", "model.xml": "openvino", "readme": None}.items():
        folder = tmp_path / f"with {file}"
        folder.mkdir()
        (folder / file).touch()
        assert format_at(folder) == format
