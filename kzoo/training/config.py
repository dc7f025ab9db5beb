"""The schema of a config: its settings with their types, defaults and descriptions, and how it is read and compared."""

# mypy: disable-error-code="valid-type, misc"

import difflib
import hashlib
import json
import math
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

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
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kzoo.checks import Refusal, is_integer, nearest, require
from kzoo.export.registry import FORMATS
from kzoo.task import KINDS
from kzoo.training.config_errors import EACH, NAMED, ONE, describe_errors, expecting, one_of, setting_names
from kzoo.training.search_space import SEARCHED_PARTS, check_space
from kzoo.training.yaml_file import apply_sets, read_yaml
from kzoo.types import PathLike

MAXIMIZED, MINIMIZED = ("accuracy", "f1_macro", "f1_micro", "auc", "r2", "iou"), ("error", "loss", "mae", "mse")
DTYPE_POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
FOLDERS = [up / "zoo_configs" for up in Path(__file__).resolve().parents[1:3]]  # in the wheel; in a checkout


def _distinct(values):
    if len(set(values)) < len(values):
        raise ValueError("not distinct")
    return values


def _ascending(values):
    if values != sorted(values):
        raise ValueError("not ascending")
    return values


Text = Annotated[str, Len(1), expecting("text")]
OptionalText = Annotated[Annotated[str, Len(1)] | None, expecting("text")]
Count = Annotated[PositiveInt, expecting("an integer above 0")]
OptionalCount = Annotated[PositiveInt | None, expecting("an integer above 0, or null")]
OptionalInteger = Annotated[int | None, expecting("an integer, or null")]
Switch = Annotated[bool, expecting("true or false")]
HeldOut = Annotated[
    Annotated[float, Ge(0), Lt(1)] | NonNegativeInt | Annotated[str, Len(1)],
    AfterValidator(lambda value: value or 0),  # 0.0 becomes 0, so that both have the same config_sha256
    expecting("a fraction below 1, a count, or the name of a split"),
]
Seeds = Annotated[
    list[Annotated[int, Ge(0), Lt(2**32)]],
    Len(1),
    AfterValidator(_distinct),
    expecting("a list of different integers from 0 to 2**32 - 1"),
]
Size = Annotated[
    Annotated[list[PositiveInt], Len(2, 2)] | None, expecting("[height, width], two integers above 0, or null")
]
Sides = Annotated[Annotated[list[PositiveInt], Len(1)] | None, expecting("a list of integers above 0, or null")]
ShortSides = Annotated[
    Annotated[list[PositiveInt], Len(2, 2), AfterValidator(_ascending)] | None,
    expecting("two ascending integers above 0, or null"),
]
RESIZES = ("stretch", "crop", "pad", "short_side")
FormatName: Any = Literal[tuple(FORMATS)]  # Any for type checkers, which do not see the registry's names
Formats = Annotated[
    list[FormatName],
    AfterValidator(_distinct),
    expecting("a list of different formats among " + ", ".join(FORMATS)),
]


