"""The parts `model` and `transfer` of a config: which model, and which weights it starts from."""

from typing import Any

from pydantic import ConfigDict, Field, model_validator

from kzoo.checks import require
from kzoo.config.part import Part
from kzoo.config.values import OptionalText, Switch, Text


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
