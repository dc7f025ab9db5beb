"""Arrays for the inputs of a model, in batches, and the one of several inputs that an analysis is about."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from kzoo.analysis.walk import input_dependencies
from kzoo.checks import is_integer, require
from kzoo.types import Shape, Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs:
    """Arrays (batch, ...) for all inputs of a model, and the index of the one that an analysis is about.

    `len` and indexing are those of the examples. channels_first: whether maps in the arrays have their channels first.

    >>> inputs = Inputs([np.zeros((5, 8, 1)), np.arange(5)])
    >>> inputs[1:3].x.shape, inputs[1:3].replaced(np.ones((2, 8, 1))).arrays[1]
    ((2, 8, 1), array([1, 2]))
    """

    arrays: list[np.ndarray]
    index: int = 0
    channels_first: bool = False

    @property
    def x(self) -> np.ndarray:
        """The input that the analysis is about, (batch, *spatial, channels)."""
        x = self.arrays[self.index]
        return np.moveaxis(x, 1, -1) if self.channels_first and x.ndim > 2 else x

    @property
    def shapes(self) -> list[Shape]:
        """The shape (None, ...) of each array, for any number of examples."""
        return [(None, *x.shape[1:]) for x in self.arrays]

    def replaced(self, x: np.ndarray) -> "Inputs":
        """Returns inputs with another `x`, and the other arrays as they are."""
        x = np.moveaxis(x, -1, 1) if self.channels_first and x.ndim > 2 else x
        return dataclasses.replace(self, arrays=[*self.arrays[: self.index], x, *self.arrays[self.index + 1 :]])

    def as_tensors(self) -> tuple[Tensor, list[Any]]:
        """Returns the input that the analysis is about as a tensor that a tape can watch, and all arrays with it."""
        x = keras.ops.convert_to_tensor(self.arrays[self.index])
        return x, [x if number == self.index else array for number, array in enumerate(self.arrays)]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Any) -> "Inputs":
        return dataclasses.replace(self, arrays=[x[rows] for x in self.arrays])


def input_index(who: str, model: keras.Model, layers: Sequence[str]) -> int:
    """Returns the index of the input of a model that an analysis of the layers at these paths is about.

    It is the first of floats with 1 to 3 spatial axes that all of the layers depend on, or else the first that they do.
    ValueError for layers that depend on no input in common.

    >>> image, number = keras.Input((8, 1)), keras.Input((1,))
    >>> maps = keras.layers.Conv1D(2, 3, name="conv")(image)
    >>> model = keras.Model([number, image], keras.layers.Multiply(name="times")([maps, number]))
    >>> input_index("an analysis", model, ["times"])
    1
    """
    known = input_dependencies(model)
    every = frozenset(range(len(model.inputs)))
    common = sorted(every.intersection(*(known.get(path, every) for path in layers)))
    require(common, who, "layers that depend on one and the same input of the model", layers=list(layers))
    spatial = (i for i in common if _is_spatial(model.inputs[i]))
    return next(spatial, common[0])


def _is_spatial(symbol):
    return 3 <= len(symbol.shape) <= 5 and "float" in symbol.dtype


def as_arrays(model: keras.Model, inputs: Any) -> list[np.ndarray]:
    """Returns what is given for the inputs of a model, one array or a list with one for each, as a list of arrays."""
    ranks = [len(symbol.shape) for symbol in model.inputs]
    several = isinstance(inputs, (list, tuple)) and (
        len(ranks) > 1 or all(getattr(x, "ndim", None) == ranks[0] for x in inputs)
    )
    return [np.asarray(x) for x in (inputs if several else [inputs])]


def fits(arrays: Sequence[np.ndarray], shapes: Sequence[Shape]) -> bool:
    """Returns whether arrays have these shapes (batch, ...), in which None is any size, whatever their batch.

    >>> fits([np.ones((2, 8, 1))], [(None, None, 1)]), fits([np.ones((2, 8, 1))], [(None, 8, 2)])
    (True, False)
    """
    return len(arrays) == len(shapes) and all(
        x.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape[1:], x.shape[1:]))
        for x, shape in zip(arrays, shapes)
    )


def batches(who: str, inputs: Any, batch_size: int) -> Iterator[Any]:
    """Returns an iterator over arrays or `Inputs`, `batch_size` examples at a time.

    >>> [batch.tolist() for batch in batches("an analysis", np.arange(5), 3)]
    [[0, 1, 2], [3, 4]]
    """
    require(is_integer(batch_size, least=1), who, "batch_size, an integer above 0", batch_size=batch_size)
    return (inputs[start : start + batch_size] for start in range(0, len(inputs), batch_size))


def name_of_outputs(outputs: np.ndarray) -> str:
    """Returns what pictures call a model's outputs: "probability" if all are from 0 to 1, or else "output"."""
    return "probability" if ((outputs >= 0) & (outputs <= 1)).all() else "output"


@dataclasses.dataclass(frozen=True)
class OutputNames:
    """What pictures call the outputs of a model: classes, labels or numbers, and their names, None if they have none.

    >>> OutputNames("label", ["cat", "dog"])(1), OutputNames()(3)
    ('label dog', 'class 3')
    """

    unit: str = "class"
    names: Sequence[str] | None = None

    def __call__(self, index: int) -> str:
        """Returns the unit and the name or the number of an output."""
        known = self.names is not None and index < len(self.names)
        return f"{self.unit} {self.names[index] if known and self.names is not None else index}"

    def quantity(self, outputs: np.ndarray) -> str:
        """Returns what an output is: "probability" or "output"; numbers are never probabilities."""
        return "output" if self.unit == "number" else name_of_outputs(outputs)
