"""Loads the model that a run trained."""

from pathlib import Path

import keras

from kzoo.checks import Refusal
from kzoo.models.weight_file import open_weights
from kzoo.run_folder import find_run
from kzoo.types import PathLike


def load_model(run: PathLike) -> keras.Model:
    """Returns the trained Keras model of a run: its folder, its name under `saved_models/`, or a `.keras` file.

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
        return keras.models.load_model(file, safe_mode=True)
    except Exception as error:  # a damaged file can raise any exception
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise Refusal(f"{file} cannot be loaded: {reason}") from error
