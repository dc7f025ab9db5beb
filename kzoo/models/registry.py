"""Finds a model's builder by the model's name, and builds the model."""

import fnmatch
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kzoo.checks import Refusal, nearest, one_line, require, shown
from kzoo.index import add_model, is_keras_file
from kzoo.models.feature_extractor import feature_extractor
from kzoo.models.graph import is_graph, reapply
from kzoo.models.keras_file import keras_file, keras_name
from kzoo.models.lost_preprocessing import warn_of_lost_preprocessing
from kzoo.models.weights import find_tag, load_tag, load_weights, source_models, tags_of
from kzoo.user_modules import describe_problem

__all__ = ["describe", "list_models", "model", "register_family"]

COMMON = ("name", "input_shape", "input_tensor", "weights")  # settings that `model` handles for builders without them

_MODELS: dict[str, tuple[Callable[..., keras.Model], dict[str, Any]]] = {}  # name -> (builder, settings)


def register_family(builder: Callable[..., keras.Model], variants: dict[str, dict[str, Any]]) -> None:
    """Registers `builder` under each name of `variants`, a dict {name: settings}.

    The builder returns a functional or Sequential model, and takes the settings that it wants to. `classes` and
    `input_shape` are given to a builder that has them; `weights`, `input_tensor` and `name` work without it.
    Refuses names that are taken and settings that the builder does not have.
    """
    require(callable(builder), "register_family", "builder, a function that returns a model", builder=builder)
    for name, settings in variants.items():
        named = isinstance(name, str) and bool(name) and name.isprintable() and not set(name) & set("/*?[ ")
        require(named and not name.endswith(".keras"), "register_family", "a name without / and spaces", name=name)
        require(name not in _MODELS, "register_family", "a name not yet taken", name=name)
        _refuse_unknown(name, builder, settings)
        _MODELS[name] = (builder, settings)
        add_model(name, functools.partial(facts, name))


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

    `name` may also be the path of a `.keras` file, as `kzoo.models.keras_file` describes.
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
        built = _build(name, builder, {"name": keras_name(name), **settings, **overrides})
    except Refusal as refusal:
        shape, reason = overrides.get("input_shape"), one_line(refusal)
        who = reason.partition(" expects ")[0]
        if shape is None or not (who.isidentifier() and who[0].isupper()):  # a layer has the name of a class
            raise
        raise Refusal(f"{name} cannot be built for inputs of shape {shown(tuple(shape))}: {reason}") from refusal
    except Exception as error:
        who = f"model {name!r} cannot be built so"
        if not kzoo_has(builder):  # the user's code, which may raise any exception
            raise Refusal(f"{who}: {describe_problem(error)}.") from error
        if isinstance(error, RecursionError):  # Keras follows a model's layers recursively
            raise Refusal(f"{who}: it has more layers in a row than Keras can follow") from error
        if isinstance(error, (ValueError, TypeError)):  # raised by Keras for settings that it refuses
            raise Refusal(f"{who}: {' '.join(str(error).split())[:300]}") from error
        raise
    if tag:
        load_tag(built, name, weights, new_top="classes" in overrides)
    elif weights is not None and overrides.get("input_tensor") is None:
        warn_of_lost_preprocessing(name, weights)
    return built if features is None else feature_extractor(built, features)


def describe(name: str) -> dict[str, Any]:
    """Returns a model's family, docstring, source, tags of weights, source models, and the values of all settings.

    Source models are those whose weights `load_weights` loads too, {name: their tags}.

    >>> describe("mnist1d_cnn")["settings"]["filters"]
    15
    """
    builder, settings = find(name)
    parameters = inspect.signature(builder).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    return {
        "family": getattr(builder, "__module__", "").rpartition(".")[2],
        "doc": inspect.getdoc(builder) or "",
        "source": (inspect.getdoc(inspect.getmodule(builder)) or "").partition("Source:")[2].strip(),
        "weights": tags_of(name),
        "source_models": source_models(name),
        "settings": {**defaults, **settings, "name": name},
    }


def facts(name: str) -> dict[str, Any]:
    """Returns what `kzoo.index` holds of a model but its sizes: family, first sentence, source, weights, settings.

    >>> facts("mnist1d_cnn")["weights"]
    ['mnist1d']
    """
    known = describe(name)
    return {
        "family": known["family"],
        "what": known["doc"].partition("\n")[0],
        "source": " ".join(known["source"].split()),
        "weights": known["weights"],
        "settings": [*dict.fromkeys((*known["settings"], *COMMON, "features"))],
    }


def kzoo_has(builder: Callable[..., Any]) -> bool:
    """Returns whether a builder is kzoo's own.

    >>> kzoo_has(find("vgg16")[0]), kzoo_has(print)
    (True, False)
    """
    return getattr(builder, "__module__", "").partition(".")[0] == "kzoo"


def find(name: str) -> tuple[Callable[..., keras.Model], dict[str, Any]]:
    """Returns the builder and the settings that a name is registered with, or those of a `.keras` file."""
    if is_keras_file(name):
        return keras_file, {"keras": name}
    if not isinstance(name, str) or name not in _MODELS:
        raise Refusal(f"no model {name!r}; {nearest(name, _MODELS)}")
    return _MODELS[name]


def _build(name, builder, settings):
    """Returns the model of a builder; settings of COMMON that it does not have are applied to what it returns."""
    parameters = inspect.signature(builder).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    rest = {} if takes_any else {key: settings[key] for key in COMMON if key in settings and key not in parameters}
    built = builder(**{key: value for key, value in settings.items() if key not in rest})
    expected = "a builder that returns a functional or built Sequential keras.Model"
    graph = isinstance(built, keras.Model) and is_graph(built)
    require(graph, f"model {name!r}", expected, returned=type(built).__name__)
    shape, x = rest.get("input_shape"), rest.get("input_tensor")
    taken = built.inputs[0].shape[1:]
    if shape is not None:
        fits = len(shape) == len(taken) and all(n in (None, m) for m, n in zip(shape, taken))
        require(fits, f"model {name!r}", f"inputs of shape {tuple(taken)}", input_shape=tuple(shape))
    inputs, outputs = built.inputs, built.outputs
    if x is not None:
        inputs = [*keras.utils.get_source_inputs(x), *built.inputs[1:]]
        outputs = reapply(built, [x, *built.inputs[1:]])
    if x is not None or rest.get("name", built.name) != built.name or isinstance(built, keras.Sequential):
        built = keras.Model(_one_or_all(inputs), _one_or_all(outputs), name=settings["name"])
    return built if rest.get("weights") is None else load_weights(built, rest["weights"])


def _one_or_all(tensors):
    return tensors[0] if len(tensors) == 1 else tensors


def _refuse_unknown(name, builder, settings):
    parameters = inspect.signature(builder).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    known = {*parameters, *COMMON}
    for setting in settings:
        if setting not in known:
            raise Refusal(f"model {name!r} has no setting {setting!r}; {nearest(setting, known)}")
