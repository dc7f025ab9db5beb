"""The recorded results of the configs that kzoo ships: published and measured test errors."""

import json
from pathlib import Path
from typing import Any

from kzoo.config.config_files import config_path, list_configs
from kzoo.config.yaml_file import read_yaml

FOLDERS = [up / "results" for up in Path(__file__).resolve().parents[1:3]]  # in the wheel; in a checkout


def recorded_results() -> dict[str, list[dict[str, Any]]]:
    """Returns {model: [{"config", "published", "measured"} of each config]}; a missing test error is None.

    >>> recorded_results()["mnist1d_cnn"][0]["published"]
    0.17
    """
    results: dict[str, list[dict[str, Any]]] = {}
    for name in list_configs():
        config = read_yaml(config_path(name))
        file = next((folder / f"{name}.json" for folder in FOLDERS if (folder / f"{name}.json").is_file()), None)
        metrics = json.loads(file.read_text()) if file else {}
        sources = {"published": config.get("published"), "measured": metrics.get("test")}
        errors = {key: value.get("error") if value else None for key, value in sources.items()}
        results.setdefault(config["model"]["name"], []).append({"config": name, **errors})
    return results
