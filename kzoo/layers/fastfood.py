"""Fastfood: what a large dense layer does, with three numbers an output instead of one for each input and output.

Source: as `kzoo.ops.fastfood`.
"""

import math

import keras
import numpy as np

from kzoo.checks import is_integer, is_number, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.ops.fastfood import fastfood


@keras.saving.register_keras_serializable("kzoo")
class Fastfood(BaseLayer):
    """A dense layer whose matrix is made of trained diagonals, a fixed permutation and Hadamard transforms.

    Shapes: (B, ..., n) -> (B, ..., units); with d the next power of two from n on, ceil(units / d) blocks side by side.
    Weights: scale, gaussian and signs, each (blocks, d), then with `use_bias` a bias (units,). At the start the matrix
    is nearly a Gaussian one of deviation 1 / sigma: the features of a kernel's random expansion. The permutation
    follows from the seed, which the config keeps.
    Arguments: units; sigma; activation; use_bias; seed, None to draw one; trainable=False is the fixed form.
    When to use it, measured on 2 CPU cores (`python -m benchmarks layers --only fastfood`): from 1024 units on, where
    it is 1.3 to 2 times as fast as `Dense`; at 4096 it is 6 to 18 times as fast, with 49 kB of weights for 67 MB.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.fastfood`.

    >>> layer = Fastfood(1024)  # in the place of a dense layer of 819,200 weights
    >>> tuple(layer(keras.ops.ones((1, 800))).shape), layer.count_params()
    ((1, 1024), 3072)
    """

    def __init__(self, units, sigma=1.0, activation=None, use_bias=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        require(is_integer(units, least=1), who, "units, an integer above 0", units=units)
        require(is_number(sigma) and 0 < sigma < math.inf, who, "sigma, a number above 0", sigma=sigma)
        require(seed is None or is_integer(seed, 0), who, "seed, an integer of at least 0 or None", seed=seed)
        self.units, self.sigma, self.use_bias = int(units), float(sigma), bool(use_bias)
        self.activation = keras.activations.get(activation)
        # where none is given an initializer draws one, so that keras.utils.set_random_seed decides
        self.seed = int(seed if seed is not None else keras.initializers.RandomNormal().seed)

    def build(self, input_shape):
        who, n = type(self).__name__, input_shape[-1]
        require(len(input_shape) >= 2 and n, who, "an input (batch, ..., features)", input_shape=tuple(input_shape))
        d = 1 << (n - 1).bit_length()
        shape = (-(-self.units // d), d)
        rng = np.random.default_rng(self.seed)
        self.permutation = np.stack([rng.permutation(d) for _ in range(shape[0])]).astype("int32")
        gaussian = rng.normal(size=shape)
        lengths = np.sqrt(rng.chisquare(d, shape))  # those of a Gaussian matrix's rows
        starts = {
            "scale": lengths / np.linalg.norm(gaussian, axis=1, keepdims=True) / self.sigma,
            "gaussian": gaussian,
            "signs": rng.choice([-1.0, 1.0], shape),
        }
        for name, start in starts.items():

            def given(shape, dtype=None, start=start):
                return keras.ops.convert_to_tensor(start, dtype)

            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=given))
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros") if self.use_bias else None

    def call(self, inputs):
        y = fastfood(inputs, self.scale, self.gaussian, self.permutation, self.signs)[..., : self.units]
        return self.activation(y if self.bias is None else y + self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        config = {name: getattr(self, name) for name in ("units", "sigma", "use_bias", "seed")}
        return {**super().get_config(), **config, "activation": keras.activations.serialize(self.activation)}
