"""What a run may be told: the settings of a config, their types, their defaults, and words for each mistake.

Source: none.
"""

import hashlib
import json
import math
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeInt,
    PositiveInt,
    Tag,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kzoo.checks import Refusal, is_integer, nearest, require
from kzoo.export.formats import FORMATS
from kzoo.training.yaml_file import apply_sets, read_yaml

POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
FOLDERS = [up / "zoo_configs" for up in Path(__file__).resolve().parents[1:3]]  # in the wheel; in a checkout
MOST_ERRORS = 3  # in one line


def expecting(phrase, kind):
    """The type `kind`, whose every error reads "expects <phrase>"."""

    def check(value, handler):
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("expects", "{phrase}", {"phrase": phrase}) from None

    return Annotated[kind, WrapValidator(check)]


def one_of(*names):
    """The type of a text that is one of `names`."""
    return expecting(" or ".join(names) if len(names) < 3 else "one of " + ", ".join(names), Literal[names])


def _distinct(values):
    if len(set(values)) < len(values):
        raise ValueError("not distinct")
    return values


Text = expecting("text", Annotated[str, Len(1)])
OptionalText = expecting("text", Annotated[str, Len(1)] | None)
Count = expecting("an integer above 0", PositiveInt)
OptionalCount = expecting("an integer above 0, or null", PositiveInt | None)
Switch = expecting("true or false", bool)
Held = expecting(
    "a fraction below 1, or a count",
    Annotated[
        Annotated[float, Ge(0), Lt(1)] | NonNegativeInt,
        AfterValidator(lambda held: held or 0),  # 0.0 and 0 are one setting, with one config_sha256
    ],
)
Seeds = expecting(
    "a list of different integers from 0 to 2**32 - 1",
    Annotated[list[Annotated[int, Ge(0), Lt(2**32)]], Len(1), AfterValidator(_distinct)],
)
Size = expecting("[height, width], two integers above 0, or null", Annotated[list[PositiveInt], Len(2, 2)] | None)
Formats = expecting(
    "a list of different formats among " + ", ".join(FORMATS),
    Annotated[list[Literal[tuple(FORMATS)]], AfterValidator(_distinct)],
)


