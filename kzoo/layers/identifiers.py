"""Interprets the identifiers by which a layer's constructor names Keras's activations, initializers and others."""

from typing import Any

import keras

from kzoo.checks import Refusal, shown

KINDS = {  # {the last word of an argument: Keras's module}
    "activation": keras.activations,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}


def set_identified(layer: keras.layers.Layer, **identifiers: Any) -> None:
    """Sets attributes of a layer to the objects that these arguments of its constructor identify, as Keras's layers do.

    Raises Refusal for what Keras does not know; the last word of an argument's name says the kind.

    >>> layer = keras.layers.Layer()
    >>> set_identified(layer, kernel_regularizer="l2", activation=None)
    >>> layer.kernel_regularizer.l2, layer.activation.__name__
    (0.01, 'linear')
    """
    for argument, identifier in identifiers.items():
        kind = argument.rpartition("_")[2]
        try:
            identified = KINDS[kind].get(identifier)
        except Exception as error:  # Keras raises different ones
            who, article = type(layer).__name__, "an" if kind[0] in "aeiou" else "a"
            raise Refusal(f"{who} expects {argument}, {article} {kind}; received {shown(identifier)}.") from error
        setattr(layer, argument, identified)
