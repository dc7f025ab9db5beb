"""The wording of a config's errors: which setting, what it expects, what was received."""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from kzoo.checks import MAX_VALUE, nearest, shorten, shown

ONE, EACH, NAMED = "(one)", "(each)", "(named)"  # tags of a union's members in the paths of pydantic's errors
MAX_ERRORS = 3  # in one message
EXPECTED = {"list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping of settings"}


def expecting(phrase: str) -> WrapValidator:
    """Returns a validator, to be the last item of an `Annotated` type: every error becomes "expects <phrase>"."""

    def check(value, handler):
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("expects", "{phrase}", {"phrase": phrase}) from None

    return WrapValidator(check)


def one_of(*names: str) -> WrapValidator:
    """Returns the `expecting` validator of a text that is one of `names`."""
    return expecting(" or ".join(names) if len(names) < 3 else "one of " + ", ".join(names))


def describe_errors(error: ValidationError, schema: type[BaseModel]) -> str:
    """Returns one sentence for the first errors of a config of class `schema`, and the count of the others."""
    errors = [_describe(each, schema) for each in error.errors()]
    more = f"; and {len(errors) - MAX_ERRORS} more" if len(errors) > MAX_ERRORS else ""
    text = "; ".join(errors[:MAX_ERRORS]) + more
    return text if text.endswith("?") else f"{text}."


def _describe(error, schema):
    location, kind = [key for key in error["loc"] if key not in (ONE, EACH, NAMED)], error["type"]
    path = shorten(".".join(map(str, location)), MAX_VALUE)
    if kind == "extra_forbidden":
        return f"{path} is not a setting; {nearest(location[-1], setting_names(schema, location[:-1]))}"
    if kind == "missing":
        return f"{path} is missing"
    if kind == "value_error":  # raised by a validator of kzoo.config, with a complete text
        return str(error["ctx"]["error"]).rstrip(".")
    return f"{path} expects {EXPECTED.get(kind, error['msg'])}; received {shown(error['input'])}"


def setting_names(schema: type[BaseModel], path: list) -> list[str]:
    """Returns the names of the settings of the part at a path such as ["training", "callbacks", 0]."""
    part: Any = schema
    for key in (key for key in path if isinstance(key, str)):
        if key in part.model_fields:  # otherwise a key of a mapping, such as an output's name
            part = part_of(part.model_fields[key].annotation) or part
    return list(part.model_fields)


def part_of(annotation: Any) -> type[BaseModel] | None:
    """Returns the schema class in an annotation: the class itself, or the first one in a union, list or `Annotated`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for part in map(part_of, get_args(annotation)) if part), None)