class Part(BaseModel):
    """A part of a config: frozen, no unknown settings; types are meant as written ("10" and true are no integers)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Spec(Part):
    """An object of Keras or kzoo that `kzoo.training.keras_objects` makes; the bare name of a class is enough."""

    class_name: Text = Field(description="A class in Keras's public namespace of its kind, or kzoo>Name.")
    config: dict[str, Any] = Field({}, description="Arguments of the class; values may be specs themselves.")

    @model_validator(mode="wrap")
    @classmethod
    def _from_name(cls, value, handler):
        if not isinstance(value, (str, dict, cls)):
            raise PydanticCustomError("expects", "a class name or class_name and config")
        return handler({"class_name": value} if isinstance(value, str) else value)


ONE, EACH = "(one)", "(each)"  # in the paths of pydantic's errors
Losses = Annotated[
    Annotated[Spec, Tag(ONE)] | Annotated[list[Spec], Len(1), Tag(EACH)],
    Discriminator(lambda given: EACH if isinstance(given, list) else ONE),
]
Weights = expecting("a list of numbers of at least 0, or null", Annotated[list[Annotated[float, Ge(0)]], Len(1)] | None)
Factor = expecting("a number of at least 0", Annotated[float, Ge(0), Lt(math.inf)])
Fed = expecting("a list of x and y", Annotated[list[Literal["x", "y"]], Len(1)])
OptionalFed = expecting("a list of x and y, or null", Annotated[list[Literal["x", "y"]], Len(1)] | None)


class ModelConfig(Part):
    """Which model of the zoo, and its settings; the registry checks those."""

    model_config = ConfigDict(extra="allow")

    name: Text = Field(description="A name that `kzoo list` shows.")

    @property
    def settings(self):
        """Everything but the name: what `model(name, **settings)` takes."""
        return dict(self.model_extra)


class TransferConfig(Part):
    """First layers from another run, to learn what is behind them anew."""

    until: Text = Field(description="The last layer that is taken over, with all that it is computed from.")
    weights: OptionalText = Field(
        None, description="Where from: a run's folder or name, or a file of weights; null: they stay as they start."
    )
    freeze: Switch = Field(True, description="Whether those layers stay as they are, batch norms too.")


class DataConfig(Part):
    """Where examples come from (one of name, folder and arrays) and what happens to them before the model."""

    name: OptionalText = Field(None, description="A data set of TensorFlow Datasets or of kzoo.")
    folder: OptionalText = Field(None, description="A folder of images, one folder a class in train/ and test/.")
    arrays: OptionalText = Field(None, description="An .npz file of arrays.")
    batch_size: Count = Field(32, description="Examples a training step.")
    validation: Held = Field(
        0, description="Part of the training set held out for validation: a fraction, or a count of examples; 0: none."
    )
    image_size: Size = Field(None, description="Height and width to resize images to; null: as they are.")
    length: OptionalCount = Field(
        None, description="Steps to cut or fill series to, frames of clips; null: as they are."
    )
    preprocess: list[Spec] = Field([], description="Keras layers that become the first layers of the saved model.")
    augment: list[Spec] = Field([], description="Keras layers applied to training examples only.")
    inputs: Fed = Field(["x"], description="What each input of the model is fed: x, the example, or y, its label.")
    targets: OptionalFed = Field(
        None, description="What each output is compared with: y, or x as preprocessed; null: y for all of them."
    )

    @model_validator(mode="after")
    def _one_source(self):
        given = [key for key in ("name", "folder", "arrays") if getattr(self, key) is not None]
        if len(given) != 1:
            came = " and ".join(given) or "none of them"
            raise Refusal(f"data expects exactly one of name, folder and arrays; received {came}.")
        return self


class TrainingConfig(Part):
    """How long, how, and with which seeds to train."""

    epochs: Count = Field(description="Reporting periods: callbacks, validation and progress run once a period.")
    steps_per_epoch: OptionalCount = Field(None, description="Steps a period; null: one pass over the training set.")
    steps_per_call: Count = Field(1, description="Optimizer steps in one call of Keras; more is faster on small nets.")
    seeds: Seeds = Field([0], description="One run a seed.")
    keep: one_of("last", "best") = Field(
        "last", description="Weights to keep: the last, or those of the best validation epoch."
    )
    loss: Losses = Field(description="A loss of keras.losses or kzoo; or a list, one for each output of the model.")
    loss_weights: Weights = Field(None, description="Weights of the outputs' losses in their sum; null: all 1.")
    l2: Factor = Field(
        0.0, description="Classic weight decay: this times each kernel, not biases nor norms, is added to its gradient."
    )
    optimizer: Spec = Field(description="An optimizer of keras.optimizers; its learning rate may be a schedule.")
    metrics: list[Spec] = Field([], description="Metrics of keras.metrics or kzoo.")
    callbacks: list[Spec] = Field([], description="Callbacks of keras.callbacks or kzoo.")
    jit_compile: expecting("true, false or auto", bool | Literal["auto"]) = Field(
        "auto", description="Whether XLA compiles the training step; auto: Keras decides."
    )
    deterministic: Switch = Field(False, description="Use deterministic operations only.")
    dtype_policy: one_of(*POLICIES) = Field("float32", description="Keras's dtype policy for the model's layers.")

    @model_validator(mode="after")
    def _whole_calls(self):
        whole = self.steps_per_epoch is None or self.steps_per_epoch % self.steps_per_call == 0
        expected = f"a divisor of training.steps_per_epoch ({self.steps_per_epoch})"
        require(whole, "training.steps_per_call", expected, steps_per_call=self.steps_per_call)
        return self


class ExportConfig(Part):
    """What a finished run is exported to."""

    formats: Formats = Field(["saved_model"], description="Formats to export to: " + ", ".join(FORMATS) + ".")


KINDS = ("int", "float", "log", "choice", "boolean")
DECIDED = {"data.validation": "search.validation", "training.seeds": "search.seeds"}  # not searched over


def _check_space(space):
    require(space, "search.space", "at least one setting", space=space)
    parts = ("data", "training", "transfer")
    known = [f"{part}.{key}" for part in parts for key in _settings_at([part]) if f"{part}.{key}" not in DECIDED]
    for place, (path, entry) in enumerate(space.items()):
        who, head = f"search.space.{path}", ".".join(path.split(".")[:2])
        if head in DECIDED:
            raise Refusal(f"{who} is not a setting to search; {DECIDED[head]} says what it is in every trial.")
        if head not in known and not (head.startswith("model.") and all(path.split("."))):
            near = nearest(head, [*known, "model." + head.split(".")[-1]])
            raise Refusal(f"{who} is not a setting to search; {near}")
        kind = next((kind for kind in KINDS if kind in entry), None)
        allowed = {kind, "when", "step"} if kind in ("int", "float") else {kind, "when"}
        expected = "one of int, float (each with or without step), log, choice and boolean"
        require(kind and set(entry) <= allowed, who, expected, entry=entry)
        value, step = entry[kind], entry.get("step", 1)
        if kind == "boolean":
            require(value is True, who, "boolean: true", boolean=value)
        elif kind == "choice":
            several = isinstance(value, list) and len({json.dumps(item) for item in value}) == len(value) > 0
            require(several, who, "choice: a list of different values", choice=value)
        else:
            is_kind = is_integer if kind == "int" else _is_number
            pair = isinstance(value, list) and len(value) == 2 and all(map(is_kind, value)) and value[0] < value[1]
            noun, low = "integers" if kind == "int" else "numbers", "0 < low" if kind == "log" else "low"
            fits = pair and (kind != "log" or value[0] > 0)
            require(fits, who, f"{kind}: [low, high], two {noun} with {low} < high", **{kind: value})
            require(is_kind(step) and step > 0, who, f"step above 0, as {noun}", step=step)
        if "when" in entry:
            _check_when(who, entry["when"], dict(list(space.items())[:place]))
    return space


def _check_when(who, when, earlier):
    """`when` names one entry before this one, and some of its values."""
    require(isinstance(when, dict) and len(when) == 1, who, "when: one setting and its value or values", when=when)
    ((parent, wanted),) = when.items()
    if parent not in earlier:
        near = nearest(parent, earlier) if earlier else "there is none"
        raise Refusal(f"{who}.when expects a setting that stands before it in the space, received {parent!r}; {near}")
    possible = possible_values(earlier[parent])
    require(possible is not None, f"{who}.when", "a setting of an int, choice, boolean or stepped float", when=when)
    for value in when_values(when):
        require(value in possible, f"{who}.when", f"values of {parent}, among {possible}", value=value)
    require(when_values(when), f"{who}.when", f"at least one value of {parent}", when=when)


def when_values(when):
    """The values in a `when`, {path: a value or a list of values}."""
    (wanted,) = when.values()
    return wanted if isinstance(wanted, list) else [wanted]


def possible_values(entry):
    """All values of an entry of a space, in order; None where they are too many to count.

    >>> possible_values({"float": [0, 0.3], "step": 0.1})
    [0.0, 0.1, 0.2, 0.3]
    """
    if "choice" in entry:
        return entry["choice"]
    if "boolean" in entry:
        return [False, True]
    if "int" in entry:
        low, high = entry["int"]
        return list(range(low, high + 1, entry.get("step", 1)))
    if "step" in entry:
        (low, high), step = entry["float"], entry["step"]
        return [round(low + place * step, 12) for place in range(math.floor((high - low) / step + 1e-9) + 1)]
    return None


class SearchConfig(Part):
    """A search for better settings, by KerasTuner (`kzoo tune`)."""

    algorithm: one_of("random", "bayesian", "hyperband", "grid") = Field("random", description="How trials are chosen.")
    trials: Count = Field(description="Settings to try, at most; the first are the config's own.")
    max_epochs: OptionalCount = Field(
        None, description="Periods of a trial, at most; null: training.epochs. hyperband begins most trials with fewer."
    )
    hours: expecting("a number above 0, or null", Annotated[float, Gt(0)] | None) = Field(
        None, description="No trial begins after so many hours of trials; null: all do."
    )
    seeds: Seeds = Field([0], description="A trial trains once a seed; its objective is their mean.")
    objective: Text = Field(
        "val_accuracy",
        description="What the best trial is best in, on held out examples with the weights that training.keep keeps: "
        "val_accuracy, val_error, val_loss or val_ and a metric's name.",
    )
    direction: expecting("max, min or null", Literal["max", "min"] | None) = Field(
        None, description="Whether more is better; null: max for accuracies, min for errors and losses."
    )
    validation: expecting("a fraction between 0 and 1", Annotated[float, Gt(0), Lt(1)]) = Field(
        0.2, description="Fraction of the training set held out while searching."
    )
    space: Annotated[dict[str, dict[str, Any]], AfterValidator(_check_space)] = Field(
        description="Settings by path, each with an int, float or log: [low, high], a choice: [...] or boolean: true; "
        "with `when: {path: value}` only where an earlier setting of the space has that value, or one of a list."
    )

    @model_validator(mode="after")
    def _knows_better(self):
        measured = self.objective.startswith("val_") and len(self.objective) > 4
        require(measured, "search.objective", "val_ and a metric's name", objective=self.objective)
        known = self.direction or self.objective.endswith(("accuracy", "error", "loss"))
        require(known, "search.direction", f"max or min, for {self.objective}", direction=self.direction)
        fixed = self.max_epochs or self.algorithm == "hyperband"
        if fixed and "training.epochs" in self.space:
            raise Refusal("search.space.training.epochs is not a setting to search with max_epochs or hyperband.")
        return self

    @property
    def maximize(self):
        """Whether more of the objective is better."""
        return (self.direction or ("max" if self.objective.endswith("accuracy") else "min")) == "max"


class Published(Part):
    """The figure that the run reproduces."""

    error: expecting("a fraction from 0 to 1", Annotated[float, Ge(0), Le(1)]) = Field(description="Test error.")
    source: Text = Field(description="Who published it, and where.")


class Config(Part):
    """Everything that decides a run, but its name."""

    model: ModelConfig = Field(description="The model.")
    data: DataConfig = Field(description="The examples.")
    training: TrainingConfig = Field(description="The training.")
    transfer: TransferConfig | None = Field(None, description="First layers from another run.")
    export: ExportConfig = Field(ExportConfig(), description="What is written at the end.")
    search: SearchConfig | None = Field(None, description="A search over settings, which `kzoo tune` makes.")
    published: Published | None = Field(None, description="The figure to reproduce.")

    @model_validator(mode="after")
    def _best_of_something(self):
        possible = self.training.keep != "best" or self.data.validation > 0
        require(possible, "training.keep: best", "data.validation above 0", validation=self.data.validation)
        return self


def list_configs(pattern="*"):
    """Names of the configs that kzoo ships and that match a shell pattern, sorted."""
    return sorted({file.stem for folder in FOLDERS for file in folder.glob("*.yaml") if fnmatch(file.stem, pattern)})


def config_path(name):
    """The file that a shipped config's name, or a path (it ends in .yaml or .yml, or has a separator), stands for.

    Errors: Refusal with the nearest names if no shipped config has that name.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    for file in (folder / f"{name}.yaml" for folder in FOLDERS):
        if file.is_file():
            return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    raise Refusal(f"no config is called {str(name)!r}; {nearest(name, list_configs())}")


