"""Loading what a run trained.

Source: none.
"""

from pathlib import Path

import keras

import kzoo.layers  # noqa: F401 (registers the classes that a saved model names)
from kzoo.checks import Refusal


def load_model(run):
    """The trained Keras model of a run: its folder, its name under `saved_models/`, or a `.keras` file.

    Errors: ValueError if there is no finished run there, or if it holds several seeds and none is chosen.

    >>> load_model("no_such_run")
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: no finished run at no_such_run or saved_models/no_such_run: model.keras is missing.
    """
    return keras.models.load_model(find_run(run) if Path(run).suffix != ".keras" else run)


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
