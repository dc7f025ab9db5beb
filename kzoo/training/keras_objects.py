"""Builds objects of Keras and kzoo from `{class_name, config}`, and checks arguments that Keras does not check."""

import inspect
import sys
import warnings
from typing import Any

import keras

from kzoo.checks import Refusal, nearest, one_line, require

KINDS = {  # kind: (Keras's public namespace, base class)
    "optimizer": (keras.optimizers, keras.optimizers.Optimizer),
    "schedule": (keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule),
    "loss": (keras.losses, keras.losses.Loss),
    "metric": (keras.metrics, keras.metrics.Metric),
    "callback": (keras.callbacks, keras.callbacks.Callback),
    "layer": (keras.layers, keras.layers.Layer),
    "initializer": (keras.initializers, keras.initializers.Initializer),
    "regularizer": (keras.regularizers, keras.regularizers.Regularizer),
    "constraint": (keras.constraints, keras.constraints.Constraint),
}
REFUSED = {  # class: the reason
    **dict.fromkeys(
        ("Lambda", "LambdaCallback", "MeanMetricWrapper", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"),
        "needs Python code, which a config cannot hold; write a class and register it",
    ),
    **dict.fromkeys(
        ("BackupAndRestore", "OrbaxCheckpoint"),
        "is not needed: kzoo saves checkpoints and resumes from them; ModelCheckpoint saves models for other uses",
    ),
    "CallbackList": "is not needed: training.callbacks is a list",
    "TFSMLayer": "runs a program of another folder, which a saved model cannot hold",
}
MAX_FLOAT = sys.float_info.max  # as a bound it excludes .inf and .nan
ANY, RATE = (-MAX_FLOAT, MAX_FLOAT, "a number"), (0, MAX_FLOAT, "a number of at least 0")
COUNT, FRACTION = (1, MAX_FLOAT, "a number of at least 1"), (0, 1, "a number from 0 to 1")
BOUNDS = {  # arguments that Keras accepts unchecked, even text, true or negative numbers
    **dict.fromkeys(("learning_rate", "initial_learning_rate", "end_learning_rate", "warmup_target"), RATE),
    **dict.fromkeys(("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "epsilon", "decay_rate"), RATE),
    **dict.fromkeys(("warmup_steps", "boundaries", "values", "patience", "cooldown", "min_lr"), RATE),
    **dict.fromkeys(("momentum", "ema_momentum", "renorm_momentum", "beta_1", "beta_2", "rho"), FRACTION),
    **dict.fromkeys(("label_smoothing", "rate", "dropout", "recurrent_dropout"), FRACTION),
    **dict.fromkeys(("decay_steps", "first_decay_steps", "height", "width"), COUNT),
    **dict.fromkeys(("scale", "offset", "baseline"), ANY),
}
LISTS = ("boundaries", "values", "scale", "offset")  # those of BOUNDS that may be lists of numbers
TEXTS = ("filename", "filepath", "log_dir", "monitor", "mode")  # an integer would be opened as a file descriptor
FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")  # RandomFlip accepts any text, and does not flip then
REQUIRED = inspect.Parameter.empty


def build_object(kind: str, spec: Any, where: str | None = None) -> Any:
    """Returns a new object of `kind` (a key of KINDS) from {class_name, config}, a `Spec` or a class name.

    A name is looked up among Keras's classes, then among kzoo's; "package>Name" is a class that was registered so with
    Keras, such as "kzoo>Warmup". Nested specs are built first.
    Raises Refusal, one line that starts with `where`, for an unknown class or setting, for a value of the wrong type or
    range, and for every error or warning of the class's constructor.

    >>> spec = {"class_name": "SGD", "config": {"learning_rate": 0.5}}
    >>> build_object("optimizer", spec).learning_rate.numpy().item()
    0.5
    """
    require(kind in KINDS, "build_object", f"kind, one of {', '.join(KINDS)}", kind=kind)
    where = where or kind
    name, config = _read(spec, where)
    cls = _find_class(kind, name, where)
    settings = _constructor_settings(cls)
    for key in config:
        if key not in settings:
            near = nearest(key, settings) if settings else "it has none"
            raise Refusal(f"{where}: {name} has no setting {key!r}; {near}")
    missing = [key for key, default in settings.items() if default is REQUIRED and key not in config]
    if missing:
        raise Refusal(f"{where}: {name} needs {' and '.join(missing)}.")
    if cls is keras.layers.RandomFlip and config.get("mode", FLIPS[-1]) not in FLIPS:
        raise Refusal(f"{where}.config.mode expects one of {', '.join(FLIPS)}; received {config['mode']!r}.")
    scheduled = {"learning_rate", *getattr(cls, "scheduled", ())}  # settings that may be schedules
    built = {key: _build_nested(value, key, f"{where}.config.{key}") for key, value in config.items()}
    if not is_foreign(cls):  # a class of the user's checks its arguments itself
        built = {
            key: _checked(key, value, settings[key], f"{where}.config.{key}", key in scheduled)
            for key, value in built.items()
        }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # an unknown mode of a callback, for example, is only a warning
            return cls(**built)
    except Exception as error:  # of any class; the config has to change
        raise Refusal(f"{where}: {name} refuses its config: {one_line(error)}") from error


def has_setting(kind: str, spec: Any, setting: str, where: str | None = None) -> bool:
    """Returns whether the class of a spec has a setting of this name. Raises Refusal for an unknown class.

    >>> has_setting("optimizer", "SGD", "momentum"), has_setting("optimizer", "Adam", "momentum")
    (True, False)
    """
    return setting in _constructor_settings(class_of(kind, spec, where))


def class_of(kind: str, spec: Any, where: str | None = None) -> type:
    """Returns the class of a spec, as `build_object` finds it. Raises Refusal for an unknown class.

    >>> class_of("optimizer", "SGD").__name__
    'SGD'
    """
    where = where or kind
    name, _ = _read(spec, where)
    return _find_class(kind, name, where)


def find_class(kind: str, spec: Any, where: str | None = None) -> type:
    """Returns the class of a spec. Raises Refusal for an unknown class.

    >>> find_class("optimizer", "SGD").__name__
    'SGD'
    """
    return _find_class(kind, _read(spec, where or kind)[0], where or kind)


def _read(spec, where):
    """Returns (class name, config) of a spec in any of its spellings."""
    if isinstance(spec, str):
        return spec, {}
    if hasattr(spec, "class_name"):
        return spec.class_name, spec.config
    if not isinstance(spec, dict) or not isinstance(spec.get("class_name"), str):
        raise Refusal(f"{where} expects a class name or class_name and config; received {spec!r}.")
    for key in spec.keys() - {"class_name", "config"}:
        raise Refusal(f"{where}.{key} is not a setting; {nearest(key, ['class_name', 'config'])}")
    config = spec.get("config", {})
    if not isinstance(config, dict):
        raise Refusal(f"{where}.config expects a mapping; received {config!r}.")
    return spec["class_name"], config


def _classes(kind):
    """Returns {name: class} of Keras's public and of registered classes of a kind; aliases (`he_normal`) too.

    Only kzoo's can be named without their package.
    """
    namespace, base = KINDS[kind]
    registered = {name: cls for name, cls in keras.saving.get_custom_objects().items() if ">" in name}
    ours = {name.removeprefix("kzoo>"): cls for name, cls in registered.items() if name.startswith("kzoo>")}
    found = ours | vars(namespace) | registered
    return {
        name: cls
        for name, cls in found.items()
        if isinstance(cls, type) and issubclass(cls, base) and cls is not base and not name.startswith("_")
    }


def _find_class(kind, name, where):
    known = _classes(kind)
    if name in REFUSED:
        raise Refusal(f"{where}: {name} {REFUSED[name]}.")
    if name in known:
        return known[name]
    article = "an" if kind[0] in "aeiou" else "a"
    other = next((other for other in KINDS if name in _classes(other)), None)
    if other:
        raise Refusal(f"{where} expects {article} {kind}; {name} is of kind {other}.")
    registered = keras.saving.get_custom_objects()
    if name in registered:
        base = KINDS[kind][1].__name__
        raise Refusal(f"{where} expects {article} {kind}; {name} is no class of one: register a subclass of {base}.")
    package = name.partition(">")[0] + ">"
    if ">" in name and not any(each.startswith(package) for each in registered):
        raise Refusal(f"{where} expects {article} {kind}; nothing of {package} is registered: --import its module.")
    shown = [key for key, cls in known.items() if key == cls.__name__ or (">" in key and not key.startswith("kzoo>"))]
    raise Refusal(f"{where} expects {article} {kind}; received {name!r}; {nearest(name, shown)}")


def is_foreign(cls: type) -> bool:
    """Returns whether a class is neither Keras's nor kzoo's, but the user's.

    >>> is_foreign(keras.layers.Dense), is_foreign(dict)
    (False, True)
    """
    ours = keras.saving.get_registered_name(cls).startswith("kzoo>")
    return not ours and cls.__module__.partition(".")[0] not in ("keras", "kzoo")


def _constructor_settings(cls):
    """Returns {name: default} of a constructor's arguments, those of its base classes included if it takes **kwargs."""
    settings = {}
    for parent in cls.__mro__:
        if "__init__" not in vars(parent):
            continue
        parameters = list(inspect.signature(parent.__init__).parameters.values())[1:]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        # what a base class requires is optional here, because the class itself passes it
        own = {p.name: p.default if parent is cls or p.default is not REQUIRED else None for p in named}
        settings = own | settings
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return settings


def _build_nested(value, key, where):
    """Returns `value` with each {class_name, config} in it built.

    An argument such as `kernel_initializer` names the kind; otherwise it is the first kind that has the class.
    """
    if isinstance(value, dict) and "class_name" in value:
        name, _ = _read(value, where)
        argument = "schedule" if key == "learning_rate" else key
        by_argument = [kind for kind in KINDS if argument.endswith((kind, kind + "s"))]
        kinds = by_argument or [kind for kind in KINDS if name in _classes(kind)] or ["layer"]
        return build_object(kinds[0], value, where)
    if isinstance(value, dict):
        return {inner: _build_nested(item, inner, f"{where}.{inner}") for inner, item in value.items()}
    if isinstance(value, list):
        return [_build_nested(item, key, f"{where}.{index}") for index, item in enumerate(value)]
    return value


def _checked(key, value, default, where, scheduled=False):
    """Returns an argument's value; raises Refusal if it is not of the type of the default, or out of its bounds."""
    items = value if isinstance(value, list) and value else [value]
    numbers = all(type(item) in (int, float) for item in items)  # not bool, a subclass of int
    if isinstance(default, bool):
        ok, expected = isinstance(value, bool), "true or false"
    elif key in BOUNDS:
        low, high, expected = BOUNDS[key]
        ok = numbers and all(low <= item <= high for item in items) and (items is not value or key in LISTS)
        ok = ok or (value is None and default is None)
        if scheduled:
            ok, expected = ok or isinstance(value, KINDS["schedule"][1]), expected + " or a schedule"
    elif key in TEXTS:
        ok, expected = isinstance(value, str), "text"
    elif isinstance(default, (int, float)):
        ok, expected = value is None or numbers, "a number"
    elif isinstance(default, str):  # save_freq: "epoch" may also be a number of batches
        ok, expected = type(value) not in (int, float) or key.endswith("_freq"), "text"
    elif isinstance(default, tuple):
        ok, expected = not isinstance(value, str), "a number or a list of numbers"
    else:
        ok, expected = True, "something other than true and false"
    if not ok or (isinstance(value, bool) and not isinstance(default, (bool, type(None)))):
        raise Refusal(f"{where} expects {expected}; received {value!r}.")
    is_whole = isinstance(default, float) and type(value) is int and abs(value) < MAX_FLOAT
    return float(value) if is_whole else value  # SGD refuses `momentum: 0`
