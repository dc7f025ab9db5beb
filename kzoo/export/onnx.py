"""ONNX files, by Keras and tf2onnx.

Source: none; the format is that of onnx.ai.
"""

import keras

from kzoo.checks import Refusal
from kzoo.export.quiet import quiet
from kzoo.export.saved_model import spec_of
from kzoo.ops.xla import no_islands


def write_onnx(net, path):
    """Write a float32 net to the file `path`.

    Errors: Refusal if the net has operations that ONNX has not.
    """
    with no_islands(), quiet():
        specs = keras.tree.map_structure(spec_of, net.input)
        net.export(str(path), format="onnx", input_signature=[specs], verbose=False)
    left = unknown(path)
    if left:
        raise Refusal(f"export of {net.name}: ONNX has no operation for TensorFlow's {', '.join(left)}.")


def unknown(path):
    """The operations of an ONNX file that are not ONNX's, sorted: the converter leaves in what it does not know."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    return sorted({node.op_type for node in graph.node if not onnx.defs.has(node.op_type, node.domain)})