class Part(BaseModel):
    """A part of a config: frozen, without unknown settings, strictly typed ("10" and true are not integers)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    later: ClassVar[tuple[str, ...]] = ()  # settings that version 0.1.0 started without

    @model_serializer(mode="wrap")
    def _leave_out_later_settings(self, handler):
        """Leaves out settings that earlier versions did not have, unless they are set: config_sha256 stays the same."""
        settings = handler(self)
        return {k: v for k, v in settings.items() if k not in self.later or v != type(self).model_fields[k].default}


class Spec(Part):
    """An object of Keras or kzoo, which `kzoo.training.keras_objects` builds; written as a mapping or a class name."""

    class_name: Text = Field(
        description="A public class of Keras, kzoo>NAME for one of kzoo, or PACKAGE>NAME for one that a module of "
        "--import registers with Keras."
    )
    config: dict[str, Any] = Field(
        {}, description="Arguments of the class; a value may itself be an object written this way."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _accept_class_name(cls, value, handler):
        if not isinstance(value, (str, dict, cls)):
            raise PydanticCustomError("expects", "a class name or class_name and config")
        return handler({"class_name": value} if isinstance(value, str) else value)


def _losses_kind(value):
    by_name = isinstance(value, dict) and value
    by_name = by_name and not any(difflib.get_close_matches(str(key), Spec.model_fields, cutoff=0.8) for key in value)
    return EACH if isinstance(value, list) else NAMED if by_name else ONE


Losses = Annotated[
    Annotated[Spec, Tag(ONE)] | Annotated[list[Spec], Len(1), Tag(EACH)] | Annotated[dict[str, Spec], Tag(NAMED)],
    Discriminator(_losses_kind),
]
Metrics = Annotated[
    Annotated[list[Spec], Tag(ONE)] | Annotated[dict[str, list[Spec]], Tag(EACH)],
    Discriminator(lambda value: EACH if isinstance(value, dict) else ONE),
]
Weights = Annotated[
    Annotated[list[Annotated[float, Ge(0)]], Len(1)] | dict[str, Annotated[float, Ge(0), Lt(math.inf)]] | None,
    expecting("a list of numbers of at least 0, {output: number}, or null"),
]
ClassWeights = Annotated[
    dict[Annotated[str, Len(1)], Annotated[float, Ge(0), Lt(math.inf)]] | Literal["balanced"] | None,
    expecting("a mapping of classes to weights of at least 0, balanced, or null"),
]
Factor = Annotated[float, Ge(0), Lt(math.inf), expecting("a number of at least 0")]
Rates = Annotated[
    dict[Annotated[str, Len(1)], Annotated[float, Ge(0), Lt(math.inf)]],
    expecting("a mapping of patterns to numbers of at least 0"),
]
Initializers = Annotated[dict[Annotated[str, Len(1)], Spec], Field(strict=True)]
Momentum = Annotated[Annotated[float, Ge(0), Lt(1)] | None, expecting("a number of at least 0 and below 1, or null")]
Patterns = Annotated[
    Annotated[list[Annotated[str, Len(1)]], Len(1)] | None, expecting("a list of patterns such as [stage*], or null")
]
Sizes = Annotated[
    Annotated[list[Annotated[list[PositiveInt], Len(2, 2)]], Len(1)] | None,
    expecting("a list of [height, width], each of two integers above 0, or null"),
]
ClassNames = Annotated[Annotated[list[Annotated[str, Len(1)]], Len(1)] | None, expecting("a list of names, or null")]
ModelInputs = Annotated[list[Literal["x", "y"]], Len(1), expecting("a list of x and y")]
ModelTargets = Annotated[Annotated[list[Literal["x", "y"]], Len(1)] | None, expecting("a list of x and y, or null")]


TaskKind: Any = Literal[KINDS]  # Any for type checkers
TaskKinds = Annotated[
    TaskKind | dict[str, TaskKind] | None, expecting(f"one of {', '.join(KINDS)}, {{output: one of these}}, or null")
]


class ModelConfig(Part):
    """A model and its settings, which `kzoo.models.registry` checks."""

    model_config = ConfigDict(extra="allow")

    name: Text = Field(
        description="A model's name, as `kzoo list` prints it. In its place `keras` may be the path of a .keras file, "
        "whose model and weights are the start; weights: null draws new ones, and classes: N replaces the last layer."
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_file(cls, settings):
        """Makes the path of a file, written `keras: PATH`, the model's name."""
        if not isinstance(settings, dict) or "keras" not in settings:
            return settings
        others = dict(settings)
        file = others.pop("keras")
        ends = isinstance(file, str) and file.endswith(".keras")
        require(ends, "model.keras", "the path of a .keras file", keras=file)
        require("name" not in others, "model", "either name or keras", name=others.get("name"))
        return {"name": file, **others}

    @property
    def settings(self) -> dict[str, Any]:
        """The keyword arguments of `kzoo.model(name, **settings)`."""
        return dict(self.model_extra or {})


