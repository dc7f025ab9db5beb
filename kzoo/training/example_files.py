"""Reads examples for the inputs of a model from files and folders, as `--data` names them."""

from collections.abc import Sequence

import numpy as np

from kzoo.checks import require
from kzoo.data.example_reader import ExampleReader
from kzoo.data.file_arguments import list_files
from kzoo.types import PathLike, Shape


def read_inputs(
    who: str,
    shapes: Sequence[Shape],
    data: Sequence[PathLike],
    most: int,
    first: bool = False,
    resize: str | int = "stretch",
) -> list[np.ndarray]:
    """Returns an array (examples, ...) of float32 for each input of a model, of at most `most` examples.

    who: what messages name; shapes: of the inputs without the batch; data: of a model of one input any images, .npy
    arrays and folders, of several inputs one for each; first: whether one for the first of several inputs is enough;
    resize: how images get the size of an input, as for `kzoo.data.load`.
    Raises Refusal for another number of files, examples of several sizes, of another number for each input, or that are
    not finite.
    """
    count = len(shapes)
    parts = [data] if count == 1 else [[one] for one in data]
    expected = f"--data, one file or folder for each of {count} inputs" + ", or one for the first" * first
    require(len(parts) == count or (first and len(parts) == 1), who, expected, data=[str(one) for one in data])
    arrays = [_read(who, shape, part, most, resize) for shape, part in zip(shapes, parts)]
    counts = [len(x) for x in arrays]
    require(len(set(counts)) == 1, who, "--data with as many examples for each input", examples=counts)
    return arrays


def _read(who: str, shape: Shape, paths: Sequence[PathLike], most: int, resize: str | int) -> np.ndarray:
    """Returns the first examples in files, of which no more are read than are needed."""
    arrays: list[np.ndarray] = []
    reader = ExampleReader(who, shape, resize)
    for file in list_files(who, paths):
        if sum(map(len, arrays)) >= most:
            break
        x = reader.read(file)[:most]
        require(np.isfinite(x).all(), who, "--data of finite numbers", file=str(file))
        size = arrays[0].shape[1:] if arrays else x.shape[1:]
        require(x.shape[1:] == size, who, f"--data of one size, here {size}", file=str(file), shape=x.shape[1:])
        arrays.append(x)
    return np.concatenate(arrays)[:most]