def read_config(path_or_name, sets=()):
    """Read and check a config, with each "part.key=value" of `sets` applied to it first.

    Errors: Refusal, one line that names the file, each wrong setting, what it expects and what came.
    """
    path = config_path(path_or_name)
    return check_config(apply_sets(read_yaml(path), sets), path)


def check_config(settings, where="config"):
    """A `Config` of plain nested settings. Errors: Refusal that begins with `where`."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        lines = [_words(fault) for fault in error.errors()]
        more = f"; and {len(lines) - MOST_ERRORS} more" if len(lines) > MOST_ERRORS else ""
        text = "; ".join(lines[:MOST_ERRORS]) + more
        raise Refusal(f"{where}: {text}" + ("" if text.endswith("?") else ".")) from None


def resolved(config):
    """Every setting with its default filled in, as plain Python that YAML holds; `check_config` gives `config` back."""
    return config.model_dump()


def config_schema():
    """The JSON schema of a config: each setting with its type, default and description."""
    return Config.model_json_schema()


def config_sha256(config):
    """A fingerprint of all settings, the same however and in whatever order they were written."""
    return hashlib.sha256(_canonical(resolved(config)).encode()).hexdigest()


def differences(old, new):
    """What changed between two resolved configs, a line each, in the order of the old one.

    >>> differences({"training": {"epochs": 100, "seeds": [0]}}, {"training": {"epochs": 10, "seeds": [0]}})
    ['training.epochs: 100 -> 10']
    """
    old, new = dict(_leaves(old)), dict(_leaves(new))
    lines = []
    for path in {**old, **new}:
        before, after = (_canonical(side[path]) if path in side else "unset" for side in (old, new))
        if before != after:
            lines.append(f"{path}: {before} -> {after}")
    return lines


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def _canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _leaves(value, path=()):
    """Pairs (dotted path, value); a list of plain values is one value."""
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return [(".".join(map(str, path)), value)]
    return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]


def _words(fault):
    """One of pydantic's errors in plain words: the setting, what it expects, what came."""
    loc, kind = [key for key in fault["loc"] if key not in (ONE, EACH)], fault["type"]
    path = ".".join(map(str, loc))
    if kind == "extra_forbidden":
        return f"{path} is not a setting; {nearest(loc[-1], _settings_at(loc[:-1]))}"
    if kind == "missing":
        return f"{path} is missing"
    if kind == "value_error":  # a check of ours, whose text is whole
        return str(fault["ctx"]["error"]).rstrip(".")
    kinds = {"list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping of settings"}
    came = repr(fault["input"])
    came = came if len(came) <= 80 else came[:77] + "..."
    return f"{path} expects {kinds.get(kind, fault['msg'])}; received {came}"


def _settings_at(loc):
    """Names of the settings of the part at a path such as ("training", "callbacks", 0)."""
    part = Config
    for key in (key for key in loc if isinstance(key, str)):
        part = part_of(part.model_fields[key].annotation)
    return list(part.model_fields)


def part_of(annotation):
    """The part in an annotation: a part itself, a list of it, or either of several."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((part for part in map(part_of, get_args(annotation)) if part), None)
