"""Reads the inputs of `kzoo export --inputs`, an .npz file with one array for each input of a model."""

import keras
import numpy as np

from kzoo.checks import Refusal, one_line, require
from kzoo.export.fixed_shape import takes_examples
from kzoo.types import PathLike

WHO = "export --inputs"


def read_inputs(file: PathLike, model: keras.Model) -> dict[str, np.ndarray]:
    """Returns {input name: array (N, *shape)} from an .npz file, in the order of the model's inputs.

    The arrays have the names of the inputs; of a model of one input the only array may have any name. Raises Refusal
    if the file is no .npz file of plain arrays, or if an array is missing, is superfluous or does not fit its input.
    """
    require(str(file).endswith(".npz"), WHO, "the path of an .npz file", inputs=str(file))
    try:
        with np.load(file, allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in opened.files}
    except Exception as error:  # a damaged file can raise any exception
        raise Refusal(f"{WHO}: {file} cannot be read: {one_line(error, 200)}") from error
    names = [tensor.name for tensor in model.inputs]
    if len(names) == len(arrays) == 1:
        arrays = dict(zip(names, arrays.values()))
    require(set(arrays) == set(names), WHO, f"arrays named {', '.join(names)}", names=sorted(arrays))
    for tensor in model.inputs:
        x = arrays[tensor.name]
        fits = x.ndim > 0 and len(x) > 0 and takes_examples(tensor, x) and x.dtype.kind in "biuf"
        expected = f"numbers of shape (N, {', '.join(map(str, tensor.shape[1:]))}) for {tensor.name}, N above 0"
        require(fits, WHO, expected, shape=x.shape, dtype=x.dtype.name)
    counts = {name: len(arrays[name]) for name in names}
    require(len(set(counts.values())) == 1, WHO, "as many examples of each input", counts=counts)
    return {name: arrays[name] for name in names}
