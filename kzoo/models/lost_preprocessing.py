"""Warns that weights come from a run whose preprocessing a new model does not have."""

import contextlib
import json
import warnings
import zipfile

from kzoo.models.weights import weights_path
from kzoo.types import PathLike

PREFIX = "preprocess"  # of the names of a run's preprocessing layers


def warn_of_lost_preprocessing(name: str, weights: PathLike) -> None:
    """Warns if the run or `.keras` file that the model `name` got its weights from begins with preprocessing layers."""
    found = preprocessing_in(name, weights)
    if found:
        warnings.warn(
            f"model({name!r}, weights={str(weights)!r}) is without the preprocessing of these weights, "
            f"{', '.join(found)}, so its inputs must be preprocessed; kzoo.load_model({str(weights)!r}), which takes "
            "features too, keeps it.",
            stacklevel=3,
        )


def preprocessing_in(name: str, weights: PathLike) -> list[str]:
    """Returns the classes of the preprocessing layers of the run or `.keras` file that a model's weights come from."""
    file = weights_path(name, weights)
    if file.suffix != ".keras":
        return []
    with contextlib.suppress(ValueError, KeyError, TypeError, zipfile.BadZipFile), zipfile.ZipFile(file) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
        return [layer["class_name"] for layer in layers if str(layer["config"].get("name")).startswith(PREFIX)]
    return []
