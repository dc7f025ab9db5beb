"""`kzoo layers`: lists the layers."""

from typing import Annotated

import typer

from kzoo.terminal import print_table


def layers(
    pattern: Annotated[str, typer.Argument(help="Part of a name, or a shell pattern: pool, 'Conv*'.")] = "*",
) -> None:
    """List the layers: name, dimensions, what each does, source."""
    from kzoo.index import find_layers
    from kzoo.listing import layers_table

    print_table(layers_table(find_layers(pattern)))
    typer.echo("Keras has transposed, depthwise and separable convolution, upsampling, average and max pooling.")
