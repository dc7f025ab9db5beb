"""Tiled convolutional networks: linear filters that rotate across positions, and square-root pooling of squares.

Source: Le, Ngiam, Chen, Chia, Koh & Ng 2010, "Tiled convolutional neural networks". No source gives the sizes of the
networks behind its figures: the 8 x 8 kernels, the tile of 2 and the 3 x 3 pools are the paper's, the numbers of maps
and the second stage are chosen here.
"""

from collections.abc import Sequence

import keras

from kzoo.checks import is_number, require
from kzoo.layers.channel_lp_pooling import ChannelLPPooling
from kzoo.layers.lp_pooling import LPPooling2D
from kzoo.layers.tiled_conv import TiledConv2D
from kzoo.models.blocks import add_top, build_model, check_integer, check_integer_list, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def tiled_cnn(
    filters: Sequence[int] = (64, 64),
    kernel_sizes: Sequence[int] = (8, 4),
    tile: int = 2,
    pool_size: int = 3,
    pool_strides: int = 2,
    neighbourhood: int = 1,
    epsilon: float = 1e-4,
    width: float = 1.0,
    input_shape: Shape = (32, 32, 3),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "tiled_cnn",
) -> keras.Model:
    """Builds a tiled convolutional network with a linear classifier, to be trained with labels.

    Shapes: images (B, 32, 32, 3), whitened or of equal contrast -> probabilities (B, 10). The smallest input is 20 x
    20.
    Settings: filters and kernel_sizes of each stage; tile, the period of their kernels, 1 for a plain convolution;
    pool_size and pool_strides over positions; neighbourhood, the side of the window of maps that a pool also covers,
    with the maps laid out on a torus (topographic ICA); epsilon under the root; width, a factor of all filters.
    A stage is a convolution without bias or activation, then sqrt(epsilon + the sum of squares in a pool's window).
    Kernels are initialized by Glorot's rule, chosen here; `kzoo.models.tica` learns a stage's filters without labels.
    Layers: stage1_conv, stage1_pool if pools cover several maps, stage1 (pooled) ..., predictions.
    """
    check_integer_list(name, filters=filters, kernel_sizes=kernel_sizes)
    require(len(filters) == len(kernel_sizes) > 0, name, "as many kernel_sizes as filters", kernel_sizes=kernel_sizes)
    check_integer(name, tile=tile, pool_size=pool_size, pool_strides=pool_strides, neighbourhood=neighbourhood)
    require(is_number(epsilon) and epsilon >= 0, name, "epsilon, a number of at least 0", epsilon=epsilon)
    smallest = 1
    for kernel in reversed(kernel_sizes):
        smallest = max(tile, (smallest - 1) * pool_strides + pool_size) + kernel - 1
    x = inputs = model_input(name, input_shape, input_tensor, smallest=smallest)
    for stage, (count, kernel) in enumerate(zip(scale_filters(name, filters, width), kernel_sizes), start=1):
        x = TiledConv2D(count, kernel, tile=tile, use_bias=False, name=f"stage{stage}_conv")(x)
        if neighbourhood == 1:
            x = LPPooling2D(pool_size, pool_strides, epsilon=epsilon, name=f"stage{stage}")(x)
            continue
        x = LPPooling2D(pool_size, pool_strides, name=f"stage{stage}_pool")(x)  # a norm of norms is that of all
        more = {"grid": torus(name, count, neighbourhood), "epsilon": epsilon, "name": f"stage{stage}"}
        x = ChannelLPPooling(neighbourhood, 1, "circular", **more)(x)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling)
    return build_model(name, inputs, x, weights)


def torus(who, maps, neighbourhood=1):
    """Returns the rows and columns, as near to a square as possible, of a grid of `maps` maps.

    >>> torus("tica_cnn", 64), torus("tica_cnn", 48)
    ((8, 8), (6, 8))
    """
    rows = max(n for n in range(1, int(maps**0.5) + 1) if maps % n == 0)
    expected = f"numbers of filters that fill a grid of at least {neighbourhood} rows"
    require(rows >= neighbourhood, who, expected, filters=maps)
    return rows, maps // rows


register_family(
    tiled_cnn,
    {"tiled_cnn": {}, "tied_cnn": {"tile": 1}, "tica_cnn": {"neighbourhood": 3}},
)
