"""The figures of the configs that kzoo ships: what was published, and what runs measured.

Source: none.
"""

import json
from pathlib import Path

from kzoo.training.config import config_path, list_configs
from kzoo.training.yaml_file import read_yaml

FOLDERS = [up / "results" for up in Path(__file__).resolve().parents[1:3]]  # in the wheel; in a checkout


def figures():
    """{model: its configs, each {config, published, measured}}; test errors as fractions, None where there is none.

    >>> figures()["mnist1d_cnn"][0]["published"]
    0.17
    """
    found = {}
    for name in list_configs():
        config = read_yaml(config_path(name))
        results = next((folder / f"{name}.json" for folder in FOLDERS if (folder / f"{name}.json").is_file()), None)
        metrics = json.loads(results.read_text()) if results else {}
        told = {"published": config.get("published"), "measured": metrics.get("test")}
        errors = {key: value.get("error") if value else None for key, value in told.items()}
        found.setdefault(config["model"]["name"], []).append({"config": name, **errors})
    return found
