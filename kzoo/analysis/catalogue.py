"""The zoo as tables: which models there are, and what one of them can be told.

Source: none.
"""

from rich.table import Table

from kzoo.checks import Refusal, nearest
from kzoo.models.registry import describe, list_models, model


def models_table(pattern="*"):
    """A table of the models that match a shell pattern.

    Errors: ValueError if none does, with the nearest names.

    >>> models_table("mnist1d*").row_count
    5
    """
    names = list_models(pattern)
    if not names:
        raise Refusal(f"no model matches {pattern!r}; {nearest(pattern, list_models())}")
    table = Table(title=f"{len(names)} models", title_justify="left")
    for column, justify in (
        ("name", "left"),
        ("input", "left"),
        ("parameters", "right"),
        ("what", "left"),
        ("source", "left"),
    ):
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column == "name")
    for name in names:
        net, known = model(name), describe(name)
        size = " x ".join(str(n or "any") for n in net.input_shape[1:])
        source = known["source"].split(",")[0]  # author and year
        table.add_row(name, size, f"{net.count_params():,}", known["doc"].splitlines()[0], source)
    return table


def settings_table(known):
    """A table of a model's settings, from `describe`."""
    table = Table(title="settings", title_justify="left")
    table.add_column("setting")
    table.add_column("value")
    for setting, value in known["settings"].items():
        table.add_row(setting, repr(value))
    return table
