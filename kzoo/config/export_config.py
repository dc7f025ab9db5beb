"""The part `export` of a config: the export of the trained model."""

# mypy: disable-error-code="valid-type, misc"

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from kzoo.checks import require
from kzoo.config.config_errors import expecting
from kzoo.config.part import Part
from kzoo.config.values import OptionalCount, OptionalCounts, Switch, distinct
from kzoo.export.registry import FORMATS

FormatName: Any = Literal[tuple(FORMATS)]  # Any for type checkers, which do not see the registry's names
Formats = Annotated[
    list[FormatName],
    AfterValidator(distinct),
    expecting("a list of different formats among " + ", ".join(FORMATS)),
]


class ExportConfig(Part):
    """The export of the trained model."""

    later = ("batch_size", "size", "integer")

    formats: Formats = Field(["saved_model"], description="Formats to export to: " + ", ".join(FORMATS) + ".")
    batch_size: OptionalCount = Field(None, description="Number of examples in every batch of the exports; null: any.")
    size: OptionalCounts = Field(
        None,
        description="A number for each unknown side of the model's input, such as [height, width]; null: any size.",
    )
    integer: Switch = Field(False, description="Whether litert_int8 has inputs and outputs of int8; false: float32.")

    @model_validator(mode="after")
    def _check_integer(self):
        ready = not self.integer or any(FORMATS[name].quantized for name in self.formats)
        require(ready, "export.integer", "format litert_int8 in export.formats", formats=self.formats)
        return self
