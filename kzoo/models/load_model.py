"""Loads the model that a run trained."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras

from kzoo.checks import Refusal
from kzoo.models.feature_extractor import feature_extractor
from kzoo.models.weight_file import open_weights
from kzoo.run_folder import find_run
from kzoo.types import PathLike

WIDTHS = (
    "units",
    "filters",
    "input_dim",
    "output_dim",
    "key_dim",
    "value_dim",
)  # settings of Keras's and kzoo's layers
SLACK = 2**20  # bytes of weights that a file need not hold


def load_model(run: PathLike, features: str | Sequence[str] | None = None) -> keras.Model:
    """Returns the trained Keras model of a run: its folder, its name under `saved_models/`, or a `.keras` file.

    The model begins with the run's preprocessing, so that it takes inputs as the run's data has them. `features`: names
    of layers; the model then returns their outputs, in that order.
    Refuses a run that is not finished, one of several seeds of which none is chosen, a damaged file, and one whose
    weights are links to other files or not finite.

    >>> load_model("no_such_run")
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: no finished run at no_such_run or saved_models/no_such_run: model.keras is missing.
    """
    file = Path(run)
    if file.suffix != ".keras":
        file = find_run(run)
    elif not file.is_file():
        raise Refusal(f"no file {file}.")
    try:
        with open_weights(file):  # its checks are stricter than Keras's
            pass
        _check_widths(file)
        model = keras.models.load_model(file, safe_mode=True)
    except Exception as error:  # a damaged file can raise any exception
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise Refusal(f"{file} cannot be loaded: {reason}") from error
    return model if features is None else feature_extractor(model, features)


def _check_widths(file):
    """Raises ValueError if a layer that the file describes has more units than the file has bytes for their weights."""
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))
        held = sum(member.file_size for member in archive.infolist())

    def check(key, value):
        if key in WIDTHS and isinstance(value, int) and value > held + SLACK:
            raise ValueError(f"a layer with {key} {value:,}, but the file holds {held:,} bytes")
        for inner, item in value.items() if isinstance(value, dict) else ():
            check(inner, item)
        for item in value if isinstance(value, list) else ():
            check(key, item)

    check(None, config)
