"""LiteRT files with 8-bit weights and maps, whose ranges come from examples.

Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference"
"""

import numpy as np
import tensorflow as tf

from kzoo.checks import require
from kzoo.export.litert import write_litert

REPRESENTATIVE = 200  # examples that the ranges are taken from


def write_int8(net, path, representative):
    """Write a float32 net to the file `path`: integers within, float32 in and out.

    Operations that have no 8-bit form stay in float32.
    Shapes: representative, an array (N, *input_shape) of examples, of which 200 are run.
    Errors: ValueError without examples, or for a net of several inputs; Refusal as `write_litert`.
    """
    check_representative(net, representative)
    chosen = np.linspace(0, len(representative) - 1, min(REPRESENTATIVE, len(representative))).astype(int)
    x = np.asarray(representative[chosen], net.inputs[0].dtype)
    write_litert(
        net,
        path,
        [tf.lite.OpsSet.TFLITE_BUILTINS_INT8],
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([x[i : i + 1]] for i in range(len(x))),
    )


def check_representative(net, representative):
    """Refuse a net of several inputs, and no examples."""
    who, single = "export to litert_int8", len(net.inputs) == 1
    require(single, who, "a net of one input", inputs=len(net.inputs))
    given = representative is not None and len(representative) > 0
    require(given, who, "representative examples", examples=representative)


def accuracy(answers, targets):
    """The fraction of examples whose largest output is their class.

    >>> accuracy(np.eye(3), np.array([0, 1, 1])) == 2 / 3
    True
    """
    return float(np.mean(np.argmax(answers, -1) == np.asarray(targets)))
