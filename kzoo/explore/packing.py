"""Packs arrays of float32 after a header of JSON, as the page reads them from the server and from recordings."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from kzoo.explore.session import Computed, Session
from kzoo.explore.unit_views import UnitView


def pack(header: dict[str, Any], arrays: Iterable[np.ndarray]) -> bytes:
    """Returns a header and arrays as bytes.

    They are the length of the header (uint32), the header with the `shapes` of the arrays (JSON, padded with spaces to
    4 bytes), and the arrays (float32) one after the other; all in little-endian order.

    >>> pack({"a": 1}, [np.ones((2, 1))])[4:]
    b'{"a": 1, "shapes": [[2, 1]]}\\x00\\x00\\x80?\\x00\\x00\\x80?'
    """
    arrays = list(arrays)
    text = json.dumps({**header, "shapes": [array.shape for array in arrays]}).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([len(text).to_bytes(4, "little"), text, *map(floats, arrays)])


def pack_outputs(session: Session, computed: Computed, steps: Iterable[int]) -> bytes:
    """Returns the outputs of a model, the maps of some of its steps, and the label map, if it has one, as bytes."""
    kind, values = session.output_kind(computed.outputs)
    outputs = [float(value) if np.isfinite(value) else None for value in values]
    steps, labels = list(steps), session.label_map(computed.outputs)
    arrays = [*(computed.maps[number] for number in steps), *([] if labels is None else [labels])]
    return pack({"kind": kind, "outputs": outputs, "steps": steps}, arrays)


def pack_view(view: UnitView) -> bytes:
    """Returns a view of a unit as bytes."""
    pictures = [{"title": picture.title, "signed": picture.signed} for picture in view.pictures]
    return pack({"text": view.text, "pictures": pictures}, [picture.values for picture in view.pictures])


def floats(array: np.ndarray) -> bytes:
    """Returns an array as float32 in little-endian order."""
    return np.ascontiguousarray(array, "<f4").tobytes()