class TransferConfig(Part):
    """Transfer learning: the first layers come from another run, the others start anew."""

    later = ("source_model",)

    until: Text = Field(description="The last layer that is transferred, together with all layers that it depends on.")
    weights: OptionalText = Field(
        None,
        description="A run's folder or name, a file of weights, or a tag that `kzoo show` prints; null: the layers "
        "keep their initial weights.",
    )
    source_model: OptionalText = Field(
        None,
        description="The model that the weights are of, if it is another than the config's: vgg16 for segnet, "
        "deconvnet and the dilated front ends. Convolutions and wide layers take its weights, batch norms do not.",
    )
    freeze: Switch = Field(
        True, description="Whether the transferred layers, batch normalization included, stay as they are."
    )

    @model_validator(mode="after")
    def _check_source_model(self):
        ready = self.source_model is None or self.weights is not None
        require(ready, "transfer.source_model", "transfer.weights", source_model=self.source_model)
        return self


class DataConfig(Part):
    """The source of the examples (one of name, folder and arrays) and what is done to them before the model."""

    later = (
        *("stratify", "ignore_label", "resize", "short_side", "training_short_side", "training_sizes"),
        *("class_names", "test", "skip_corrupt", "task"),
    )

    name: OptionalText = Field(
        None, description="A dataset of TensorFlow Datasets, of kzoo, or one that a module of --import registers."
    )
    folder: OptionalText = Field(
        None,
        description="A folder of images: one folder per class, or images/ and masks/ with the same names; or train/, "
        "test/ and perhaps val/ with these in each.",
    )
    arrays: OptionalText = Field(
        None,
        description="An .npz file: x_train, y_train, perhaps x_test, y_test, x_val, y_val; w_train, w_val, w_test for "
        "weights of the examples; y_train_NAME for each of several targets; y_names for names.",
    )
    task: TaskKinds = Field(
        None,
        description="What targets of arrays are: classification, segmentation, multilabel, regression or image; of "
        "several {output: one of these}; null: as the loss and the arrays say, see targets.md.",
    )
    batch_size: Count = Field(32, description="Examples per training step.")
    validation: HeldOut = Field(
        0,
        description="The validation examples: a fraction or a count of the training split, held out of it, or the name "
        "of another split, such as val.",
    )
    test: Annotated[
        Annotated[float, Ge(0), Lt(1)] | NonNegativeInt,
        AfterValidator(lambda value: value or 0),
        expecting("a fraction below 1 or a count"),
    ] = Field(
        0,
        description="The test examples of a dataset without a test split: a fraction or a count of the training split, "
        "held out of it.",
    )
    stratify: Switch = Field(
        False,
        description="Whether held-out parts have the same share of each class as the training split; those of a folder "
        "of classes without train/ always have.",
    )
    skip_corrupt: Switch = Field(
        False, description="Whether images of a folder that cannot be read are left out, with a count, and not refused."
    )
    ignore_label: OptionalInteger = Field(
        None,
        description="The label of pixels without a class in label maps, such as 255 or -1. Losses and metrics leave "
        "these pixels out, through their setting ignore_class if they have one. null: every label is a class.",
    )
    image_size: Size = Field(None, description="Height and width to resize images to; null: no resizing.")
    resize: Annotated[Literal[RESIZES], one_of(*RESIZES)] = Field(
        "stretch",
        description="How images get the size image_size: stretch, whatever their proportions; crop, the largest "
        "central part of its proportions; pad, whole, in their own proportions, with zeros around them and "
        "ignore_label around label maps; short_side, a part of an image whose shorter side has the length short_side, "
        "in training at a random position, otherwise in the centre.",
    )
    short_side: OptionalCount = Field(None, description="The length of the shorter side, with resize: short_side.")
    training_short_side: ShortSides = Field(
        None,
        description="The least and largest length of the shorter side in training, drawn for each image and epoch; "
        "null: short_side.",
    )
    training_sizes: Sizes = Field(
        None,
        description="Sizes that training images are resized to, after data.augment: one for each epoch, in turn. The "
        "model then takes images of any size; evaluation sees those of image_size.",
    )
    length: OptionalCount = Field(
        None, description="Time steps of signals, or frames of videos, to crop or pad to; null: no change."
    )
    class_names: ClassNames = Field(
        None,
        description="Names of the classes in the order of their numbers, for tables, pictures and exports; null: those "
        "that the data has.",
    )
    preprocess: list[Spec] = Field(
        [],
        description="Layers that become the first layers of the saved model; some learn from the training examples.",
    )
    augment: list[Spec] = Field([], description="Layers that are applied to training examples only.")
    inputs: ModelInputs = Field(
        ["x"], description="What each input of the model receives: x, the example, or y, its label."
    )
    targets: ModelTargets = Field(
        None, description="The target of each output: y, or x after preprocessing; null: y for every output."
    )

    @model_validator(mode="after")
    def _one_source(self):
        sources = [key for key in ("name", "folder", "arrays") if getattr(self, key) is not None]
        if len(sources) != 1:
            received = " and ".join(sources) or "none of them"
            raise Refusal(f"data expects exactly one of name, folder and arrays; received {received}.")
        sized = self.resize == "stretch" or self.image_size is not None
        require(sized, f"data.resize: {self.resize}", "data.image_size", image_size=self.image_size)
        self._check_short_sides()
        require(self.folder or not self.skip_corrupt, "data.skip_corrupt: true", "data.folder", folder=self.folder)
        return self

    def _check_short_sides(self):
        if self.resize != "short_side":
            for name in ("short_side", "training_short_side"):
                require(getattr(self, name) is None, f"data.{name}", "data.resize: short_side", resize=self.resize)
            return
        require(self.short_side is not None, "data.resize: short_side", "data.short_side", short_side=None)
        for name in ("short_side", "training_short_side"):
            sides = getattr(self, name)
            least = sides if isinstance(sides, int) else sides[0] if sides else None
            fits = least is None or least >= max(self.image_size)
            require(fits, f"data.{name}", f"lengths of at least image_size, {self.image_size}", **{name: sides})

    @property
    def resizing(self) -> str | int:
        """How images get the size image_size, as `kzoo.data.load` names it."""
        return self.short_side if self.resize == "short_side" and self.short_side else self.resize


