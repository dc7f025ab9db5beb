"""Stochastic depth, which makes a residual network shorter in training than at inference.

Source: as `kzoo.ops.stochastic_depth`.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_layer import BaseLayer, set_seed, shape_list
from kzoo.layers.field import Fields, pointwise
from kzoo.ops.stochastic_depth import check_branches, check_probability, stochastic_depth
from kzoo.types import KnownShape, Shape, Tensor

MODES = ("batch", "sample")


@keras.saving.register_keras_serializable("kzoo")
class StochasticDepth(BaseLayer):
    """Adds a residual branch to its shortcut; in training it drops the branch at random.

    At inference the branch is multiplied by the probability that it survives.
    Shapes: [shortcut (B, ...), residual (B, ...)] -> (B, ...).
    Arguments: survival_probability, which in the paper falls linearly from 1 at the input to 0.5 at the last block;
    mode, whether the branch of the whole "batch" is dropped, as in the paper, or of each "sample" on its own; seed.

    >>> layer = StochasticDepth(0.75)
    >>> layer([keras.ops.ones((1, 2)), 4 * keras.ops.ones((1, 2))]).numpy()
    array([[4., 4.]], dtype=float32)
    """

    def __init__(self, survival_probability: float = 0.5, mode: str = "batch", seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        who = type(self).__name__
        check_probability(who, survival_probability)
        require(mode in MODES, who, f"mode, one of {MODES}", mode=mode)
        self.survival_probability, self.mode = float(survival_probability), mode
        set_seed(self, seed)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        shortcut, residual = inputs
        noise = None
        if training:
            shape = (ops.shape(shortcut)[0] if self.mode == "sample" else 1,)
            noise = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return stochastic_depth(shortcut, residual, self.survival_probability, noise)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        who, shapes = type(self).__name__, shape_list(input_shape)
        require(len(shapes) == 2, who, "[shortcut, residual]", inputs=len(shapes))
        check_branches(who, *shapes)
        return tuple(shapes[0])

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return pointwise(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0

    def get_config(self):
        names = ("survival_probability", "mode", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
