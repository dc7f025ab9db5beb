"""Tables of the models and layers for the terminal, from the facts of `kzoo.index`."""

import re
from typing import Any

from rich.table import Table

from kzoo.terminal import percent, short_count


def models_table(models: list[dict[str, Any]]) -> Table:
    """Returns a table of models, from `find_models`, each with its list `configs` of {config, published, measured}."""
    columns = ("name", "input", "parameters", "operations", "published", "measured", "config", "source")
    table = new_table(f"{len(models)} model{'s' * (len(models) > 1)}", *columns)
    for model in models:
        size = " x ".join(str(n or "any") for n in model["input"]) or "-"
        parameters = "-" if model["parameters"] is None else f"{model['parameters']:,}"
        count = "-" if model["operations"] is None else short_count(model["operations"])
        cells = [[percent(run[key]) for run in model["configs"]] for key in ("published", "measured")]
        cells += [[run["config"] for run in model["configs"]]]
        lines = ("\n".join(values) or "-" for values in cells)
        table.add_row(model["name"], size, parameters, count, *lines, authors(model["source"]))
    return table


def layers_table(layers: list[dict[str, Any]]) -> Table:
    """Returns a table of layers, from `find_layers`, with one row for all dimensions of a layer."""
    table = new_table(
        f"{len(layers)} layer{'s' * (len(layers) > 1)} in kzoo.layers", "name", "dimensions", "what", "source"
    )
    for layer in layers:
        dimensions = " ".join(name[-2:] for name in layer["classes"] if name != layer["name"]) or "any"
        table.add_row(layer["name"], dimensions, layer["what"], authors(layer["source"]))
    return table


def authors(source: str) -> str:
    """Returns the beginning of a source, up to its year.

    >>> authors("LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning"), authors("none")
    ('LeCun, Bottou, Bengio & Haffner 1998', '-')
    """
    year = re.match(r"(?!none).*?\d{4}", source)
    return year[0] if year else "-"


def new_table(title: str, *columns: str) -> Table:
    """Returns an empty table whose numbers are aligned to the right and whose names are not broken."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in ("parameters", "operations", "published", "measured") else "left",
            overflow="fold",
            no_wrap=column in ("name", "dimensions", "config"),
        )
    return table
