"""The base class of layers that compute with floating-point inputs only."""

import math
from typing import Any

import keras

from kzoo.checks import Refusal, is_integer, require
from kzoo.layers.field import Fields, pointwise
from kzoo.memory import check_memory
from kzoo.types import KnownShape, Shape

EQUIVALENTS = {  # arguments of other libraries
    "batch_input_shape": "keras.Input(batch_shape=...) before the layer",
    "weights": "set_weights(...) after the layer is built",
    "ceil_mode": "padding that completes the last window, such as ((0, 1), (0, 1))",
    "divisor_override": "divisor, of AveragePooling layers",
    "padding_mode": "padding=(mode, pixels), such as ('circular', 1)",
    "out_channels": "filters",
    "in_channels": "to leave it out: layers read it from their input",
    "stride": "strides",
    "dilation": "dilation_rate",
    "bias": "use_bias",
}


LARGE = 2**30  # bytes of a weight from which on the available memory is read, which takes some 0.1 ms


class BaseLayer(keras.layers.Layer):
    """A layer of one or several floating-point inputs. Subclasses define `compute_output_shape`.

    Integer inputs are refused when the layer is called on symbolic inputs, before anything is computed.
    """

    def __init__(self, **kwargs: Any):
        who = type(self).__name__
        for name in kwargs:
            if name in EQUIVALENTS:
                raise Refusal(f"{who} has no argument {name!r}; the equivalent is {EQUIVALENTS[name]}.")
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # so that errors name the layer, not the op

    def add_weight(self, shape=None, *args, **kwargs):
        self.check_fits(shape or ())
        return super().add_weight(shape, *args, **kwargs)

    def check_fits(self, shape: KnownShape, copies: int = 1) -> None:
        """Raises Refusal if a float32 array of this shape, so many times, cannot fit into memory."""
        needed = 4 * copies * math.prod(shape)
        if needed > LARGE:
            check_memory(needed, f"{type(self).__name__} with a weight of shape {tuple(shape)}")

    def compute_output_spec(self, inputs, training=False):
        several = isinstance(inputs, (list, tuple))
        for part in inputs if several else [inputs]:
            expected = "floating inputs (keras.layers.Rescaling(1 / 255) converts pixels)"
            require("float" in str(part.dtype), type(self).__name__, expected, dtype=str(part.dtype))
        shape = [part.shape for part in inputs] if several else inputs.shape
        return keras.KerasTensor(self.compute_output_shape(shape), self.compute_dtype)


class Pointwise:
    """Declares that an output position depends on the same input position only, and counts no operations."""

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return pointwise(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0


def set_seed(layer: keras.layers.Layer, seed: int | None) -> None:
    """Sets a layer's attributes `seed` and `seed_generator`; without a seed Keras draws one."""
    require(seed is None or is_integer(seed, 0), type(layer).__name__, "seed, an integer of at least 0", seed=seed)
    layer.seed = None if seed is None else int(seed)
    layer.seed_generator = keras.random.SeedGenerator(layer.seed)


def shape_list(input_shape):
    """Returns the shapes of a layer's one or several inputs as a list.

    >>> shape_list((None, 3)), shape_list([(None, 3), (None, 2)])
    ([(None, 3)], [(None, 3), (None, 2)])
    """
    single = all(n is None or isinstance(n, int) for n in input_shape)
    return [input_shape] if single else list(input_shape)
