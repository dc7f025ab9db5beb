"""All export formats. A new one is a file in `kzoo/export/formats/` that assigns an `ExportFormat` to `FORMAT`."""

import importlib
import pkgutil
from pathlib import Path

from kzoo.checks import Refusal, nearest
from kzoo.export.export_format import ExportFormat
from kzoo.types import PathLike


def _discover() -> dict[str, ExportFormat]:
    modules = pkgutil.iter_modules([str(Path(__file__).with_name("formats"))])
    formats = [importlib.import_module(f"kzoo.export.formats.{module.name}").FORMAT for module in modules]
    return {format.name: format for format in sorted(formats, key=lambda format: (format.order, format.name))}


FORMATS = _discover()


def find_format(name: str) -> ExportFormat:
    """Returns a format by its name. Raises Refusal with the nearest names if there is none.

    >>> find_format("onnx").file
    'model.onnx'
    """
    if not isinstance(name, str) or name not in FORMATS:
        raise Refusal(f"export: no format {name!r}; {nearest(name, FORMATS)}")
    return FORMATS[name]


def format_at(path: PathLike) -> ExportFormat | None:
    """Returns the format that a file or folder looks like, or None.

    >>> format_at("model.tflite").name
    'litert'
    """
    return next((format for format in FORMATS.values() if format.recognizes(Path(path))), None)
