"""Plain values as one .npz file without pickle: a JSON text for the structure, and one member for each array.

JSON has lists, text, numbers, true, false and null. Other types are objects with one key, such as {"tuple": [1, 2]}.
"""

import base64
import io
import json
from typing import Any

import keras
import numpy as np

JSON_TYPES = (bool, int, float, str, type(None))
# Values of a callback's `monitor_op`, saved too: if Keras set it again, it would flip the sign of the saved min_delta.
FUNCTIONS = {"less": keras.ops.less, "greater": keras.ops.greater}


def is_plain(value: Any) -> bool:
    """Returns whether `to_npz` can write a value; instances of subclasses, such as namedtuples, it cannot.

    >>> is_plain({"a": (1, b"2", None)}), is_plain([np.float32(1), np.zeros(3)]), is_plain(len)
    (True, True, False)
    """
    if type(value) is dict:
        return all(is_plain(part) for pair in value.items() for part in pair)
    if type(value) in (list, tuple):
        return all(map(is_plain, value))
    if isinstance(value, np.generic) or type(value) is np.ndarray:
        return not value.dtype.hasobject
    return type(value) in (*JSON_TYPES, bytes) or any(value is function for function in FUNCTIONS.values())


def to_npz(value: Any) -> bytes:
    """Returns the content of the .npz file of a plain value."""
    arrays: list[np.ndarray] = []
    text = json.dumps(_encode(value, arrays))
    buffer = io.BytesIO()
    np.savez(buffer, *arrays, json=np.frombuffer(text.encode(), "uint8"), allow_pickle=False)
    return buffer.getvalue()


def from_npz(content: bytes) -> Any:
    """Returns the value in the content of an .npz file; the exception for a damaged one can be any."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return _decode(json.loads(file["json"].tobytes()), file)


def _encode(value, arrays):
    if isinstance(value, (np.generic, np.ndarray)):  # before numbers: np.float64 is a float
        arrays.append(np.asarray(value))
        # files have no name for bfloat16 and other types that packages add to NumPy
        added = value.dtype.name if value.dtype.isbuiltin == 2 else None
        return {"array" if isinstance(value, np.ndarray) else "scalar": [len(arrays) - 1, added]}
    if isinstance(value, JSON_TYPES):
        return value
    if isinstance(value, list):
        return [_encode(item, arrays) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_encode(part, arrays) for part in pair] for pair in value.items()]}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return {"function": next(name for name, function in FUNCTIONS.items() if function is value)}


def _decode(value, file):
    if isinstance(value, list):
        return [_decode(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(_decode(content, file))
    if kind == "dict":
        return {_decode(key, file): _decode(item, file) for key, item in content}
    if kind == "bytes":
        return base64.b64decode(content)
    if kind == "function":
        return FUNCTIONS[content]
    index, added = content
    array = file[f"arr_{index}"]
    array = array if added is None else array.view(added)
    return array if kind == "array" else array[()]