class StageConfig(Part):
    """A stage of the training: some of its epochs, with settings of their own in place of training's and data's."""

    later = ("epochs", "train", "freeze", "optimizer", "rates", "loss", "augment", "training_sizes")

    epochs: OptionalCount = Field(
        None, description="Epochs of the stage; null, for the last stage: those that are left of training.epochs."
    )
    train: Patterns = Field(
        None,
        description="Shell patterns of the paths of the layers that learn, such as [predictions]; all others stay as "
        "they are, batch norms included. null: all learn.",
    )
    freeze: Patterns = Field(
        None, description="Shell patterns of the paths of the layers that stay as they are, in place of `train`."
    )
    optimizer: Spec | None = Field(None, description="In place of training.optimizer.")
    rates: Rates = Field({}, description="Further factors on the learning rate, as in training.rates.")
    loss: Losses | None = Field(None, description="In place of training.loss.")
    augment: Annotated[list[Spec] | None, expecting("a list of layers, or null")] = Field(
        None, description="In place of data.augment."
    )
    training_sizes: Sizes = Field(None, description="In place of data.training_sizes, which must be set too.")


class TrainingConfig(Part):
    """How the model is trained."""

    later = ("class_weight", "initializers", "rates", "recompute_statistics", "batch_norm_momentum", "stages")

    epochs: Count = Field(description="Epochs; metrics, validation, callbacks and checkpoints run once per epoch.")
    steps_per_epoch: OptionalCount = Field(None, description="Steps per epoch; null: one pass over the training split.")
    steps_per_call: Count = Field(
        1, description="Optimizer steps compiled into one `train_step` call; larger values speed up small models."
    )
    seeds: Seeds = Field([0], description="One training per seed.")
    keep: Annotated[Literal["last", "best", "last_best"], one_of("last", "best", "last_best")] = Field(
        "last",
        description="Which weights to keep: the last ones, or those of the epoch with the best validation accuracy, of "
        "equally good ones the first (best) or the last (last_best). Without classes, and for several targets, that "
        "with the least validation loss.",
    )
    initializers: Initializers = Field(
        {},
        description="Initializers of keras.initializers or kzoo for weights of the model, {pattern: initializer}: the "
        "last shell pattern that matches the path of a weight, such as conv1/kernel, gives its initial values.",
    )
    loss: Losses = Field(
        description="A loss of keras.losses or kzoo, or one for each output of the model: a list or {output: loss}. "
        "Labels are encoded one-hot for losses that need it, such as CategoricalCrossentropy with its label_smoothing."
    )
    loss_weights: Weights = Field(
        None, description="A weight for each output's loss in their sum, a list or {output: weight}; null: all 1."
    )
    class_weight: ClassWeights = Field(
        None,
        description="How much the loss counts in training, by the label's class: {class: weight}, with numbers or "
        "names of classes, 1 for others; balanced: inversely to how often a class occurs; null: all alike.",
    )
    l2: Factor = Field(
        0.0, description="Weight decay: this factor times a kernel is added to its gradient; not for biases and norms."
    )
    optimizer: Spec = Field(
        description="An optimizer of keras.optimizers or kzoo. Its learning rate may be a schedule, and so may the "
        "momentum of kzoo>ScheduledMomentumSGD. With use_ema the moving averages of the weights are validated and kept."
    )
    rates: Rates = Field(
        {},
        description="Factors on the learning rate, {pattern: factor}: each shell pattern that matches the path of a "
        "weight, such as conv1/bias, multiplies its rate, and with it its weight decay. 0: the weight stays as it is.",
    )
    batch_norm_momentum: Momentum = Field(
        None,
        description="The momentum of the moving statistics of all batch norms: the share of the old value that a step "
        "keeps; null: that of the model.",
    )
    stages: list[StageConfig] = Field(
        [],
        description="Parts of the training, one after the other, each with settings of its own, see below. A stage "
        "begins with the last weights of the one before and a new optimizer, whose schedules count from 0.",
    )
    recompute_statistics: Switch = Field(
        False,
        description="Whether the moving statistics of batch norms are replaced at the end of each epoch, before its "
        "validation, by averages over the training batches of an epoch, at most one pass. In trainings of few steps "
        "the moving ones lag behind.",
    )
    metrics: Metrics = Field(
        [],
        description="Metrics of keras.metrics or kzoo: a list for the first output, or {output: list}. In results "
        "those of further outputs have the output's name in front, as in Keras. Of outputs without any, those of the "
        "task: see targets.md.",
    )
    callbacks: list[Spec] = Field([], description="Callbacks of keras.callbacks or kzoo; see below where they write.")
    jit_compile: Annotated[bool | Literal["auto"], expecting("true, false or auto")] = Field(
        "auto",
        description="Whether XLA compiles the training step; auto: with a GPU, and on a CPU small steps of layers "
        "that are faster compiled.",
    )
    deterministic: Switch = Field(False, description="Whether TensorFlow uses deterministic operations only.")
    dtype_policy: Annotated[Literal[DTYPE_POLICIES], one_of(*DTYPE_POLICIES)] = Field(
        "float32", description="Dtype policy of the model's layers."
    )

    @model_validator(mode="after")
    def _divisible(self):
        divisible = self.steps_per_epoch is None or self.steps_per_epoch % self.steps_per_call == 0
        expected = f"a divisor of training.steps_per_epoch ({self.steps_per_epoch})"
        require(divisible, "training.steps_per_call", expected, steps_per_call=self.steps_per_call)
        return self

    @model_validator(mode="after")
    def _check_stages(self):
        for index, stage in enumerate(self.stages):
            who = f"training.stages.{index}"
            if index < len(self.stages) - 1:
                require(stage.epochs, who, "epochs, as another stage follows", epochs=stage.epochs)
            else:
                expected = "no epochs: the last stage has those that are left of training.epochs"
                require(stage.epochs is None, who, expected, epochs=stage.epochs)
            require(stage.train is None or stage.freeze is None, who, "train or freeze, not both", train=stage.train)
        return self


