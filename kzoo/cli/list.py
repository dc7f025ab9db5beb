"""`kzoo list`: lists the models."""

import json
from typing import Annotated

import typer

from kzoo.cli.arguments import Imports, Json, import_own_models
from kzoo.terminal import print_table
from kzoo.user_modules import request_modules


def list_(
    pattern: Annotated[str, typer.Argument(help="Shell pattern of names, such as 'nielsen*'.")] = "*",
    family: Annotated[str | None, typer.Option(help="Only models of this family, such as resnet.")] = None,
    as_json: Json = False,
    imports: Imports = [],  # noqa: B006
) -> None:
    """List the models with their sizes, test errors and sources."""
    request_modules(imports)
    import_own_models()
    from kzoo.config.results import recorded_results
    from kzoo.index import find_models
    from kzoo.listing import models_table

    found, configs = find_models(pattern, family), recorded_results()
    if any("parameters" not in model for model in found):  # models of the user's
        from kzoo.analysis.catalogue import add_sizes

        found = add_sizes(found)
    found = [{**model, "configs": configs.get(model["name"], [])} for model in found]
    if as_json:
        for model in found:
            del model["settings"]  # only names; `kzoo show` prints the values too
        typer.echo(json.dumps(found, indent=2))
    else:
        print_table(models_table(found))
