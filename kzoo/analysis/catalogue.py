"""The parts of the catalogue of models and layers that need Keras; `kzoo.index` has the facts that do not."""

import inspect
import re
import sys
from typing import Any

import keras
from rich.console import Console
from rich.table import Table

from kzoo.analysis.flop_count import flops
from kzoo.analysis.receptive_field import receptive_fields
from kzoo.analysis.unknown_layer import unknown_layers
from kzoo.checks import Refusal
from kzoo.index import is_keras_file
from kzoo.layers.field import EXACT, UNKNOWN, Field
from kzoo.listing import new_table
from kzoo.models.graph import calls
from kzoo.models.registry import describe, model


def sketch(name: str, **overrides: Any) -> keras.Model:
    """Returns a model of the zoo whose weights have shapes but no values, which is fast to build and needs no memory.

    Clears Keras's session, which would otherwise give the weights their values later.

    >>> sketch("vgg16").count_params()
    138357544
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            return model(name, **overrides)
    finally:
        keras.backend.clear_session(free_memory=False)


def sizes(name: str) -> dict[str, Any]:
    """Returns the input shape, parameters and operations of one example of a model with its default settings.

    >>> sizes("mnist1d_cnn")["parameters"]
    2050
    """
    built = sketch(name)
    counted = {"input": list(built.inputs[0].shape[1:]), "parameters": built.count_params()}
    return {**counted, "operations": flops(built)}


def add_sizes(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns entries of `kzoo.index.find_models` with sizes; None for a model that cannot be built as it is."""

    def complete(entry):
        try:
            return {**entry, **sizes(entry["name"])}
        except Refusal:
            return {**entry, "input": [], "parameters": None, "operations": None}

    return [entry if "parameters" in entry else complete(entry) for entry in models]


def families() -> dict[str, list[type]]:
    """Returns kzoo's layers in alphabetical order, each with its classes, one for each number of dimensions.

    >>> [cls.__name__ for cls in families()["FFTConv"]]
    ['FFTConv1D', 'FFTConv2D']
    """
    layers = (cls for cls in keras.saving.get_custom_objects().values() if cls.__module__.startswith("kzoo.layers."))
    found: dict[str, list[type]] = {}
    for cls in sorted(layers, key=lambda cls: cls.__name__.lower()):
        found.setdefault(re.sub(r"\dD$", "", cls.__name__), []).append(cls)
    return found


def source(module: str) -> str:
    """Returns the source that a layer's module names, itself or by reference to another module; "none" without one."""
    _, named, text = " ".join((inspect.getdoc(sys.modules[module]) or "").split()).rpartition("Source: ")
    other = re.match(r"as `(kzoo\.\w+\.\w+)`", text)
    return source(other[1]) if other else text if named else "none"


def model_text(name: str, console: Console) -> str:
    """Returns what `kzoo show` prints of a model, laid out for a rich console."""
    known = describe(name)
    built = model(name) if is_keras_file(name) else sketch(name)
    with console.capture() as captured:
        what = known["doc"].partition("\n")[0] or "a model without a docstring"
        what = "a model that Keras saved" if is_keras_file(name) else what
        console.out(f"{name}: {what}\n", highlight=False)
        built.summary(print_fn=lambda text, line_break=None: console.out(text, highlight=False))
        console.print(stages_table(built), settings_table(known))
        for layer in unknown_layers(built):
            console.out(f"Unknown: {', '.join(layer.missing)} of {layer.path} ({layer.type})", highlight=False)
        weights = "those of the file" if is_keras_file(name) else ", ".join(known["weights"]) or "none trained"
        console.out(f"Weights: {weights}", highlight=False)
        for source_model, tags in known["source_models"].items():
            of_tags = f" ({', '.join(tags)})" if tags else ""
            console.out(f"Can start from the weights of: {source_model}{of_tags}", highlight=False)
        console.out(f"Source: {known['source'] or 'not given'}", highlight=False)
    return captured.get()


def stages_table(model: keras.Model) -> Table:
    """Returns a table of a model's stages: the shape of each map and its receptive field in pixels of the input.

    >>> stages_table(model("nielsen_3")).row_count
    2
    """
    table = new_table("stages", "stage", "output", "stride", "receptive field", "begins before the input")
    if not 3 <= len(model.inputs[0].shape) <= 5:
        return table
    shapes = {call.operation.name: call.output_shapes[0][1:] for call in calls(model)}
    for name, fields in receptive_fields(model).items():
        if re.fullmatch(r"stage\d+", name):
            shape = " x ".join(str(n or "any") for n in shapes[name])
            stride, size, padding = (" x ".join(dict.fromkeys(each)) for each in zip(*map(_field_cells, fields)))
            status = [status for status in dict.fromkeys(field.status for field in fields) if status != EXACT]
            table.add_row(name, shape, stride, ", ".join([size, *status]), padding)
    return table


def _field_cells(field: Field) -> tuple[str, str, str]:
    if field.size is None:
        return "-", "-" if field.status == UNKNOWN else "all", "-"
    return str(field.stride), str(field.size), str(field.padding)


def settings_table(known: dict[str, Any]) -> Table:
    """Returns a table of a model's settings, from the result of `describe`."""
    table = new_table("settings", "setting", "value")
    for setting, value in known["settings"].items():
        table.add_row(setting, "required" if value is inspect.Parameter.empty else repr(value))
    return table
