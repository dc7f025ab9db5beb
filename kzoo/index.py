"""Facts about kzoo's models and layers, read without importing Keras: names, settings, sizes and sources.

`python -m docs.index` writes them to index.json.
"""

import fnmatch
import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kzoo.checks import Refusal, nearest

FILE = Path(__file__).with_suffix(".json")
KERAS_SETTINGS = ("classes", "weights", "name", "input_shape", "input_tensor", "features")  # of .keras files

_added: dict[str, Callable[[], dict[str, Any]]] = {}  # models that are not kzoo's: name -> what returns their facts


@functools.cache
def read() -> dict[str, dict[str, dict[str, Any]]]:
    """Returns {"models": {name: facts}, "layers": {name without its dimension: facts}}.

    >>> read()["models"]["mnist1d_cnn"]["parameters"]
    2050
    """
    return json.loads(FILE.read_text())


def add_model(name: str, facts: Callable[[], dict[str, Any]]) -> None:
    """Adds a model, unless the index has it: `facts` returns all that the index holds but the model's sizes."""
    if name not in read()["models"]:
        _added[name] = facts


def known_models() -> dict[str, dict[str, Any]]:
    """Returns {name: facts} of the index's models and of the added ones, which have no sizes."""
    return {**read()["models"], **{name: facts() for name, facts in _added.items()}}


def find_models(pattern: str = "*", family: str | None = None) -> list[dict[str, Any]]:
    """Returns the facts of the models that match a shell pattern and belong to a family, sorted by name.

    Raises Refusal with the nearest names if there is none.

    >>> [model["name"] for model in find_models("mnist1d_[cf]*")]
    ['mnist1d_cnn', 'mnist1d_fc', 'mnist1d_fc100']
    """
    known = [{"name": name, **facts} for name, facts in known_models().items()]
    families = {model["family"] for model in known}
    if family is not None and family not in families:
        raise Refusal(f"no family {family!r}; {nearest(family, families)}")
    known = [model for model in known if family in (None, model["family"])]
    found = [model for model in known if fnmatch.fnmatch(model["name"], pattern)]
    if not found:
        raise Refusal(f"no model matches {pattern!r}; {nearest(pattern, [model['name'] for model in known])}")
    return found


def find_layers(pattern: str = "*") -> list[dict[str, Any]]:
    """Returns the facts of the layers whose name contains `pattern`, or matches it if it is a shell pattern.

    All dimensions of a layer are one entry. Raises Refusal with the nearest names if no layer matches.

    >>> [layer["classes"] for layer in find_layers("fft")]
    [['FFTConv1D', 'FFTConv2D']]
    """
    known = read()["layers"]
    wanted = (pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*").lower()
    found = [
        {"name": name, **facts}
        for name, facts in known.items()
        if any(fnmatch.fnmatchcase(label.lower(), wanted) for label in (name, *facts["classes"]))
    ]
    if not found:
        raise Refusal(f"no layer matches {pattern!r}; {nearest(pattern, known)}")
    return found


def check_model(name: str, settings: Iterable[str] = ()) -> None:
    """Raises Refusal with the nearest names if there is no such model, or if it has no such setting.

    >>> check_model("vgg15")
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: no model 'vgg15'; did you mean 'vgg19' or 'vgg16' or 'vgg13'?
    """
    if is_keras_file(name):
        known: Any = KERAS_SETTINGS
    else:
        models = known_models()
        if name not in models:
            raise Refusal(f"no model {name!r}; {nearest(name, models)}")
        known = models[name]["settings"]
    for setting in settings:
        if setting not in known:
            raise Refusal(f"model {name!r} has no setting {setting!r}; {nearest(setting, known)}")


def is_keras_file(name: Any) -> bool:
    """Returns whether a model's name is the path of a `.keras` file. Raises Refusal if there is no such file.

    >>> is_keras_file("vgg16")
    False
    """
    if not (isinstance(name, str) and name.endswith(".keras")):
        return False
    if not Path(name).expanduser().is_file():
        raise Refusal(f"no file {name}.")
    return True
