"""Finds damaged exports before they are opened: a runtime may crash on one, or return wrong numbers without a word."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Len
from pydantic import BaseModel, field_validator

from kzoo.checks import Refusal
from kzoo.data.source import RESIZES
from kzoo.export.isolated_process import crash_of
from kzoo.json_record import read_record
from kzoo.task import read_tasks

RECORD = "export.json"
Resize: Any = Literal[RESIZES] | Annotated[int, Ge(1)]  # Any for type checkers; of a number see `resize_images`


class ExportedFile(BaseModel):
    """The entries of one export in a record that are read again. Records of earlier versions have no sha256."""

    file: Annotated[str, Len(1)]
    format: str
    sha256: str | None = None


class Record(BaseModel):
    """The entries of export.json that are read again."""

    exports: Annotated[list[ExportedFile], Len(1)]
    resize: Resize = "stretch"  # records of earlier versions do not have it
    tasks: list[dict[str, Any]] | None = None  # only where the outputs are not one of classes

    @field_validator("tasks")
    @classmethod
    def _check_tasks(cls, tasks):
        read_tasks({"tasks": tasks})
        return tasks


def read_export_record(folder):
    """Returns the `Record` of a folder of `kzoo export`. Raises Refusal if it is damaged."""
    return Record.model_validate(read_record(Path(folder, RECORD), Record.model_validate, "export the model again"))


def sha256_of(path):
    """Returns the SHA-256 of a file, or of the names and contents of all files in a folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_text("b")
    ...     sha256_of(Path(folder, "a"))[:8], sha256_of(folder)[:8]
    ('3e23e816', '667b2406')
    """
    path = Path(path)
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    text = "".join(f"{sha256_of(path / name)}  {name}\n" for name in files)
    return hashlib.sha256(text.encode()).hexdigest()


def refuse_damaged(path, format):
    """Raises Refusal if an export is not the one that was written, or if its runtime crashes on it.

    The record next to the export has its SHA-256. An export without one is run once in another process, on zeros, which
    takes as long as importing its runtime.
    """
    path = Path(path)
    recorded = read_export_record(path.parent).exports if (path.parent / RECORD).is_file() else []
    expected = next((export.sha256 for export in recorded if export.file == path.name), None)
    if expected is None:
        crash = crash_of(path, format)
        if crash:
            raise Refusal(f"predict: {format.runtime} crashed on {path}: {crash}. The file may be damaged.")
    elif sha256_of(path) != expected:
        raise Refusal(f"predict: {path} is not what was exported: its SHA-256 differs from the one in {RECORD}.")
