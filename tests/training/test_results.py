"""The figures of shipped configs: those of their files and of the results beside them."""

import json

from kzoo.training import config
from kzoo.training import results as module
from kzoo.training.config import list_configs
from kzoo.training.results import figures


def test_every_config_is_told_once():
    told = [run["config"] for runs in figures().values() for run in runs]
    assert sorted(told) == list_configs()
    known = figures()["nielsen_6"][0]
    assert known["published"] == 0.004 and 0.005 < known["measured"] < 0.02


def test_several_configs_of_a_model_and_missing_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "FOLDERS", [tmp_path])
    monkeypatch.setattr(module, "FOLDERS", [tmp_path / "nowhere", tmp_path])
    (tmp_path / "a.yaml").write_text("model: {name: vgg16}\npublished: {error: 0.1, source: them}\n")
    (tmp_path / "b.yaml").write_text("model: {name: vgg16}\n")
    (tmp_path / "b.json").write_text(json.dumps({"test": {"error": 0.2}}))
    (tmp_path / "c.yaml").write_text("model: {name: other}\npublished: null\n")
    (tmp_path / "c.json").write_text(json.dumps({"train": {"error": 0.2}}))  # a data set without a test split
    assert figures() == {
        "vgg16": [
            {"config": "a", "published": 0.1, "measured": None},
            {"config": "b", "published": None, "measured": 0.2},
        ],
        "other": [{"config": "c", "published": None, "measured": None}],
    }
