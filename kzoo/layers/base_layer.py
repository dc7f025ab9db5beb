"""The base class of the layers: dtypes of inputs and outputs, arguments of other libraries, weights that cannot fit."""

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


# Dtypes of inputs that layers take: those that compute only floats; integers too where values are compared and
# selected, and any where they are moved. Integers and others are returned as they are.
FLOATING, ORDERED, ANY = ("float",), ("float", "int"), ("float", "int", "bool", "complex")
EXPECTED: dict[tuple[str, ...], str] = {
    FLOATING: "floating inputs (keras.layers.Rescaling(1 / 255) converts pixels)",
    ORDERED: "floating or integer inputs",
    ANY: "inputs of numbers",
}


class BaseLayer(keras.layers.Layer):
    """A layer of one or several inputs. Subclasses define `compute_output_shape`, and `takes` if not only floats.

    Inputs of other dtypes are refused before anything is built or computed. Floating-point inputs are cast to the
    layer's compute dtype, as Keras does.
    """

    takes: tuple[str, ...] = FLOATING

    def __init__(self, **kwargs: Any):
        who = type(self).__name__
        for name in kwargs:
            if name in EQUIVALENTS:
                raise Refusal(f"{who} has no argument {name!r}; the equivalent is {EQUIVALENTS[name]}.")
        super().__init__(**kwargs)

    def __call__(self, inputs, *args, **kwargs):
        self.check_dtypes(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def check_dtypes(self, inputs):
        """Raises Refusal for an input of a dtype that the layer does not take. Numbers without a dtype are skipped."""
        for part in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
            dtype = keras.backend.standardize_dtype(getattr(part, "dtype", "float32"))
            taken = any(kind in dtype for kind in self.takes)  # also bfloat16 and uint8
            require(taken, type(self).__name__, EXPECTED[self.takes], dtype=dtype)

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
        if isinstance(inputs, (list, tuple)):
            return keras.KerasTensor(self.compute_output_shape([part.shape for part in inputs]), self.compute_dtype)
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.value_dtype(inputs))

    def value_dtype(self, inputs):
        """Returns the dtype of outputs that are computed or selected from these inputs: integers stay as they are."""
        return self.compute_dtype if "float" in str(inputs.dtype) else inputs.dtype


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
