"""Loads the model that a run trained."""

import zipfile
from pathlib import Path

import keras

from kzoo.checks import Refusal
from kzoo.run_folder import find_run
from kzoo.types import PathLike


def load_model(run: PathLike) -> keras.Model:
    """Returns the trained Keras model of a run: its folder, its name under `saved_models/`, or a `.keras` file.

    Refuses a run that is not finished, one of several seeds of which none is chosen, and a damaged file.

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
        return keras.models.load_model(file)
    except (ValueError, TypeError, OSError, zipfile.BadZipFile) as error:  # raised by Keras for a damaged file
        raise Refusal(f"{file} cannot be loaded: {' '.join(str(error).split())[:300]}") from error
