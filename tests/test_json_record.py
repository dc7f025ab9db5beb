"""JSON files that are read back; tests/training/test_metrics_file.py has the damaged ones."""

import pytest

from kzoo.checks import Refusal
from kzoo.json_record import read_record


def refuse(record):
    raise ValueError(f"{len(record)} entries")


def test_read_record(tmp_path):
    (tmp_path / "it.json").write_text('{"a": 1}')
    assert read_record(tmp_path / "it.json") == {"a": 1}
    with pytest.raises(Refusal, match=r"it.json is damaged \(1 entries\); make it again\.$"):
        read_record(tmp_path / "it.json", refuse, "make it again")
