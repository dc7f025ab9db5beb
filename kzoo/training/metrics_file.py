"""The metrics.json of one training."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, field_validator

from kzoo.json_record import read_record
from kzoo.task import read_tasks


class Metrics(BaseModel):
    """The entries of one training's metrics.json that kzoo reads."""

    model: str
    data: str
    tasks: list[dict[str, Any]] | None = None  # only where the outputs are not one of classes
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

    @field_validator("tasks")
    @classmethod
    def _check_tasks(cls, tasks):
        read_tasks({"tasks": tasks})
        return tasks


def read_metrics(file: Path) -> dict[str, Any]:
    """Returns the content of one training's metrics.json. Raises Refusal with the remedy if it is damaged."""
    return read_record(file, Metrics.model_validate)
