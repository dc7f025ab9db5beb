"""Settings that name objects of Keras and kzoo: losses, metrics, optimizers, layers, callbacks, initializers."""

import difflib
from typing import Annotated, Any

from annotated_types import Len
from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from kzoo.config.config_errors import EACH, NAMED, ONE
from kzoo.config.part import Part
from kzoo.config.values import Text


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
Initializers = Annotated[dict[Annotated[str, Len(1)], Spec], Field(strict=True)]
