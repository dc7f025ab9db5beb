"""The formats that models are exported to.

Source: none.
"""

from pathlib import Path
from typing import NamedTuple

from kzoo.checks import Refusal, nearest


class Format(NamedTuple):
    """What is known of a format before anything is written."""

    label: str  # for people
    file: str  # its file or folder in an export
    runtime: str  # the package that runs it
    packages: tuple  # others that must be there to write and check it, of the extra `export`
    tolerance: float | None  # largest difference, relative to the largest output; None: told, not judged


FORMATS = {
    "saved_model": Format("SavedModel", "saved_model", "tensorflow", (), 1e-5),  # the same graph, the same float32
    "onnx": Format("ONNX", "model.onnx", "onnxruntime", ("tf2onnx", "onnx", "onnxruntime"), 1e-4),
    "litert": Format("LiteRT", "model.tflite", "ai_edge_litert", ("ai_edge_litert",), 1e-4),
    "litert_int8": Format("LiteRT int8", "model_int8.tflite", "ai_edge_litert", ("ai_edge_litert",), None),
    "openvino": Format("OpenVINO", "openvino", "openvino", ("openvino",), 1e-4),
}


def find_format(name):
    """A format by its name. Errors: Refusal with the nearest names.

    >>> find_format("onnx").file
    'model.onnx'
    """
    if not isinstance(name, str) or name not in FORMATS:
        raise Refusal(f"export: no format {name!r}; {nearest(name, FORMATS)}")
    return FORMATS[name]


def format_at(path):
    """The format of what lies at `path`, by its looks; None for anything else.

    >>> format_at("model.tflite")
    'litert'
    """
    path = Path(path)
    if (path / "saved_model.pb").is_file():
        return "saved_model"
    if path.suffix == ".xml" or (path / "model.xml").is_file():
        return "openvino"
    return {".onnx": "onnx", ".tflite": "litert"}.get(path.suffix)
