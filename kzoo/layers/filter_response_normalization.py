"""Filter response normalization, which needs no batch, with the thresholded linear unit that belongs to it.

Source: as `kzoo.ops.filter_response_norm`.
"""

from typing import Any

import keras

from kzoo.checks import as_bool, require
from kzoo.layers.base_conv import weight_config
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, from_channels_last, known_channels, to_channels_last
from kzoo.layers.field import Fields, whole
from kzoo.layers.identifiers import set_identified
from kzoo.ops.filter_response_norm import filter_response_norm
from kzoo.ops.norm_arguments import check_epsilon
from kzoo.types import Constraint, DataFormat, Initializer, KnownShape, Regularizer, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class FilterResponseNormalization(BaseLayer):
    """Divides each channel of a sample by its root mean square over the positions, then scales, shifts and thresholds.

    Shapes: (B, *spatial, C) -> the same, or channels first, in 1 to 3 spatial axes. Weights: gamma, beta, and tau of
    the threshold max(y, tau), each (C,); with learned_epsilon one more number.
    Arguments: epsilon; learned_epsilon, which the paper advises for maps of one position; use_threshold, whether the
    paper's thresholded linear unit follows, which takes the place of a ReLU; data_format; initializers, regularizers
    and constraints of the three weights.

    >>> layer = FilterResponseNormalization()
    >>> tuple(layer(keras.ops.ones((1, 9, 8, 6))).shape), layer.count_params()
    ((1, 9, 8, 6), 18)
    """

    def __init__(
        self,
        epsilon: float = 1e-6,
        learned_epsilon: bool = False,
        use_threshold: bool = True,
        data_format: DataFormat = None,
        gamma_initializer: Initializer = "ones",
        beta_initializer: Initializer = "zeros",
        tau_initializer: Initializer = "zeros",
        gamma_regularizer: Regularizer = None,
        beta_regularizer: Regularizer = None,
        tau_regularizer: Regularizer = None,
        gamma_constraint: Constraint = None,
        beta_constraint: Constraint = None,
        tau_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        check_epsilon(who, epsilon)
        self.epsilon, self.learned_epsilon = float(epsilon), as_bool(who, learned_epsilon=learned_epsilon)
        self.use_threshold = as_bool(who, use_threshold=use_threshold)
        self.data_format = as_data_format(who, data_format)
        set_identified(
            self,
            gamma_initializer=gamma_initializer,
            beta_initializer=beta_initializer,
            tau_initializer=tau_initializer,
            gamma_regularizer=gamma_regularizer,
            beta_regularizer=beta_regularizer,
            tau_regularizer=tau_regularizer,
            gamma_constraint=gamma_constraint,
            beta_constraint=beta_constraint,
            tau_constraint=tau_constraint,
        )

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = known_channels(type(self).__name__, input_shape, self.data_format)
        for name in ("gamma", "beta", *(["tau"] if self.use_threshold else [])):
            weight = self.add_weight(
                name=name,
                shape=(channels,),
                initializer=getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"),
                constraint=getattr(self, f"{name}_constraint"),
            )
            setattr(self, name, weight)
        if self.learned_epsilon:
            self.extra_epsilon = self.add_weight(name="extra_epsilon", shape=(), initializer=_initial_epsilon)

    def call(self, inputs: Tensor) -> Tensor:
        tau = self.tau if self.use_threshold else None
        extra = self.extra_epsilon if self.learned_epsilon else None
        x = to_channels_last(inputs, self.data_format)
        y = filter_response_norm(x, self.gamma, self.beta, tau, self.epsilon, extra)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who, spatial = type(self).__name__, len(input_shape) - 2
        require(1 <= spatial <= 3, who, "an input of 1 to 3 spatial axes", shape=tuple(input_shape))
        require(0 not in input_shape[1:], who, "an input of at least 1 pixel and channel", shape=tuple(input_shape))
        return tuple(input_shape)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0  # as of other normalizations

    def get_config(self):
        names = ("epsilon", "learned_epsilon", "use_threshold", "data_format")
        weights = weight_config(self, "gamma") | weight_config(self, "beta") | weight_config(self, "tau")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, **weights}


def _initial_epsilon(shape, dtype=None):
    """Returns the paper's initial value of the learned epsilon."""
    return keras.ops.full(shape, 1e-4, dtype)
