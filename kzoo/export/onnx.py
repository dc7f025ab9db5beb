"""ONNX files, by Keras and tf2onnx.

Source: none; the format is that of onnx.ai.
"""

import contextlib

import keras
import numpy as np

from kzoo.checks import Refusal
from kzoo.export.saved_model import spec_of
from kzoo.ops.xla import no_islands
from kzoo.terminal import quiet


def write_onnx(net, path):
    """Write a float32 net to the file `path`.

    Errors: Refusal if the net has operations that ONNX has not.
    """
    with no_islands(), quiet(), constant_statistics(net):
        specs = keras.tree.map_structure(spec_of, net.input)
        net.export(str(path), format="onnx", input_signature=[specs], verbose=False)
    import onnx

    from kzoo.export.onnx_repairs import repair

    written = onnx.load(str(path))
    left = unknown(written.graph)
    if left:
        raise Refusal(f"export of {net.name}: ONNX has no operation for TensorFlow's {', '.join(left)}.")
    repair(written.graph)
    onnx.save(written, str(path))


@contextlib.contextmanager
def constant_statistics(net):
    """Within this, Keras's `Normalization` layers hold arrays: their tensors would become inputs of the ONNX graph."""
    found = (layer for layer in net.layers if isinstance(layer, keras.layers.Normalization))
    kept = [(layer, layer.mean, layer.variance) for layer in found if layer.mean is not None]
    for layer, mean, variance in kept:
        layer.mean, layer.variance = map(np.asarray, (mean, variance))
    try:
        yield
    finally:
        for layer, mean, variance in kept:
            layer.mean, layer.variance = mean, variance


def unknown(graph):
    """The operations of an ONNX graph that are not ONNX's, sorted: the converter leaves in what it does not know."""
    import onnx

    return sorted({node.op_type for node in graph.node if not onnx.defs.has(node.op_type, node.domain)})
