"""Finds a model's builder by the model's name, and builds the model."""

import fnmatch
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kzoo.checks import Refusal, nearest, require
from kzoo.models.feature_extractor import feature_extractor
from kzoo.models.lost_preprocessing import warn_of_lost_preprocessing
from kzoo.models.weights import find_tag, load_tag, tags_of

__all__ = ["describe", "list_models", "model", "register_family"]

_MODELS: dict[str, tuple[Callable[..., keras.Model], dict[str, Any]]] = {}  # name -> (builder, settings)


def register_family(builder: Callable[..., keras.Model], variants: dict[str, dict[str, Any]]) -> None:
    """Registers `builder` under each name of `variants`, a dict {name: settings}.

    Refuses names that are taken and settings that the builder does not have.
    """
    for name, settings in variants.items():
        require(name not in _MODELS, "register_family", "a name not yet taken", name=name)
        _refuse_unknown(name, builder, settings)
        _MODELS[name] = (builder, settings)


def list_models(pattern: str = "*") -> list[str]:
    """Returns the sorted names of the models that match a shell pattern.

    >>> list_models("mnist1d_fc*")
    ['mnist1d_fc', 'mnist1d_fc100']
    """
    return sorted(fnmatch.filter(_MODELS, pattern))


def model(name: str, /, features: str | Sequence[str] | None = None, **overrides: Any) -> keras.Model:
    """Builds the model `name`; without further arguments its layers and numbers of weights are the published ones.

    Constants and initial values are published ones where a source gives them; the docstrings of the families, which
    `describe(name)` holds, name those that are chosen here.

    Arguments: `input_shape`, `input_tensor`, `classes`, `include_top`, `pooling`, `weights`,
    `classifier_activation` and `name` as in `keras.applications`, and the family's own settings, which
    `describe(name)` lists. `weights`: a tag that `describe(name)` names, a `.weights.h5` or `.keras` file, or a run's
    folder or name under `saved_models/`. With a tag and other `classes` than its own the last layer keeps its initial
    weights. The model has no preprocessing: `kzoo.load_model(run, features)` keeps that of a run, and a warning says
    what was left out. `features`: names of layers; the model then returns their outputs, in that order.
    Returns a functional `keras.Model`. Refuses unknown models, settings and layers, naming the nearest known ones, and
    settings that the family cannot build.

    >>> model("mnist1d_cnn").count_params()
    2050
    """
    builder, settings = find(name)
    _refuse_unknown(name, builder, overrides)
    weights: Any = overrides.get("weights")
    tag = find_tag(name, weights)
    if tag:
        overrides = {**tag.settings, **overrides, "weights": None}
    try:
        built = builder(**{"name": name, **settings, **overrides})
    except Refusal:
        raise
    except (ValueError, TypeError) as error:  # raised by Keras for settings that it refuses
        raise Refusal(f"model {name!r} cannot be built so: {' '.join(str(error).split())[:300]}") from error
    except RecursionError as error:  # Keras follows a model's layers recursively
        raise Refusal(
            f"model {name!r} cannot be built so: it has more layers in a row than Keras can follow"
        ) from error
    if tag:
        load_tag(built, name, weights, new_top="classes" in overrides)
    elif weights is not None and overrides.get("input_tensor") is None:
        warn_of_lost_preprocessing(name, weights)
    return built if features is None else feature_extractor(built, features)


def describe(name: str) -> dict[str, Any]:
    """Returns a model's family, docstring, source, tags of weights, and the values of all settings.

    >>> describe("mnist1d_cnn")["settings"]["filters"]
    15
    """
    builder, settings = find(name)
    defaults = {p.name: p.default for p in inspect.signature(builder).parameters.values()}
    return {
        "family": builder.__module__.rpartition(".")[2],
        "doc": inspect.getdoc(builder),
        "source": (inspect.getdoc(inspect.getmodule(builder)) or "").partition("Source:")[2].strip(),
        "weights": tags_of(name),
        "settings": {**defaults, **settings, "name": name},
    }


def find(name: str) -> tuple[Callable[..., keras.Model], dict[str, Any]]:
    """Returns the builder and the settings that a name is registered with."""
    if not isinstance(name, str) or name not in _MODELS:
        raise Refusal(f"no model {name!r}; {nearest(name, _MODELS)}")
    return _MODELS[name]


def _refuse_unknown(name, builder, settings):
    known = set(inspect.signature(builder).parameters)
    for setting in settings:
        if setting not in known:
            raise Refusal(f"model {name!r} has no setting {setting!r}; {nearest(setting, known)}")
