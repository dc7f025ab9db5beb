"""Plain values as .npz files: every type comes back as it was, and nothing is pickled."""

import math

import keras
import ml_dtypes
import numpy as np
import pytest

from kzoo.training.npz_state import from_npz, is_plain, to_npz

VALUES = [
    *(True, 0, -(2**70), 0.1, -0.0, math.inf, math.nan, "ü\udcff\0", None, b"\0\xff", b""),
    *([], (), {}, [(1,), [2]], {"tuple": (1, 2)}, {1: "a", (2, None): [b"c"]}, {"array": [0, None]}),
    *(np.float64(0.1), np.float32(math.nan), np.int8(3), np.bool_(True), np.str_("x"), np.datetime64("2020-01-01")),
    *(np.arange(6.0).reshape(2, 3), np.zeros((0, 2), "uint8"), np.array(5), np.array(["a", "bc"]), np.asarray([True])),
    *(np.asfortranarray(np.ones((2, 3))), np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]), np.array([1j])),
    *(np.array([1.5, -2], "bfloat16"), ml_dtypes.bfloat16(3), np.array(1, "float8_e4m3fn")),
    *(keras.ops.less, keras.ops.greater),
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_every_type_comes_back(value):
    assert is_plain(value) and is_plain([{"x": (value,)}])
    for given in (value, [{"x": (value,)}]):
        same(from_npz(to_npz(given)), given)


def same(got, want):
    assert type(got) is type(want)
    if isinstance(want, dict):
        same(list(got.items()), list(want.items()))
    elif isinstance(want, (list, tuple)):
        assert len(got) == len(want)
        [same(*pair) for pair in zip(got, want)]
    elif isinstance(want, (np.ndarray, np.generic)):
        assert got.dtype == want.dtype and got.shape == want.shape and got.tobytes() == want.tobytes()
    elif isinstance(want, float):
        assert repr(got) == repr(want)
    else:
        assert got == want


def test_other_types_are_not_plain():
    class Count(int):
        pass

    others = [len, object(), {1, 2}, Count(1), 1j, np.array([None]), np.ma.array([1]), keras.ops.equal]
    assert not any(is_plain(value) or is_plain([value]) or is_plain({1: value}) for value in others)


def test_files_without_a_value_raise():
    for content in (to_npz(1).replace(b"json", b"jsom"), to_npz({"a": 1}).replace(b'"dict"', b'"dirt"'), b""):
        with pytest.raises(Exception):  # noqa: B017 (any)
            from_npz(content)
