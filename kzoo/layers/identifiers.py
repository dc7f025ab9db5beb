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
        setattr(layer, argument, _identified(type(layer).__name__, argument, identifier))


def check_identifiers(who: str, **arguments: Any) -> None:
    """Raises Refusal if Keras does not know what an argument identifies; arguments of other kinds are skipped.

    >>> check_identifiers("Layer", kernel_regularizer="l2", name="first")
    """
    for argument, identifier in arguments.items():
        if argument.rpartition("_")[2] in KINDS:
            _identified(who, argument, identifier)


def _identified(who, argument, identifier):
    kind = argument.rpartition("_")[2]
    try:
        return KINDS[kind].get(identifier)
    except Exception as error:  # Keras raises different ones
        article = "an" if kind[0] in "aeiou" else "a"
        raise Refusal(f"{who} expects {argument}, {article} {kind}; received {shown(identifier)}.") from error
