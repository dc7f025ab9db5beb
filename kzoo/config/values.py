"""Types of settings that several parts of a config have, each with the words of its error."""

import math
from typing import Annotated

from annotated_types import Ge, Len, Lt
from pydantic import AfterValidator, PositiveInt

from kzoo.config.config_errors import expecting


def distinct(values: list) -> list:
    """Returns the values, or raises ValueError if two of them are equal."""
    if len(set(values)) < len(values):
        raise ValueError("not distinct")
    return values


Text = Annotated[str, Len(1), expecting("text")]
OptionalText = Annotated[Annotated[str, Len(1)] | None, expecting("text")]
Count = Annotated[PositiveInt, expecting("an integer above 0")]
OptionalCount = Annotated[PositiveInt | None, expecting("an integer above 0, or null")]
OptionalInteger = Annotated[int | None, expecting("an integer, or null")]
Switch = Annotated[bool, expecting("true or false")]
Factor = Annotated[float, Ge(0), Lt(math.inf), expecting("a number of at least 0")]
Seeds = Annotated[
    list[Annotated[int, Ge(0), Lt(2**32)]],
    Len(1),
    AfterValidator(distinct),
    expecting("a list of different integers from 0 to 2**32 - 1"),
]
OptionalCounts = Annotated[
    Annotated[list[PositiveInt], Len(1)] | None, expecting("a list of integers above 0, or null")
]
Sizes = Annotated[
    Annotated[list[Annotated[list[PositiveInt], Len(2, 2)]], Len(1)] | None,
    expecting("a list of [height, width], each of two integers above 0, or null"),
]
