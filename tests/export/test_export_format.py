"""The interface of formats: its defaults, and how runtimes' names of inputs and outputs are matched."""

from pathlib import Path

import pytest

from kzoo.checks import Refusal
from kzoo.export.export_format import ExportFormat, match_inputs, sort_outputs


def test_defaults():
    format = ExportFormat()
    format.file = "model.ext"
    assert format.recognizes(Path("a.ext")) and not format.recognizes(Path("ext"))
    format.file = "folder"
    assert not format.recognizes(Path("folder"))
    assert format.signature_batches(None, None) == [] and format.report_extra("it", [], []) == {}
    format.name = "ext"
    format.check_data(None, integer=False)
    with pytest.raises(Refusal, match="^export to ext expects integer=False, as only litert_int8 has integer inputs"):
        format.check_data(None, integer=True)
    assert format.allowed_difference(None) == 1e-4 and format.card_notes({}) == []
    for method in (format.open, lambda path: format.write(None, path)):
        with pytest.raises(NotImplementedError):
            method("x")


def test_match_inputs():
    found = match_inputs(["b", "a"], {"a": 1, "b": 2})
    assert found == {"b": 2, "a": 1} and list(found) == ["b", "a"]
    assert match_inputs(["a_in", "arg_1x"], {"1x": 1, "a.in": 2}) == {"a_in": 2, "arg_1x": 1}  # by TensorFlow
    assert match_inputs(["x", "y"], {"a": 1, "b": 2}) == {"x": 1, "y": 2}
    with pytest.raises(ValueError, match="zip"):
        match_inputs(["x"], {"a": 1, "b": 2})


def test_sort_outputs():
    assert sort_outputs({"output_10": 11, "output_2": 3, "output_1": 2}) == [2, 3, 11]
    assert sort_outputs({"a": 1, "c": 2, "b": 3}, ["c", "a", "b"]) == [2, 1, 3]
    assert sort_outputs({"bb": 1, "c": 2}, ["c"]) == [2, 1]
