"""OpenVINO's two files (docs.openvino.ai), model.xml and model.bin, in a folder."""

import sys
from pathlib import Path
from xml.etree import ElementTree

from kzoo.checks import Refusal
from kzoo.export.export_format import ExportFormat, match_inputs


class OpenVINO(ExportFormat):
    """A folder that OpenVINO runs on the CPU, in float32: its default may be bfloat16."""

    name, label, order, file = "openvino", "OpenVINO", 4, "openvino"
    runtime, packages = "openvino", ("openvino",)
    oldest_keras = "3.11"
    code = """import numpy as np
import openvino

precise = {{"INFERENCE_PRECISION_HINT": "f32"}}  # the default may be bfloat16
model = openvino.Core().compile_model("{file}/model.xml", "CPU", precise)
x = {x}
outputs = model(x)[0]"""

    def write(self, model, path, **_):
        """Writes the folder. Raises OSError if the disk is full."""
        from kzoo.export.keras_export import keras_export, output_names

        disable_telemetry()
        Path(path).mkdir()
        try:
            keras_export(model, Path(path, "model.xml"), "openvino")
            name_outputs(Path(path, "model.xml"), output_names(model))
        except OSError:
            raise
        except Exception as error:  # OpenVINO's own classes, and RuntimeError
            if "iostream" in str(error):  # its message when the disk is full
                raise OSError(None, "its files could not be written") from error
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            message = f"export of {model.name}: OpenVINO cannot represent it: {' '.join(lines)[:300]}"
            raise Refusal(message) from error

    def open(self, path):
        disable_telemetry()
        import openvino

        file = Path(path, "model.xml") if Path(path).is_dir() else Path(path)
        compiled = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        shapes = {
            port.get_any_name(): tuple(None if n.is_dynamic else n.get_length() for n in port.partial_shape)
            for port in compiled.inputs
        }

        def run(inputs, signature=None):
            outputs = compiled(match_inputs(shapes, inputs))
            return [outputs[port] for port in compiled.outputs]

        return shapes, run

    def recognizes(self, path):
        return path.suffix == ".xml" or (path / "model.xml").is_file()


def name_outputs(file, names):
    """Gives the outputs of a model's .xml file these names, in this order.

    The converter names them after TensorFlow's operations, and puts output 10 before output 2.
    """
    tree = ElementTree.parse(file)  # noqa: S314 (OpenVINO has just written it)
    layers = {layer.get("id"): layer for layer in tree.iterfind("layers/layer")}  # without the bodies of loops
    sources = {edge.get("to-layer"): edge for edge in tree.iterfind("edges/edge")}
    # the model's outputs are Identity:0, Identity_1:0 ...; the converter also leaves loose ends as results
    results = {layer.get("name"): layer for layer in layers.values() if layer.get("type") == "Result"}
    named: dict[int, list[str]] = {}
    ordered: list[ElementTree.Element] = []
    for index, name in enumerate(names):
        result = results.get(f"Identity_{index}:0" if index else "Identity:0")
        if result is None:
            return  # another converter's names; they stay
        ordered.append(result)
        edge = sources[result.get("id")]
        source = layers[edge.get("from-layer")]
        if source.get("type") != "Parameter":  # an input that is an output keeps the input's name
            port = next(p for p in source.iterfind("output/port") if p.get("id") == edge.get("from-port"))
            of_port = named.setdefault(id(port), [])
            of_port.append(name.replace(",", r"\,"))
            port.set("names", ",".join(of_port))
    parent = tree.getroot().find("layers")
    for result in (*ordered, *(one for one in results.values() if one not in ordered)):  # loose ends are the last
        parent.remove(result)
        parent.append(result)
    tree.write(file, encoding="utf-8", xml_declaration=True)


def disable_telemetry():
    """Prevents OpenVINO from sending usage data to its vendor."""
    sys.modules.setdefault("openvino_telemetry", None)


FORMAT = OpenVINO()
