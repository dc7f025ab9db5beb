"""The part `data` of a config: the examples, and what is done to them before the model."""

# mypy: disable-error-code="valid-type, misc"

from typing import Annotated, Any, Literal

from annotated_types import Ge, Len, Lt
from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from kzoo.checks import Refusal, require
from kzoo.config.config_errors import expecting, one_of
from kzoo.config.part import Part
from kzoo.config.specs import Spec
from kzoo.config.values import Count, OptionalCount, OptionalInteger, OptionalText, Sizes, Switch
from kzoo.task import KINDS


def _ascending(values):
    if values != sorted(values):
        raise ValueError("not ascending")
    return values


RESIZES = ("stretch", "crop", "pad", "short_side")
HeldOut = Annotated[
    Annotated[float, Ge(0), Lt(1)] | NonNegativeInt | Annotated[str, Len(1)],
    AfterValidator(lambda value: value or 0),  # 0.0 becomes 0, so that both have the same config_sha256
    expecting("a fraction below 1, a count, or the name of a split"),
]
Size = Annotated[
    Annotated[list[PositiveInt], Len(2, 2)] | None, expecting("[height, width], two integers above 0, or null")
]
ShortSides = Annotated[
    Annotated[list[PositiveInt], Len(2, 2), AfterValidator(_ascending)] | None,
    expecting("two ascending integers above 0, or null"),
]
ClassNames = Annotated[Annotated[list[Annotated[str, Len(1)]], Len(1)] | None, expecting("a list of names, or null")]
ModelInputs = Annotated[list[Literal["x", "y"]], Len(1), expecting("a list of x and y")]
ModelTargets = Annotated[Annotated[list[Literal["x", "y"]], Len(1)] | None, expecting("a list of x and y, or null")]
TaskKind: Any = Literal[KINDS]  # Any for type checkers
TaskKinds = Annotated[
    TaskKind | dict[str, TaskKind] | None, expecting(f"one of {', '.join(KINDS)}, {{output: one of these}}, or null")
]


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
        None,
        description="Time steps of signals, or frames of videos, to crop or pad to, of a dataset by name; null: no "
        "change.",
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
