"""Several outputs for a model of the zoo: its last dense layer is replaced by one layer for each."""

from collections.abc import Mapping

import keras

from kzoo.checks import require


def add_heads(model: keras.Model, heads: Mapping[str, tuple[int, str]]) -> keras.Model:
    """Returns a model with a dense output for each of `heads`, {name: (units, activation)}, in place of its last layer.

    It shares all other layers. The new layers compute in float32 and start like the last one, with its initializers.
    Raises Refusal unless the model has one output, that of a dense layer, and no layer of such a name.

    >>> from kzoo.models.registry import model
    >>> two = add_heads(model("mnist1d_cnn"), {"digit": (10, "softmax"), "shift": (1, "linear")})
    >>> two.output_names, two.output_shape
    (['digit', 'shift'], [(None, 10), (None, 1)])
    """
    last = model.outputs[0]._keras_history.operation
    dense = len(model.outputs) == 1 and isinstance(last, keras.layers.Dense)
    require(dense, f"several outputs of {model.name}", "a model whose last layer is dense", last=type(last).__name__)
    names = [layer.name for layer in model.layers if layer is not last]
    taken = [name for name in heads if name in names]
    require(not taken, f"several outputs of {model.name}", "names that its layers do not have", names=taken)
    config = {key: last.get_config()[key] for key in ("kernel_initializer", "bias_initializer", "use_bias", "dtype")}
    outputs = [
        keras.layers.Dense(units, activation, name=name, **config)(last.input)
        for name, (units, activation) in heads.items()
    ]
    return keras.Model(model.inputs if len(model.inputs) > 1 else model.inputs[0], outputs, name=model.name)
