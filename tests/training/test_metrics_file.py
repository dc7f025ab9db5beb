import json

import pytest

from kzoo.checks import Refusal
from kzoo.json_record import read_record
from kzoo.training.metrics_file import read_metrics

METRICS = {"model": "m", "data": "d", "train": {"error": 0.5, "loss": None}, "published": None, "parameters": 3}
METRICS |= {"epochs": 1, "steps": 2, "seconds": 0.1, "steps_per_second": 20.0, "export": {}, "seed": 0}


def refusal(tmp_path, content):
    (tmp_path / "metrics.json").write_bytes(content)
    with pytest.raises(Refusal) as caught:
        read_metrics(tmp_path / "metrics.json")
    assert "\n" not in str(caught.value) and "--overwrite" in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path / 'metrics.json'} is damaged (")


def test_whole_files(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    assert read_metrics(tmp_path / "metrics.json") == read_record(tmp_path / "metrics.json") == METRICS


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff", "'utf-8' codec"),
        (b"[1]", "it is no JSON object"),
        (b"[" * 100_000, "maximum recursion depth"),
        (b"{}", "model: field required"),
        (json.dumps(METRICS | {"train": {"error": "x"}}).encode(), "train.error: input should be a valid number"),
        (json.dumps(METRICS | {"train": 5}).encode(), "train: input should be a valid dictionary"),
    ],
)
def test_damaged_files(tmp_path, content, words):
    assert refusal(tmp_path, content).startswith(words)
