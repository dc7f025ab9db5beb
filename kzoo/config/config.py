"""A whole config: its parts, what they demand of each other, and the check of nested settings."""

import math
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import Field, NonNegativeInt, ValidationError, model_validator

from kzoo.checks import Refusal, require
from kzoo.config.config_errors import describe_errors, expecting
from kzoo.config.data_config import DataConfig
from kzoo.config.evaluation_config import EvaluationConfig
from kzoo.config.export_config import ExportConfig
from kzoo.config.model_config import ModelConfig, TransferConfig
from kzoo.config.part import Part
from kzoo.config.search_config import SearchConfig
from kzoo.config.training_config import TrainingConfig
from kzoo.config.values import OptionalCount, Text
from kzoo.types import PathLike


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


def check_config(settings: dict[str, Any], where: PathLike = "config") -> Config:
    """Returns the `Config` of nested settings, or raises a Refusal that starts with `where`."""
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        raise Refusal(f"{where}: {describe_errors(error, Config)}") from None
    for path, leaf in leaves(settings):
        numbers = [item for item in (leaf if isinstance(leaf, list) else [leaf]) if isinstance(item, float)]
        require(all(map(math.isfinite, numbers)), f"{where}: {path}", "finite numbers", value=leaf)
    return config


def resolved(config: Config) -> dict[str, Any]:
    """Returns all settings, defaults included, as plain Python values; `check_config` is the inverse."""
    return config.model_dump()


def config_schema() -> dict[str, Any]:
    """Returns the JSON schema of a config: each setting with its type, default and description."""
    return Config.model_json_schema()


def leaves(value: Any, path: tuple = ()) -> list[tuple[str, Any]]:
    """Returns pairs (dotted path, value); a list of plain values is one value."""
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return [(".".join(map(str, path)), value)]
    return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
