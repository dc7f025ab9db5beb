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
from kzoo.user_modules import name_missing_modules

WIDTHS = (
    "units",
    "filters",
    "input_dim",
    "output_dim",
    "key_dim",
    "value_dim",
)  # settings of Keras's and kzoo's layers
SLACK = 2**20  # bytes of weights that a file need not hold


def load_model(run: PathLike, features: str | Sequence[str] | None = None, compile: bool = True) -> keras.Model:
    """Returns the trained Keras model of a run: its folder, its name under `saved_models/`, or a `.keras` file.

    The model begins with the run's preprocessing, so that it takes inputs as the run's data has them. `features`: names
    of layers; the model then returns their outputs, in that order. `compile`: whether a file's optimizer, loss and
    metrics are restored too.
    Refuses a run that is not finished, one of several seeds of which none is chosen, a damaged file, one with Python
    code in a `Lambda` layer, and one whose weights are links to other files or not finite.

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
    with name_missing_modules(file.parent):
        model = _load(file, compile)
    return model if features is None else feature_extractor(model, features)


def _load(file, compile):
    try:
        with open_weights(file):  # its checks are stricter than Keras's
            pass
        _check_config(file, compile)
        return keras.models.load_model(file, compile=compile, safe_mode=True)
    except Exception as error:  # a damaged file can raise any exception
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise Refusal(f"{file} cannot be loaded: {reason}") from error


def _check_config(file, compile):
    """Raises ValueError if what a file describes cannot be built.

    That is a layer with more units than the file has bytes for their weights, one whose code is in the file, and one of
    a class that is not registered.
    """
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))
        held = sum(member.file_size for member in archive.infolist())

    known = keras.saving.get_custom_objects()

    def check(key, value):
        if key == "compile_config" and not compile:
            return
        if isinstance(value, dict) and value.get("class_name") == "__lambda__":
            raise ValueError("it has a Lambda layer, whose code kzoo does not run: make a class of it and register it")
        name = value.get("registered_name") if isinstance(value, dict) else None
        if isinstance(name, str) and ">" in name and name not in known:
            raise ValueError(f"its class {name} is not registered: import the module that does so, by --import MODULE")
        if key in WIDTHS and isinstance(value, int) and value > held + SLACK:
            raise ValueError(f"a layer with {key} {value:,}, but the file holds {held:,} bytes")
        for inner, item in value.items() if isinstance(value, dict) else ():
            check(inner, item)
        for item in value if isinstance(value, list) else ():
            check(key, item)

    check(None, config)
