"""The fingerprint of a run's data, kept in the run's folder, so that data which changed since is noticed.

It covers what `kzoo.data.loader.Data.fingerprint` does: of datasets by name only names and sizes of files.
"""

import json
from pathlib import Path
from typing import Any

import keras

from kzoo.checks import Refusal
from kzoo.config.config import Config
from kzoo.data.loader import Data
from kzoo.files import write_atomically
from kzoo.terminal import say

FILE = "data.json"
DIGESTS = ("files", "contents")  # entries whose values say nothing to a reader
DECISIVE = ("input_shape", "classes", "targets")  # with other values the model does not fit the data


def keep_fingerprint(file: Path, fingerprint: dict[str, Any]) -> None:
    """Writes the fingerprint when a run starts. Raises Refusal if a run is resumed whose data has changed."""
    changed = list_changes(_read(file), fingerprint)
    if changed:
        raise Refusal(
            f"the data changed since {file} was written: {', '.join(changed.values())}. "
            "Use the same data, choose another --run NAME, or delete that file to accept the change."
        )
    if not file.exists():
        write_atomically(file, json.dumps(fingerprint, indent=2) + "\n")


def check_fingerprint(config: Config, folder: Path, data: Data, model: keras.Model) -> None:
    """Prints one line if the data of a finished run has changed. Raises Refusal if its model no longer fits the data.

    Of a run without a fingerprint only the model's input shape is compared.
    """
    recorded = {"input_shape": list(model.inputs[0].shape[1:]), **_read(fingerprint_file(config, folder))}
    changed = list_changes(recorded, data.fingerprint)
    what = f"the data changed since the run at {folder}: {', '.join(changed.values())}"
    if any(key in changed for key in DECISIVE):
        raise Refusal(f"{what}; its model does not fit the data any more.")
    if changed:
        say(f"{what}.")


def fingerprint_file(config: Config, folder: Path) -> Path:
    """Returns the path of a run's fingerprint, which the folders of several seeds share."""
    return (folder.parent if len(config.training.seeds) > 1 else folder) / FILE


def list_changes(recorded: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """Returns {entry: a phrase on its change} of the recorded entries that have another value now.

    >>> list_changes({"classes": 2, "files": "ab"}, {"classes": 3, "files": "ac"})
    {'classes': 'classes 3 instead of 2', 'files': 'other files'}
    """
    changed = {key: value for key, value in now.items() if recorded.get(key, value) != value}
    return {
        key: f"other {key}" if key in DIGESTS else f"{key} {value} instead of {str(recorded[key])[:40]}"
        for key, value in changed.items()
    }


def _read(file):
    """Returns the recorded fingerprint; an empty one of a run without it, and where the file is damaged."""
    try:
        recorded = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        recorded = {}
    return recorded if isinstance(recorded, dict) else {}