class ExportConfig(Part):
    """The export of the trained model."""

    later = ("batch_size", "size", "integer")

    formats: Formats = Field(["saved_model"], description="Formats to export to: " + ", ".join(FORMATS) + ".")
    batch_size: OptionalCount = Field(None, description="Number of examples in every batch of the exports; null: any.")
    size: Sides = Field(
        None,
        description="A number for each unknown side of the model's input, such as [height, width]; null: any size.",
    )
    integer: Switch = Field(False, description="Whether litert_int8 has inputs and outputs of int8; false: float32.")

    @model_validator(mode="after")
    def _check_integer(self):
        ready = not self.integer or any(FORMATS[name].quantized for name in self.formats)
        require(ready, "export.integer", "format litert_int8 in export.formats", formats=self.formats)
        return self


class EvaluationConfig(Part):
    """A further evaluation of the test and validation splits, by the mean of the outputs for several views."""

    crops: Annotated[Literal[1, 5, 10, 50], one_of("1", "5", "10", "50")] = Field(
        1,
        description="Crops of each image, in place of those that a layer of data.preprocess takes: 1, the centre; 5, "
        "also the four corners; 10, these and their mirror images; 50, a grid of 5 x 5 and their mirror images.",
    )
    scales: Annotated[Annotated[list[PositiveInt], Len(1)] | None, expecting("a list of integers above 0, or null")] = (
        Field(None, description="Lengths of an image's shorter side at which it is cropped; null: its own.")
    )
    frames: OptionalCount = Field(
        None,
        description="How many evenly spaced parts of each video or signal, of data.length frames or time steps, are "
        "seen; null: the middle one.",
    )

    @model_validator(mode="after")
    def _check_views(self):
        several = self.crops > 1 or self.scales is not None or self.frames is not None
        require(several, "evaluation", "crops above 1, scales or frames", crops=self.crops)
        return self


