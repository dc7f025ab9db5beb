"""The part `evaluation` of a config: a further evaluation by several views of each example."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kzoo.checks import require
from kzoo.config.config_errors import one_of
from kzoo.config.part import Part
from kzoo.config.values import OptionalCount, OptionalCounts


class EvaluationConfig(Part):
    """A further evaluation of the test and validation splits, by the mean of the outputs for several views."""

    crops: Annotated[Literal[1, 5, 10, 50], one_of("1", "5", "10", "50")] = Field(
        1,
        description="Crops of each image, in place of those that a layer of data.preprocess takes: 1, the centre; 5, "
        "also the four corners; 10, these and their mirror images; 50, a grid of 5 x 5 and their mirror images.",
    )
    scales: OptionalCounts = Field(
        None, description="Lengths of an image's shorter side at which it is cropped; null: its own."
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
