"""Objects of Keras and kzoo from `{class_name, config}`: one function that refuses whatever Keras would let pass.

Source: none.
"""

import inspect
import sys
import textwrap
import warnings

import keras

import kzoo.layers
import kzoo.losses  # noqa: F401  both imported for what they register
from kzoo.checks import Refusal, nearest, require

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
NEED_CODE = ("Lambda", "LambdaCallback", "MeanMetricWrapper", "JaxLayer", "FlaxLayer", "TorchModuleWrapper")
MOST = sys.float_info.max  # so that neither .inf nor .nan is within bounds
ANY, RATE = (-MOST, MOST, "a number"), (0, MOST, "a number of at least 0")
COUNT, SHARE = (1, MOST, "a number of at least 1"), (0, 1, "a number from 0 to 1")
BOUNDS = {  # arguments that Keras takes as they come, be they text, true or negative
    **dict.fromkeys(("learning_rate", "initial_learning_rate", "end_learning_rate", "warmup_target"), RATE),
    **dict.fromkeys(("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "epsilon", "decay_rate"), RATE),
    **dict.fromkeys(("warmup_steps", "boundaries", "values", "patience", "cooldown", "min_lr"), RATE),
    **dict.fromkeys(("momentum", "ema_momentum", "renorm_momentum", "beta_1", "beta_2", "rho"), SHARE),
    **dict.fromkeys(("label_smoothing", "rate", "dropout", "recurrent_dropout"), SHARE),
    **dict.fromkeys(("decay_steps", "first_decay_steps", "height", "width"), COUNT),
    **dict.fromkeys(("scale", "offset", "baseline"), ANY),
}
LISTS = ("boundaries", "values", "scale", "offset")  # of those, the ones that may be lists of numbers
TEXTS = ("filename", "filepath", "directory", "backup_dir", "log_dir", "monitor", "mode")  # filename: 5 is a descriptor
FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")  # RandomFlip takes any text, and then flips nothing
REQUIRED = inspect.Parameter.empty


def build(kind, spec, where=None):
    """A new object of `kind` (a key of KINDS) from {class_name, config}, a `Spec` or the bare name of a class.

    A name means Keras's class, else kzoo's; "kzoo>Name" means kzoo's. Specs within the config are built first.
    `where` opens each message. Errors: Refusal, one line, for an unknown class or setting, a value of the wrong type or
    range, and whatever the class itself refuses or warns of.

    >>> build("optimizer", {"class_name": "SGD", "config": {"learning_rate": 0.5}}).learning_rate.numpy().item()
    0.5
    """
    require(kind in KINDS, "build", f"kind, one of {', '.join(KINDS)}", kind=kind)
    where = where or kind
    name, config = _read(spec, where)
    cls = _find(kind, name, where)
    settings = _settings(cls)
    for key in config:
        if key not in settings:
            near = nearest(key, settings) if settings else "it has none"
            raise Refusal(f"{where}: {name} has no setting {key!r}; {near}")
    missing = [key for key, default in settings.items() if default is REQUIRED and key not in config]
    if missing:
        raise Refusal(f"{where}: {name} needs {' and '.join(missing)}.")
    if cls is keras.layers.RandomFlip and config.get("mode", FLIPS[-1]) not in FLIPS:
        raise Refusal(f"{where}.config.mode expects one of {', '.join(FLIPS)}; received {config['mode']!r}.")
    config = {key: _value(key, value, settings[key], f"{where}.config.{key}") for key, value in config.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of an unknown callback mode, for one
            return cls(**config)
    except Exception as error:  # whatever a constructor raises, the config is what has to change
        text = textwrap.shorten(str(error) or type(error).__name__, 300, placeholder=" ...")
        raise Refusal(f"{where}: {name} refuses its config: {text}") from error


def _read(spec, where):
    """(class name, config) of any spelling of a spec."""
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
    """Name to class, of kzoo's and Keras's public classes of a kind; Keras's aliases (`he_normal`) too."""
    space, base = KINDS[kind]
    ours = {name: cls for name, cls in keras.saving.get_custom_objects().items() if name.startswith("kzoo>")}
    found = {name.removeprefix("kzoo>"): cls for name, cls in ours.items()} | vars(space) | ours
    return {
        name: cls
        for name, cls in found.items()
        if isinstance(cls, type) and issubclass(cls, base) and cls is not base and not name.startswith("_")
    }


def _find(kind, name, where):
    known = _classes(kind)
    if name in NEED_CODE:
        raise Refusal(f"{where}: {name} needs Python code, which a config cannot hold; write a class and register it.")
    if name in known:
        return known[name]
    article = "an" if kind[0] in "aeiou" else "a"
    other = next((other for other in KINDS if name in _classes(other)), None)
    if other:
        raise Refusal(f"{where} expects {article} {kind}; {name} is of kind {other}.")
    proper = [key for key, cls in known.items() if key == cls.__name__]  # no aliases
    raise Refusal(f"{where} expects {article} {kind}; received {name!r}; {nearest(name, proper)}")


def _settings(cls):
    """Settings a constructor knows, name to default, following **kwargs up the classes it is handed to."""
    settings = {}
    for parent in cls.__mro__:
        if "__init__" not in vars(parent):
            continue
        parameters = list(inspect.signature(parent.__init__).parameters.values())[1:]
        plain = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        # what a parent requires the class itself passes on
        news = {p.name: p.default if parent is cls or p.default is not REQUIRED else None for p in plain}
        settings = news | settings
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return settings


def _nested(value, key, where):
    """`value` with every {class_name, config} in it built; the argument's name tells of what kind, else the class's."""
    if isinstance(value, dict) and "class_name" in value:
        name, _ = _read(value, where)
        meant = "schedule" if key == "learning_rate" else key
        named = [kind for kind in KINDS if meant.endswith((kind, kind + "s"))]
        kinds = named or [kind for kind in KINDS if name in _classes(kind)] or ["layer"]
        return build(kinds[0], value, where)
    if isinstance(value, dict):
        return {inner: _nested(item, inner, f"{where}.{inner}") for inner, item in value.items()}
    if isinstance(value, list):
        return [_nested(item, key, f"{where}.{place}") for place, item in enumerate(value)]
    return value


def _value(key, value, default, where):
    """The value to pass on, its specs built; of the type of the argument's default and in the bounds of its name."""
    value = _nested(value, key, where)
    items = value if isinstance(value, list) and value else [value]
    numbers = all(type(item) in (int, float) for item in items)  # not bool, a subclass of int
    if isinstance(default, bool):
        ok, expected = isinstance(value, bool), "true or false"
    elif key in BOUNDS:
        low, high, expected = BOUNDS[key]
        ok = numbers and all(low <= item <= high for item in items) and (items is not value or key in LISTS)
        ok = ok or (value is None and default is None)
        if key == "learning_rate":
            ok, expected = ok or isinstance(value, KINDS["schedule"][1]), expected + " or a schedule"
    elif key in TEXTS:
        ok, expected = isinstance(value, str), "text"
    elif isinstance(default, (int, float)):
        ok, expected = value is None or numbers, "a number"
    elif isinstance(default, str):  # "epoch" may also be a count of batches
        ok, expected = type(value) not in (int, float) or key.endswith("_freq"), "text"
    elif isinstance(default, tuple):
        ok, expected = not isinstance(value, str), "a number or a list of numbers"
    else:
        ok, expected = True, "something other than true and false"
    if not ok or (isinstance(value, bool) and not isinstance(default, (bool, type(None)))):
        raise Refusal(f"{where} expects {expected}; received {value!r}.")
    whole = isinstance(default, float) and type(value) is int and abs(value) < MOST
    return float(value) if whole else value  # SGD refuses `momentum: 0`
