"""Loading what a run trained.

Source: none.
"""

import zipfile
from pathlib import Path

import keras

import kzoo.layers  # noqa: F401 (registers the classes that a saved model names)
from kzoo.checks import Refusal


def load_model(run):
    """The trained Keras model of a run: its folder, its name under `saved_models/`, or a `.keras` file.

    Errors: ValueError if there is no finished run there, if it holds several seeds and none is chosen, or if the
    file is damaged.

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
    except (ValueError, TypeError, OSError, zipfile.BadZipFile) as error:  # Keras's own words for a damaged file
        raise Refusal(f"{file} cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def find_run(run, file="model.keras"):
    """The path of a file in a finished run's folder, given as a path or as a name under `saved_models/`."""
    places = [Path(run), Path("saved_models") / run]
    for place in places:
        if (place / file).is_file():
            return place / file
        seeds = sorted(child.name for child in place.glob("seed_*") if (child / file).is_file())
        if seeds:
            raise Refusal(
                f"{place} holds one run a seed: name one of {', '.join(f'{place}/{seed}' for seed in seeds)}."
            )
    raise Refusal(f"no finished run at {' or '.join(map(str, places))}: {file} is missing.")
