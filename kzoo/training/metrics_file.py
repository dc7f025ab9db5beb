"""Reads the JSON files that kzoo writes, and refuses damaged ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from kzoo.checks import Refusal

REMEDY = "delete it, and the same command makes it again, or discard the run with --overwrite"


class Metrics(BaseModel):
    """The entries of one training's metrics.json that kzoo reads."""

    model: str
    data: str
    train: dict[str, float | None]  # None: not a finite number
    test: dict[str, float | None] = {}
    validation: dict[str, float | None] = {}
    published: dict[str, Any] | None
    parameters: int
    epochs: int
    steps: int
    seconds: float
    steps_per_second: float
    export: dict[str, Any]


def read_metrics(file: Path) -> dict[str, Any]:
    """Returns the content of one training's metrics.json. Raises Refusal with the remedy if it is damaged."""
    return read_record(file, Metrics.model_validate)


def read_record(file: Path, check: Callable[[Any], Any] = lambda record: None, remedy: str = REMEDY) -> dict[str, Any]:
    """Returns the JSON object in a file.

    check: a function that raises ValueError for a wrong object. Raises Refusal with the remedy if the file is damaged.
    """
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("it is no JSON object")
        check(record)
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    except (ValueError, RecursionError) as error:
        reason = str(error)
    else:
        return record
    raise Refusal(f"{file} is damaged ({reason}); {remedy}.")
