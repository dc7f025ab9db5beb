"""ONNX files (onnx.ai), written by Keras and tf2onnx and run by ONNX Runtime on the CPU."""

import contextlib

from kzoo.checks import Refusal
from kzoo.export.export_format import ExportFormat, match_inputs


class Onnx(ExportFormat):
    """One file of ONNX's own operations."""

    name, label, order, file = "onnx", "ONNX", 1, "model.onnx"
    runtime, packages, memory = "onnxruntime", ("tf2onnx", "onnx", "onnxruntime"), (6e8, 280)
    oldest_keras = "3.8"
    code = """import numpy as np
import onnxruntime

model = onnxruntime.InferenceSession("{file}")
x = {x}
(outputs,) = model.run(None, {{model.get_inputs()[0].name: x}})"""

    def write(self, model, path, **_):
        from kzoo.export.keras_export import keras_export, output_names

        with constant_statistics(model):
            keras_export(model, path, "onnx")
        import onnx

        from kzoo.export.onnx_repairs import repair

        written = onnx.load(str(path))
        missing = unknown_operations(written.graph)
        if missing:
            raise Refusal(f"export of {model.name}: ONNX has no operation for TensorFlow's {', '.join(missing)}.")
        repair(written.graph)
        name_outputs(written.graph, output_names(model))
        onnx.save(written, str(path))

    def open(self, path):
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        shapes = {one.name: tuple(n if isinstance(n, int) else None for n in one.shape) for one in session.get_inputs()}
        return shapes, lambda inputs, signature=None: session.run(None, match_inputs(shapes, inputs))


@contextlib.contextmanager
def constant_statistics(model):
    """Context manager: replaces the tensors of `keras.layers.Normalization` by arrays.

    The converter would turn the tensors into inputs of the ONNX graph.
    """
    import keras
    import numpy as np

    layers = (layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    kept = [(layer, layer.mean, layer.variance) for layer in layers if layer.mean is not None]
    for layer, mean, variance in kept:
        layer.mean, layer.variance = map(np.asarray, (mean, variance))
    try:
        yield
    finally:
        for layer, mean, variance in kept:
            layer.mean, layer.variance = mean, variance


def name_outputs(graph, names):
    """Gives the outputs of an ONNX graph these names, in place; the converter calls them "Identity:0"."""
    new = {output.name: name for output, name in zip(graph.output, names, strict=True)}
    taken = {name for node in graph.node for name in (*node.input, *node.output)} | {one.name for one in graph.input}
    if taken.isdisjoint(new.values()):
        _rename(graph, new)


def _rename(graph, new):
    for value in graph.output:
        value.name = new.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):  # the body of a loop or condition
                _rename(attribute.g, new)


def unknown_operations(graph):
    """Returns the sorted operations of an ONNX graph that ONNX lacks; the converter leaves them as they are."""
    import onnx

    return sorted({node.op_type for node in graph.node if not onnx.defs.has(node.op_type, node.domain)})


FORMAT = Onnx()
