"""The zoo as tables: which layers and models there are, and what a model can be told.

Source: none.
"""

import fnmatch
import inspect
import re
import sys

import keras
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kzoo.analysis.flop_count import flops
from kzoo.analysis.receptive_field import receptive_fields
from kzoo.checks import Refusal, nearest
from kzoo.models.registry import describe, list_models, model
from kzoo.terminal import percent, short_count


def models(pattern="*", family=None, figures=None):
    """What is known of the models that match a shell pattern and are of a family (a file of kzoo.models), a dict each.

    `figures`: {model: its configs, each {config, published, measured}}, as `kzoo.training.results` reads them.
    Errors: ValueError if there is none, with the nearest names.

    >>> [found["name"] for found in models("mnist1d*", family="mnist1d")][:2]
    ['mnist1d_cnn', 'mnist1d_fc']
    """
    families = {name: describe(name)["family"] for name in list_models()}
    if family is not None and family not in families.values():
        raise Refusal(f"no family {family!r}; {nearest(family, set(families.values()))}")
    names = [name for name in list_models(pattern) if family in (None, families[name])]
    if not names:
        among = [name for name in families if family in (None, families[name])]
        raise Refusal(f"no model matches {pattern!r}; {nearest(pattern, among)}")
    told = track(names, "counting", console=Console(stderr=True), transient=True)
    return [_known(name, (figures or {}).get(name, [])) for name in told]


def models_table(found):
    """A table of what `models` found.

    >>> models_table(models("mnist1d*")).row_count
    5
    """
    columns = ("name", "input", "parameters", "operations", "published", "measured", "config", "source")
    table = _table(f"{len(found)} model{'s' * (len(found) > 1)}", *columns)
    for one in found:
        size = " x ".join(str(n or "any") for n in one["input"])
        count = "-" if one["operations"] is None else short_count(one["operations"])
        cells = [[percent(run[key]) for run in one["configs"]] for key in ("published", "measured")]
        cells += [[run["config"] for run in one["configs"]]]
        lines = ("\n".join(values) or "-" for values in cells)
        table.add_row(one["name"], size, f"{one['parameters']:,}", count, *lines, _authors(one["source"]))
    return table


def _known(name, configs):
    net, known = sketch(name), describe(name)
    return {
        "name": name,
        "family": known["family"],
        "what": known["doc"].splitlines()[0],
        "source": " ".join(known["source"].split()),
        "input": net.inputs[0].shape[1:],
        "parameters": net.count_params(),
        "operations": flops(net),
        "weights": known["weights"],
        "configs": configs,
    }


def sketch(name, **overrides):
    """A model of the zoo, as `model` builds it, whose weights have shapes but no values: quick and small, for counting.

    Clears Keras's session, which would else give the weights their values at the next occasion.

    >>> sketch("vgg16").count_params()
    138357544
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            return model(name, **overrides)
    finally:
        keras.backend.clear_session(free_memory=False)


def layers_table(pattern="*"):
    """A table of layers, one row for all dimensions of a layer; `pattern` is part of a name, or a shell pattern.

    Errors: ValueError if no name matches, with the nearest ones.

    >>> layers_table("unpool").row_count
    1
    """
    known = families()
    wanted = (pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*").lower()
    found = {
        name: classes
        for name, classes in known.items()
        if any(fnmatch.fnmatchcase(label.lower(), wanted) for label in (name, *(cls.__name__ for cls in classes)))
    }
    if not found:
        raise Refusal(f"no layer matches {pattern!r}; {nearest(pattern, known)}")
    title = f"{len(found)} layer{'s' * (len(found) > 1)} in kzoo.layers"
    table = _table(title, "name", "dimensions", "what", "source")
    for name, classes in found.items():
        dimensions = " ".join(cls.__name__[-2:] for cls in classes if cls.__name__ != name) or "any"
        told = next((cls for cls in classes if cls.__name__.endswith("2D")), classes[0])
        what = inspect.getdoc(told).splitlines()[0]
        table.add_row(name, dimensions, what, _authors(source(told.__module__)))
    return table


def _authors(source):
    """What a source begins with, up to its year."""
    year = re.match(r"(?!none).*?\d{4}", source)
    return year[0] if year else "-"


def families():
    """kzoo's layers in alphabetical order, each with its classes, one a dimension: those registered with Keras.

    >>> [cls.__name__ for cls in families()["FFTConv"]]
    ['FFTConv1D', 'FFTConv2D']
    """
    layers = (cls for cls in keras.saving.get_custom_objects().values() if cls.__module__.startswith("kzoo.layers."))
    found = {}
    for cls in sorted(layers, key=lambda cls: cls.__name__.lower()):
        found.setdefault(re.sub(r"\dD$", "", cls.__name__), []).append(cls)
    return found


def source(module):
    """What a layer's module names as its source, or the module that it refers to; "none" where it names none."""
    text = " ".join(inspect.getdoc(sys.modules[module]).split()).rpartition("Source: ")[2]
    other = re.match(r"as `(kzoo\.\w+\.\w+)`", text)
    return source(other[1]) if other else text


def stages_table(net):
    """A table of a model's stages: the maps' shapes, and how much of the input a cell of them sees.

    >>> stages_table(model("nielsen_3")).row_count
    2
    """
    table = _table("stages", "stage", "output", "stride", "receptive field", "begins before the input")
    if not 3 <= len(net.inputs[0].shape) <= 5:
        return table
    for name, fields in receptive_fields(net).items():
        if re.fullmatch(r"stage\d+", name) and None not in (field.size for field in fields):
            shape = " x ".join(str(n or "any") for n in net.get_layer(name).output.shape[1:])
            cells = zip(*((str(field.stride), str(field.size), str(field.padding)) for field in fields))
            table.add_row(name, shape, *(" x ".join(dict.fromkeys(values)) for values in cells))
    return table


def settings_table(known):
    """A table of a model's settings, from `describe`."""
    table = _table("settings", "setting", "value")
    for setting, value in known["settings"].items():
        table.add_row(setting, repr(value))
    return table


def _table(title, *columns):
    table = Table(title=title, title_justify="left")
    for column in columns:
        justify = "right" if column in ("parameters", "operations", "published", "measured") else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in ("name", "dimensions", "config"))
    return table
