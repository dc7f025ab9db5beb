"""Checks that a model ends in the activation that its loss expects: probabilities, or logits for from_logits: true."""

from collections.abc import Sequence
from typing import Any

import keras

from kzoo.checks import Refusal
from kzoo.models.graph import calls

PROBABILITIES = (keras.activations.softmax, keras.activations.sigmoid)
WITH_ACTIVATION = (  # layers whose output is that of their activation
    *(keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Activation),
    *(keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
)


def check_activations(model: keras.Model, losses: Sequence[Any]) -> None:
    """Raises Refusal if an output is no probability though its loss takes it for one, or the other way round.

    Nothing is said of losses without from_logits, and of last layers whose activation is not known.
    """
    last: dict[int, Any] = {id(tensor): call.operation for call in calls(model) for tensor in call.outputs}
    for tensor, loss in zip(model.outputs, losses):
        layer: Any = last.get(id(tensor))
        from_logits = getattr(loss, "from_logits", None)
        is_probability = isinstance(layer, keras.layers.Softmax)
        activation = getattr(layer, "activation", None) if isinstance(layer, WITH_ACTIVATION) else None
        is_probability |= activation in PROBABILITIES
        who = f"training.loss: {type(loss).__name__}"
        if from_logits is True and is_probability:
            raise Refusal(f"{who} with from_logits: true expects logits, but {layer.name} returns probabilities.")
        if from_logits is False and activation is keras.activations.linear:
            raise Refusal(
                f"{who} expects probabilities, but {layer.name} has no activation: set from_logits: true in its config."
            )
