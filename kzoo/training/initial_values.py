"""Sets initial values of weights that a config's initializers draw."""

from collections.abc import Mapping
from typing import Any

import keras

from kzoo.checks import Refusal, one_line
from kzoo.training.keras_objects import build_object
from kzoo.training.weight_paths import match_weights


def set_initial_values(model: keras.Model, initializers: Mapping[str, Any]) -> keras.Model:
    """Draws new values for the trainable weights whose paths match shell patterns; returns the model.

    Arguments: initializers, {pattern: {class_name, config}}; the last pattern that matches a weight counts. Each weight
    has an initializer of its own, whose seed follows `keras.utils.set_random_seed` unless its config has one.
    Raises Refusal for a pattern that matches no weight, and for an initializer that refuses a weight's shape.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="fc")])
    >>> _ = set_initial_values(model, {"*": "ones", "*/bias": {"class_name": "Constant", "config": {"value": 0.25}}})
    >>> [weight.numpy().ravel().tolist() for weight in model.weights]
    [[1.0, 1.0], [0.25]]
    """
    for path, weight, patterns in match_weights(model, "training.initializers", initializers):
        if not patterns:
            continue
        where = f"training.initializers.{patterns[-1]}"
        initializer = build_object("initializer", initializers[patterns[-1]], where)
        try:
            weight.assign(initializer(tuple(weight.shape), dtype=weight.dtype))
        except (ValueError, TypeError, LookupError) as error:  # raised by initializers for shapes that they cannot fill
            name = type(initializer).__name__
            raise Refusal(
                f"{where}: {name} refuses {path} of shape {tuple(weight.shape)}: {one_line(error)}"
            ) from error
    return model
