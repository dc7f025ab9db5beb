"""Packed arrays are read back as they were, at any length of the header."""

import json

import keras
import numpy as np
import pytest

from kzoo.explore.packing import pack, pack_outputs
from kzoo.explore.session import Computed, Session


def unpack(content):
    """Returns the header and the arrays, as page/packed.js does."""
    length = int.from_bytes(content[:4], "little")
    header, offset, arrays = json.loads(content[4 : 4 + length]), 4 + length, []
    assert offset % 4 == 0
    for shape in header["shapes"]:
        count = int(np.prod(shape))
        arrays.append(np.frombuffer(content, "<f4", count, offset).reshape(shape))
        offset += 4 * count
    assert offset == len(content)
    return header, arrays


def unpack_outputs(content):
    """Returns the header and the map of each step."""
    header, arrays = unpack(content)
    return header, dict(zip(header["steps"], arrays))


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "é"])
def test_arrays_are_read_back(text, seeds):
    arrays = [seeds.normal(size=shape).astype("float32") for shape in ((2, 3), (0, 4), (), (5,))]
    header, found = unpack(pack({"text": text}, arrays))
    assert header["text"] == text
    for array, one in zip(arrays, found):
        np.testing.assert_array_equal(one, array)


def test_outputs_that_are_not_finite_are_null():
    session = Session(keras.Sequential([keras.Input((4, 1)), keras.layers.Conv1D(2, 3), keras.layers.Flatten()]))
    computed = Computed(np.array([np.nan, 1, np.inf]), [np.ones((1, 4)), np.zeros((2, 2))])
    header, maps = unpack_outputs(pack_outputs(session, computed, [1]))
    assert header["outputs"] == [None, 1.0, None] and list(maps) == [1] and maps[1].shape == (2, 2)
