"""Multiplications and additions of one forward pass, counted layer by layer.

TensorFlow's profiler counts grouped convolutions and einsum wrongly, and XLA's counts what its compiled program does.
A multiplication and an addition are two operations, as in the papers of most models here.
"""

import keras

from kzoo.analysis import keras_layers
from kzoo.analysis.walk import check_input_shapes
from kzoo.models.graph import Call, calls, is_graph
from kzoo.types import Shape


def flops(model: keras.Model, input_shapes: list[Shape] | None = None) -> int | None:
    """Returns the operations for one example, or None where a size or a layer's operation count is unknown.

    Counted are products with kernels (two operations for each weight and position), the sums or comparisons of pools,
    batch norms (four operations a value) and sums of branches (one a value). Activations and the other normalizations
    are not. A layer that is called twice counts twice. Layers declare their count (see `kzoo.analysis.keras_layers`);
    `kzoo.analysis.unknown_layers` names those without one.
    `input_shapes`: (batch, ...) of the model's inputs, if they are not the ones it was built with.

    >>> from kzoo.models.registry import model
    >>> flops(model("mnist1d_fc100"))  # 2 (40 x 100 + 100 x 100 + 100 x 10)
    30000
    """
    if input_shapes is not None:
        check_input_shapes("flops", model, input_shapes)
    return _count(model, input_shapes)


def _count(model: keras.Model, input_shapes: list[Shape] | None) -> int | None:
    total = 0
    for call in calls(model, input_shapes):
        count = _of_call(call)
        if count is None:
            return None
        total += count
    return total


def _of_call(call: Call) -> int | None:
    if any(None in shape[1:] for shape in (*call.input_shapes, *call.output_shapes)):
        return None
    if is_graph(call.operation):
        return _count(call.operation, call.input_shapes)
    return keras_layers.flops(call.operation, call.input_shapes, call.output_shapes)
