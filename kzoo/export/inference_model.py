"""What is exported of a net that was trained with several inputs and outputs: the way to its answer.

Source: none.
"""

import keras


def inference_model(net):
    """The model from as many of a net's first inputs as its first output needs, to that output.

    Decoders, auxiliary classifiers and labels are for training. The net itself if it has one input and one output.

    >>> from kzoo.models.registry import model
    >>> net = model("capsnet")
    >>> len(net.inputs), len(net.outputs), len(inference_model(net).inputs), len(inference_model(net).outputs)
    (2, 2, 1, 1)
    """
    if len(net.inputs) == len(net.outputs) == 1:
        return net
    for count in range(1, len(net.inputs)):
        try:
            return keras.Model(net.inputs[:count] if count > 1 else net.inputs[0], net.outputs[0], name=net.name)
        except ValueError:  # Keras's word for an output that needs more
            continue
    return keras.Model(net.inputs if len(net.inputs) > 1 else net.inputs[0], net.outputs[0], name=net.name)
