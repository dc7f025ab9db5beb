"""Compares configs: their fingerprint and the settings that differ."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from kzoo.config.config import Config, leaves, resolved


def config_sha256(config: Config) -> str:
    """Returns a fingerprint of all settings that does not depend on their order or spelling."""
    return hashlib.sha256(_canonical(resolved(config)).encode()).hexdigest()


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns one line for each setting that differs between two resolved configs, in the order of the old one.

    >>> differences({"training": {"epochs": 100, "seeds": [0]}}, {"training": {"epochs": 10, "seeds": [0]}})
    ['training.epochs: 100 -> 10']
    """
    return [f"{path}: {before} -> {after}" for path, (before, after) in differing_settings([old, new]).items()]


def differing_settings(configs: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Returns {path: its value in each config, as JSON} of the settings that differ between resolved configs.

    >>> differing_settings([{"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"b": 1}}])
    {'a.c': ['2', '3', 'unset']}
    """
    settings = [dict(leaves(config)) for config in configs]
    values = {
        path: [_canonical(each[path]) if path in each else "unset" for each in settings]
        for path in dict.fromkeys(path for each in settings for path in each)
    }
    return {path: each for path, each in values.items() if len(set(each)) > 1}


def _canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
