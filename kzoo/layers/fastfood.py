"""Fastfood: approximates a large dense layer with three parameters per output.

Source: as `kzoo.ops.fastfood`.
"""

import math
from typing import Any

import keras
import numpy as np

from kzoo.checks import as_bool, is_integer, is_number, require
from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.layers.identifiers import set_identified
from kzoo.ops.bias_add import bias_add
from kzoo.ops.fastfood import fastfood
from kzoo.types import Activation, KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class Fastfood(Pointwise, BaseLayer):
    """A dense layer whose matrix is a product of trained diagonals, a fixed permutation and Hadamard transforms.

    Shapes: (B, ..., n) -> (B, ..., units). With d the smallest power of two that is at least n, ceil(units / d) blocks
    of d outputs are concatenated.
    Weights: scale, gaussian and signs, each (blocks, d), then with `use_bias` a bias (units,). The initial matrix is
    nearly Gaussian with a standard deviation of 1 / sigma: random features of a Gaussian kernel.
    Arguments: units; sigma; activation; use_bias; seed of the permutation and the initial values, drawn if None and
    kept in the config. With `trainable=False` the layer is the fixed form of the paper.
    When to use it, measured on 2 CPU cores (`python -m benchmarks layers --only fastfood`): from 1024 units on, where
    it is 1.3 to 2 times as fast as `Dense`; at 4096 units it is 6 to 18 times as fast, with 49 kB of weights instead of
    67 MB.

    >>> layer = Fastfood(1024)  # replaces a dense layer of 819,200 weights
    >>> tuple(layer(keras.ops.ones((1, 800))).shape), layer.count_params()
    ((1, 1024), 3072)
    """

    def __init__(
        self,
        units: int,
        sigma: float = 1.0,
        activation: Activation = None,
        use_bias: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        require(is_integer(units, least=1), who, "units, an integer above 0", units=units)
        require(is_number(sigma) and 0 < sigma < math.inf, who, "sigma, a number above 0", sigma=sigma)
        require(seed is None or is_integer(seed, 0), who, "seed, an integer of at least 0 or None", seed=seed)
        self.units, self.sigma, self.use_bias = int(units), float(sigma), as_bool(who, use_bias=use_bias)
        set_identified(self, activation=activation)
        # without a seed an initializer draws one, so that keras.utils.set_random_seed determines it
        self.seed = int(seed if seed is not None else keras.initializers.RandomNormal().seed)

    def build(self, input_shape):
        who, n = type(self).__name__, input_shape[-1]
        require(len(input_shape) >= 2 and n, who, "an input (batch, ..., features)", input_shape=tuple(input_shape))
        d = 1 << (n - 1).bit_length()
        shape = (-(-self.units // d), d)
        self.check_fits(shape, copies=8)  # four arrays of float64
        rng = np.random.default_rng(self.seed)
        self.permutation = np.stack([rng.permutation(d) for _ in range(shape[0])]).astype("int32")
        gaussian = rng.normal(size=shape)
        lengths = np.sqrt(rng.chisquare(d, shape))  # of the rows of a Gaussian matrix
        initial = {
            "scale": lengths / np.linalg.norm(gaussian, axis=1, keepdims=True) / self.sigma,
            "gaussian": gaussian,
            "signs": rng.choice([-1.0, 1.0], shape),
        }
        for name, values in initial.items():

            def initializer(shape, dtype=None, values=values):
                return keras.ops.convert_to_tensor(values, dtype)

            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=initializer))
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros") if self.use_bias else None

    def call(self, inputs: Tensor) -> Tensor:
        y = fastfood(inputs, self.scale, self.gaussian, self.permutation, self.signs)[..., : self.units]
        return self.activation(y if self.bias is None else bias_add(y, self.bias))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns those of two Hadamard transforms and three diagonals for each block."""
        blocks, d = self.scale.shape
        return math.prod(input_shapes[0][1:-1]) * blocks * (2 * d * (d.bit_length() - 1) + 3 * d)

    def get_config(self):
        config = {name: getattr(self, name) for name in ("units", "sigma", "use_bias", "seed")}
        return {**super().get_config(), **config, "activation": keras.activations.serialize(self.activation)}
