"""The base class of layers of routed capsules: the routing's arguments and the weights.

Source: as `kzoo.ops.route`.
"""

from typing import Any

import keras

from kzoo.checks import as_bool, is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.identifiers import set_identified
from kzoo.types import Initializer


class BaseCapsules(BaseLayer):
    """Capsules with dynamic routing. Subclasses call `build_weights` in `build`.

    Weights: kernel; then, with `use_bias`, a bias (capsules, dimension).
    """

    def __init__(
        self,
        capsules: int,
        dimension: int,
        iterations: int = 3,
        use_bias: bool = False,
        kernel_initializer: Initializer = None,
        bias_initializer: Initializer = "zeros",
        leaky: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        settings = {"capsules": capsules, "dimension": dimension, "iterations": iterations}
        for name, value in settings.items():
            require(is_integer(value, least=1), type(self).__name__, f"{name}, an integer above 0", **{name: value})
            setattr(self, name, int(value))
        self.use_bias = as_bool(type(self).__name__, use_bias=use_bias)
        self.leaky = as_bool(type(self).__name__, leaky=leaky)
        default = keras.initializers.TruncatedNormal(stddev=0.1)  # fans would count all pairs of capsules
        set_identified(
            self,
            kernel_initializer=default if kernel_initializer is None else kernel_initializer,
            bias_initializer=bias_initializer,
        )

    def build_weights(self, kernel_shape):
        """Creates the kernel, of this shape, and the bias."""
        self.kernel = self.add_weight(name="kernel", shape=kernel_shape, initializer=self.kernel_initializer)
        self.bias = None
        if self.use_bias:
            size = (self.capsules, self.dimension)
            self.bias = self.add_weight(name="bias", shape=size, initializer=self.bias_initializer)

    def get_config(self):
        names = ("capsules", "dimension", "iterations", "use_bias", "leaky")
        config = {name: getattr(self, name) for name in names}
        for part in ("kernel_initializer", "bias_initializer"):
            config[part] = keras.initializers.serialize(getattr(self, part))
        return {**super().get_config(), **config}