def _check_space(space):
    return check_space(space, {part: setting_names(Config, [part]) for part in SEARCHED_PARTS})


class SearchConfig(Part):
    """A hyperparameter search with KerasTuner (`kzoo tune`)."""

    algorithm: Annotated[
        Literal["random", "bayesian", "hyperband", "grid"], one_of("random", "bayesian", "hyperband", "grid")
    ] = Field("random", description="How KerasTuner chooses the settings of a trial.")
    trials: Count = Field(
        description="Maximum number of trials; the first one is the baseline, the config without changes."
    )
    max_epochs: OptionalCount = Field(
        None, description="Maximum epochs of a trial; null: training.epochs. hyperband starts most trials with fewer."
    )
    hours: Annotated[Annotated[float, Gt(0)] | None, expecting("a number above 0, or null")] = Field(
        None, description="Hours of training after which no further trial starts; null: no limit."
    )
    seeds: Seeds = Field([0], description="A trial trains once per seed; its objective is the mean.")
    objective: Text = Field(
        "val_accuracy",
        description="What is optimized, measured on held-out examples with the weights that training.keep selects: "
        "val_accuracy, val_error, val_loss or val_ and the name of a metric, or of an output's loss or metric, as "
        "history.csv has it.",
    )
    direction: Annotated[Literal["max", "min"] | None, expecting("max, min or null")] = Field(
        None,
        description="Whether to maximize or minimize; null: max for accuracies, f1, auc, r2 and iou, min for errors, "
        "losses, mae and mse.",
    )
    validation: Annotated[
        Annotated[float, Gt(0), Lt(1)] | Annotated[str, Len(1)],
        expecting("a fraction between 0 and 1, or the name of a split"),
    ] = Field(
        0.2,
        description="Fraction of the training split held out during the search, or the name of another split; by "
        "default the split that data.validation names, if it names one.",
    )
    space: Annotated[dict[str, dict[str, Any]], AfterValidator(_check_space)] = Field(
        description="Settings by path, each with an int, float or log: [low, high], a choice: [...] or boolean: true. "
        "With `when: {path: value}` (or a list of values) a setting varies only where an earlier one has that value."
    )

    @model_validator(mode="after")
    def _check_objective(self):
        valid = self.objective.startswith("val_") and len(self.objective) > 4
        require(valid, "search.objective", "val_ and a metric's name", objective=self.objective)
        known = self.direction or self.objective.endswith((*MAXIMIZED, *MINIMIZED))
        require(known, "search.direction", f"max or min, for {self.objective}", direction=self.direction)
        fixed = self.max_epochs or self.algorithm == "hyperband"
        if fixed and "training.epochs" in self.space:
            raise Refusal("search.space.training.epochs is not a setting to search with max_epochs or hyperband.")
        return self

    @property
    def maximize(self) -> bool:
        """Whether a larger objective is better."""
        return (self.direction or ("max" if self.objective.endswith(MAXIMIZED) else "min")) == "max"


