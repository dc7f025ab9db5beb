"""Learning rates of single weights: factors by patterns of the weights' paths.

Source: Caffe's lr_mult (src/caffe/proto/caffe.proto, ParamSpec), whose factors also apply to the weight decay.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kzoo.training.weight_paths import match_weights

DECAYS = ("weight_decay", "adam_weight_decay")  # attributes of Keras's optimizers; Muon has both


def scale_rates(optimizer: Any, model: keras.Model, rates: Mapping[str, float]) -> Any:
    """Returns the optimizer, which now multiplies its learning rate by a factor for each weight of the model.

    Arguments: rates, {pattern: factor}; the factors of all shell patterns that match a weight's path are multiplied.
    Weights of factor 0 stay as they are. The weight decay of an optimizer, as `AdamW` has it, is multiplied too.
    Raises Refusal for a pattern that matches no trainable weight, with the nearest paths.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="fc", kernel_initializer="ones")])
    >>> model.compile(scale_rates(keras.optimizers.SGD(0.125), model, {"*/bias": 2, "fc/*": 0.5}), "mse")
    >>> _ = model.fit(keras.ops.ones((1, 1)), keras.ops.zeros((1, 1)), verbose=0)  # both gradients are 2
    >>> [weight.numpy().item() for weight in model.layers[0].weights]
    [0.875, -0.25]
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # that of a LossScaleOptimizer
    factors = {inner._var_key(weight): factor for weight, factor in weight_factors(model, rates)}
    update_step, apply_weight_decay = inner.update_step, inner._apply_weight_decay

    def scaled_update_step(gradient, variable, learning_rate):
        factor = factors[inner._var_key(variable)]
        if factor:
            update_step(gradient, variable, learning_rate if factor == 1 else learning_rate * factor)

    def scaled_weight_decay(variables):
        decays = {name: getattr(inner, name) for name in DECAYS if getattr(inner, name, None) is not None}
        for variable in variables if decays else ():
            factor = factors[inner._var_key(variable)]
            vars(inner).update({name: decay * factor for name, decay in decays.items()})
            apply_weight_decay([variable])
        vars(inner).update(decays)

    inner.update_step, inner._apply_weight_decay = scaled_update_step, scaled_weight_decay
    return optimizer


def weight_factors(model: keras.Model, rates: Mapping[str, float]) -> Sequence[tuple[Any, float]]:
    """Returns pairs (trainable weight, factor) of a model; weights that no pattern matches have factor 1."""
    matched = match_weights(model, "training.rates", rates)
    return [(weight, math.prod(rates[pattern] for pattern in patterns)) for _, weight, patterns in matched]
