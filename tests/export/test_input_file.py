"""Inputs from .npz files: by name, and refusals of files and arrays that do not fit."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.input_file import read_inputs


def model(*shapes):
    inputs = [keras.Input(shape, name=f"in{index}") for index, shape in enumerate(shapes)]
    return keras.Model(inputs, [keras.layers.Flatten()(x) for x in inputs])


def test_inputs(tmp_path):
    one, two = model((2, None)), model((2,), (3,))
    np.savez(tmp_path / "one.npz", x=np.ones((4, 2, 7), "uint8"))
    assert {name: x.shape for name, x in read_inputs(tmp_path / "one.npz", one).items()} == {"in0": (4, 2, 7)}
    np.savez(tmp_path / "two.npz", in1=np.ones((5, 3)), in0=np.ones((5, 2)))
    assert [(name, x.shape) for name, x in read_inputs(tmp_path / "two.npz", two).items()] == [
        ("in0", (5, 2)),
        ("in1", (5, 3)),
    ]


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"in0": np.ones((5, 2))}, r"arrays named in0, in1; received names=\['in0'\]"),
        ({"in0": np.ones((5, 2)), "in2": np.ones((5, 3))}, "arrays named in0, in1"),
        (
            {"in0": np.ones((5, 2)), "in1": np.ones((5, 4))},
            r"shape \(N, 3\) for in1, N above 0; received shape=\(5, 4\)",
        ),
        ({"in0": np.ones((0, 2)), "in1": np.ones((0, 3))}, "N above 0"),
        ({"in0": np.array("a"), "in1": np.ones((5, 3))}, "N above 0; received shape="),
        ({"in0": np.full((5, 2), "a"), "in1": np.ones((5, 3))}, "received shape=.* dtype='str"),
        ({"in0": np.ones((4, 2)), "in1": np.ones((5, 3))}, "as many examples of each input"),
        ({"in0": np.full((5, 2), None), "in1": np.ones((5, 3))}, "cannot be read: Object arrays"),
    ],
)
def test_arrays_that_are_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "it.npz", **arrays)
    with pytest.raises(Refusal, match=words) as caught:
        read_inputs(tmp_path / "it.npz", model((2,), (3,)))
    assert str(caught.value).startswith("export --inputs")


def test_files_that_are_refused(tmp_path):
    (tmp_path / "it.npz").write_bytes(b"PK damaged")
    np.save(tmp_path / "it.npy", np.ones(2))
    (tmp_path / "array.npz").write_bytes((tmp_path / "it.npy").read_bytes())
    for name, words in {
        "it.npz": "it.npz cannot be read",
        "array.npz": "array.npz cannot be read",
        "none.npz": "none.npz cannot be read",
        "it.npy": "the path of an .npz file",
    }.items():
        with pytest.raises(Refusal, match=words):
            read_inputs(tmp_path / name, model((2,)))