class Published(Part):
    """The published result that the run reproduces."""

    later = ("epochs", "steps_per_epoch")

    error: Annotated[float, Ge(0), Le(1), expecting("a fraction from 0 to 1")] = Field(description="Test error.")
    source: Text = Field(description="Authors and publication.")
    epochs: OptionalCount = Field(
        None,
        description="training.epochs of the recipe for this result; --set keeps here what it replaces. Results of a "
        "shorter training say so. null: those of the config.",
    )
    steps_per_epoch: Annotated[NonNegativeInt | None, expecting("an integer of at least 0, or null")] = Field(
        None, description="Likewise training.steps_per_epoch; 0: one pass over the training split."
    )


class Config(Part):
    """All settings of a run."""

    later = ("evaluation",)

    model: ModelConfig = Field(description="The model.")
    data: DataConfig = Field(description="The examples.")
    training: TrainingConfig = Field(description="The training.")
    transfer: TransferConfig | None = Field(None, description="Transfer learning: first layers from another run.")
    export: ExportConfig = Field(ExportConfig.model_validate({}), description="The export after training.")
    search: SearchConfig | None = Field(None, description="A hyperparameter search, run by `kzoo tune`.")
    evaluation: EvaluationConfig | None = Field(None, description="Evaluation by several views of each example.")
    published: Published | None = Field(None, description="The published result to reproduce.")

    @model_validator(mode="before")
    @classmethod
    def _search_on_the_same_split(cls, settings):
        """Makes the split that data.validation names the default of search.validation."""
        data, search = (settings.get(part) if isinstance(settings, dict) else None for part in ("data", "search"))
        split = data.get("validation") if isinstance(data, dict) else None
        if not isinstance(split, str) or not isinstance(search, dict):
            return settings
        return {**settings, "search": {"validation": split, **search}}

    @model_validator(mode="after")
    def _check_splits(self):
        split, search = self.data.validation, self.search
        if search and isinstance(search.validation, str):
            # otherwise the run that follows the search could take the split for its test
            same = search.validation == split
            require(same, "search.validation", "the same split as data.validation", validation=search.validation)
        part = not (self.data.stratify and isinstance(split, str))
        require(part, "data.stratify: true", "data.validation, a part of the training split", validation=split)
        return self

    @model_validator(mode="after")
    def _check_frames(self):
        frames, length = self.evaluation and self.evaluation.frames, self.data.length
        require(frames is None or length is not None, "evaluation.frames", "data.length", length=length)
        return self

    @model_validator(mode="after")
    def _check_stages(self):
        for index, stage in enumerate(self.training.stages):
            who, sizes = f"training.stages.{index}", self.data.training_sizes
            thawed = self.transfer is None or not self.transfer.freeze or (stage.train or stage.freeze) is None
            require(thawed, f"{who} with train or freeze", "transfer.freeze: false", freeze=True)
            sized = stage.training_sizes is None or sizes is not None
            require(sized, f"{who}.training_sizes", "data.training_sizes", training_sizes=sizes)
        return self

    @model_validator(mode="after")
    def _check_initializers(self):
        weights = self.model.settings.get("weights") if self.training.initializers else None
        require(weights is None, "training.initializers", "model.weights: null", weights=weights)
        return self

    @model_validator(mode="after")
    def _check_keep(self):
        valid = self.training.keep == "last" or self.data.validation != 0
        who = f"training.keep: {self.training.keep}"
        require(valid, who, "data.validation above 0", validation=self.data.validation)
        return self


