"""The part of a model that inference needs, for models that are trained with several inputs and outputs."""

import keras


def inference_model(model):
    """Returns a model of the first output and of only as many inputs, from the first, as that output needs.

    Decoders, auxiliary classifiers and labels as inputs serve training only. A model with one input and one output is
    returned as it is.

    >>> from kzoo.models.registry import model
    >>> capsnet = model("capsnet")
    >>> inference = inference_model(capsnet)
    >>> len(capsnet.inputs), len(capsnet.outputs), len(inference.inputs), len(inference.outputs)
    (2, 2, 1, 1)
    """
    if len(model.inputs) == len(model.outputs) == 1:
        return model
    for count in range(1, len(model.inputs)):
        inputs = model.inputs[:count] if count > 1 else model.inputs[0]
        try:
            return keras.Model(inputs, model.outputs[0], name=model.name)
        except ValueError:  # raised if the output needs more inputs
            continue
    return keras.Model(model.inputs if len(model.inputs) > 1 else model.inputs[0], model.outputs[0], name=model.name)
