"""The part `search` of a config: a hyperparameter search."""

from typing import Annotated, Any, Literal

from annotated_types import Gt, Len, Lt
from pydantic import AfterValidator, Field, model_validator

from kzoo.checks import Refusal, require
from kzoo.config.config_errors import expecting, one_of
from kzoo.config.data_config import DataConfig
from kzoo.config.model_config import TransferConfig
from kzoo.config.part import Part
from kzoo.config.search_space import check_space
from kzoo.config.training_config import TrainingConfig
from kzoo.config.values import Count, OptionalCount, Seeds, Text

MAXIMIZED, MINIMIZED = ("accuracy", "f1_macro", "f1_micro", "auc", "r2", "iou"), ("error", "loss", "mae", "mse")


def _check_space(space):
    parts = {"data": DataConfig, "training": TrainingConfig, "transfer": TransferConfig}
    return check_space(space, {name: list(part.model_fields) for name, part in parts.items()})


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
