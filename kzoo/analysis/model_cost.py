"""What a model takes for one example, and how often an analysis can compute it within a few seconds."""

import math
from typing import NamedTuple

import keras

from kzoo.analysis.flop_count import flops
from kzoo.models.graph import calls, is_graph
from kzoo.types import Shape

OPERATIONS = 2**34  # that one result may cost: a few seconds on two cores
VALUES = 2**23  # numbers in all maps of a batch of examples
BATCH = 32
LEAST_STEPS, LEAST_EXAMPLES = 32, 16  # of an ascent and of a search, however many operations they are


class Cost(NamedTuple):
    """What a model takes for one example: operations (None if unknown), and numbers in the maps of all layers."""

    operations: int | None
    values: int

    def affordable(self, least: int, most: int, operations: int = OPERATIONS) -> int:
        """Returns how often the model can be computed within so many operations, from `least` to `most` times.

        >>> [Cost(operations, 0).affordable(16, 100) for operations in (1, 2**29, 2**34, None)]
        [100, 32, 16, 16]
        """
        times = 0 if self.operations is None else operations // max(1, self.operations)
        return min(most, max(least, times))

    @property
    def batch_size(self) -> int:
        """How many examples are computed at once."""
        return max(1, min(BATCH, VALUES // max(1, self.values)))


def model_cost(model: keras.Model, input_shapes: list[Shape] | None = None) -> Cost:
    """Returns the cost of one example; input_shapes: (batch, ...) of the inputs, if not those the model was built with.

    >>> model_cost(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]))
    Cost(operations=12, values=3)
    """
    return Cost(flops(model, input_shapes), _values(model, input_shapes))


def _values(model: keras.Model, input_shapes: list[Shape] | None) -> int:
    return sum(
        _values(call.operation, call.input_shapes)
        if is_graph(call.operation)
        else sum(math.prod(n or 1 for n in shape[1:]) for shape in call.output_shapes)
        for call in calls(model, input_shapes)
    )