def list_configs(pattern: str = "*") -> list[str]:
    """Returns the sorted names of the configs shipped with kzoo that match a shell pattern."""
    return sorted({file.stem for folder in FOLDERS for file in folder.glob("*.yaml") if fnmatch(file.stem, pattern)})


def config_path(name: PathLike) -> Path:
    """Returns the file of a config: of a shipped one by its name, or `name` itself if it is a path.

    A path ends in .yaml or .yml or contains a separator. Raises Refusal with the nearest names for an unknown name.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    for file in (folder / f"{name}.yaml" for folder in FOLDERS):
        if file.is_file():
            return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    raise Refusal(f"no config is called {str(name)!r}; {nearest(name, list_configs())}")


def read_config(path_or_name: PathLike, sets: Sequence[str] = ()) -> Config:
    """Reads a config, applies each "part.key=value" of `sets`, and checks it.

    Raises Refusal, one line with the file and each invalid setting: what it expects and what was received.
    """
    path = config_path(path_or_name)
    written = read_yaml(path)
    config = check_config(apply_sets(written, sets), path)
    return _with_recipe(config, written.get("training"))


def _with_recipe(config, written):
    """Returns the config with the length of the published result's training, if `--set` gives it another one.

    written: the part `training` of the file.
    """
    if config.published is None or not isinstance(written, dict):
        return config
    recipe = {"epochs": written.get("epochs"), "steps_per_epoch": written.get("steps_per_epoch") or 0}
    now = {"epochs": config.training.epochs, "steps_per_epoch": config.training.steps_per_epoch or 0}
    changed = {key: value for key, value in recipe.items() if value != now[key] and is_integer(value, key == "epochs")}
    missing = {key: value for key, value in changed.items() if getattr(config.published, key) is None}
    return config.model_copy(update={"published": config.published.model_copy(update=missing)})


def check_config(settings: dict[str, Any], where: PathLike = "config") -> Config:
    """Returns the `Config` of nested settings, or raises a Refusal that starts with `where`."""
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        raise Refusal(f"{where}: {describe_errors(error, Config)}") from None
    for path, leaf in _leaves(settings):
        numbers = [item for item in (leaf if isinstance(leaf, list) else [leaf]) if isinstance(item, float)]
        require(all(map(math.isfinite, numbers)), f"{where}: {path}", "finite numbers", value=leaf)
    return config


def resolved(config: Config) -> dict[str, Any]:
    """Returns all settings, defaults included, as plain Python values; `check_config` is the inverse."""
    return config.model_dump()


def config_schema() -> dict[str, Any]:
    """Returns the JSON schema of a config: each setting with its type, default and description."""
    return Config.model_json_schema()


def config_sha256(config: Config) -> str:
    """Returns a fingerprint of all settings that does not depend on their order or spelling."""
    return hashlib.sha256(_canonical(resolved(config)).encode()).hexdigest()


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns one line for each setting that differs between two resolved configs, in the order of the old one.

    >>> differences({"training": {"epochs": 100, "seeds": [0]}}, {"training": {"epochs": 10, "seeds": [0]}})
    ['training.epochs: 100 -> 10']
    """
    return [f"{path}: {before} -> {after}" for path, (before, after) in differing_settings([old, new]).items()]


def differing_settings(configs: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Returns {path: its value in each config, as JSON} of the settings that differ between resolved configs.

    >>> differing_settings([{"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"b": 1}}])
    {'a.c': ['2', '3', 'unset']}
    """
    leaves = [dict(_leaves(config)) for config in configs]
    values = {
        path: [_canonical(each[path]) if path in each else "unset" for each in leaves]
        for path in dict.fromkeys(path for each in leaves for path in each)
    }
    return {path: each for path, each in values.items() if len(set(each)) > 1}


def _canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _leaves(value, path=()):
    """Returns pairs (dotted path, value); a list of plain values is one value."""
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return [(".".join(map(str, path)), value)]
    return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
