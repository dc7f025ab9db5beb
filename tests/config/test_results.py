"""Published errors come from the configs that kzoo ships, measured ones from its recorded runs."""

import json

from kzoo.config import config_files
from kzoo.config import results as module
from kzoo.config.config_files import list_configs
from kzoo.config.results import recorded_results


def test_every_config_is_listed_once():
    listed = [run["config"] for runs in recorded_results().values() for run in runs]
    assert sorted(listed) == list_configs()
    known = recorded_results()["nielsen_6"][0]
    assert known["published"] == 0.004 and 0.005 < known["measured"] < 0.02


def test_several_configs_of_a_model_and_missing_results(tmp_path, monkeypatch):
    monkeypatch.setattr(config_files, "FOLDERS", [tmp_path])
    monkeypatch.setattr(module, "FOLDERS", [tmp_path / "nowhere", tmp_path])
    (tmp_path / "a.yaml").write_text("model: {name: vgg16}\npublished: {error: 0.1, source: them}\n")
    (tmp_path / "b.yaml").write_text("model: {name: vgg16}\n")
    (tmp_path / "b.json").write_text(json.dumps({"test": {"error": 0.2}}))
    (tmp_path / "c.yaml").write_text("model: {name: other}\npublished: null\n")
    (tmp_path / "c.json").write_text(json.dumps({"train": {"error": 0.2}}))  # a dataset without a test split
    assert recorded_results() == {
        "vgg16": [
            {"config": "a", "published": 0.1, "measured": None},
            {"config": "b", "published": None, "measured": 0.2},
        ],
        "other": [{"config": "c", "published": None, "measured": None}],
    }
