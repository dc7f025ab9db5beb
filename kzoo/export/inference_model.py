"""The part of a model that inference needs, for models that are trained with several inputs and outputs."""

import keras


def inference_model(model, outputs=None):
    """Returns a model of the first output and of only as many inputs, from the first, as that output needs.

    Decoders, auxiliary classifiers and labels as inputs serve training only. A model with one input and one output is
    returned as it is. outputs: names of the outputs to keep instead, in the model's order, where each has its own task.

    >>> from kzoo.models.registry import model
    >>> capsnet = model("capsnet")
    >>> inference = inference_model(capsnet)
    >>> len(capsnet.inputs), len(capsnet.outputs), len(inference.inputs), len(inference.outputs)
    (2, 2, 1, 1)
    """
    if len(model.inputs) == len(model.outputs) == 1:
        return model
    kept = [y for y, name in zip(model.outputs, model.output_names) if name in (outputs or model.output_names[:1])]
    kept = kept if len(kept) > 1 else kept[0]
    for count in range(1, len(model.inputs)):
        inputs = model.inputs[:count] if count > 1 else model.inputs[0]
        try:
            return keras.Model(inputs, kept, name=model.name)
        except ValueError:  # raised if the output needs more inputs
            continue
    return keras.Model(model.inputs if len(model.inputs) > 1 else model.inputs[0], kept, name=model.name)
