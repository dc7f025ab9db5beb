"""`kzoo data`: prints and draws the data of a config."""

import json
from pathlib import Path
from typing import Annotated

import typer

from kzoo.cli.arguments import Config, Imports, Json, Sets, config_name, read_config
from kzoo.cli.debugging import import_tensorflow
from kzoo.files import check_writable
from kzoo.user_modules import request_modules


def data(
    config: Config,
    out: Annotated[str | None, typer.Option(help="Folder for the pictures; default: look/CONFIG_data.")] = None,
    as_json: Json = False,
    imports: Imports = [],  # noqa: B006 (typer's way)
    sets: Sets = [],  # noqa: B006
) -> None:
    """Show the data of a config: a table, warnings and pictures.

    The table has the examples of each class or label in each split, or mean, deviation and range of each number. Below
    it are mean and deviation of each channel, as read and as the model receives them, the sizes of image files, and
    warnings: bytes that reach the model without rescaling, examples that are in two splits or twice in one, classes
    that are missing in a split, and more.
    examples.png shows training examples next to what data.augment makes of them, with label maps drawn over their
    images and images that are targets next to them; summary.png how often classes and labels are, histograms of
    numbers, the values and the sizes.

    Nothing is trained. It reads all examples, of a split that does not fit into memory the first 10,000.

    Example: kzoo data photos --set data.folder=my_photos
    """
    request_modules(imports)
    settings, name = read_config(config, sets, allow_outside=False), config_name(config)
    folder = Path(out if out is not None else Path("look", f"{name}_data"))
    check_writable(folder / "examples.png", "--out")
    import_tensorflow()
    from kzoo.reports.data_report import print_report, report_data

    record = report_data(settings, name, folder)
    if as_json:
        typer.echo(json.dumps(record, indent=2))
    else:
        print_report(name, record)
