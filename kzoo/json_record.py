"""Reads the JSON files that kzoo writes, and refuses damaged ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kzoo.checks import Refusal

REMEDY = "delete it, and the same command makes it again, or discard the run with --overwrite"


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
