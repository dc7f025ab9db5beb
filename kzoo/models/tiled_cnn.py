"""Tiled convolutional networks: linear filters that take turns, and pools that take the root of summed squares.

Source: Le, Ngiam, Chen, Chia, Koh & Ng 2010, "Tiled convolutional neural networks". No source gives the sizes of the
nets behind its figures: the fields of 8 x 8 cells, the tile of 2 and the pools over 3 x 3 cells are the paper's, the
numbers of maps and the second stage are chosen here.
"""

from kzoo.checks import is_number, require
from kzoo.layers.channel_lp_pooling import ChannelLPPooling
from kzoo.layers.lp_pooling import LPPooling2D
from kzoo.layers.tiled_conv import TiledConv2D
from kzoo.models.blocks import classify, finish, scaled, start, whole_number, whole_numbers
from kzoo.models.registry import register_family


def tiled_cnn(
    filters=(64, 64),
    kernel_sizes=(8, 4),
    tile=2,
    pool_size=3,
    pool_strides=2,
    neighbourhood=1,
    epsilon=1e-4,
    width=1.0,
    input_shape=(32, 32, 3),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="tiled_cnn",
):
    """Images (B, 32, 32, 3), whitened or of equal contrast -> probabilities (B, 10), by a linear classifier.

    Settings: filters and kernel_sizes of each stage; tile, the period of their kernels, 1 for a plain convolution;
    pool_size and pool_strides over the cells of a map; neighbourhood, over how many maps an axis a pool reaches too,
    the maps laid out on a torus (topographic ICA); epsilon under the root; width, a factor of all filters.
    A stage is a convolution without bias or activation, then sqrt(epsilon + the sum of squares of a pool's cells).
    This is the net to train with labels; `kzoo.models.tica` learns a stage's filters without.
    Layers: stage1_conv, stage1_pool if there are neighbourhoods of maps, stage1 (pooled) ..., predictions. The smallest
    input is 20 x 20.
    """
    whole_numbers(name, filters=filters, kernel_sizes=kernel_sizes)
    require(len(filters) == len(kernel_sizes) > 0, name, "as many kernel_sizes as filters", kernel_sizes=kernel_sizes)
    whole_number(name, tile=tile, pool_size=pool_size, pool_strides=pool_strides, neighbourhood=neighbourhood)
    require(is_number(epsilon) and epsilon >= 0, name, "epsilon, a number of at least 0", epsilon=epsilon)
    smallest = 1
    for kernel in reversed(kernel_sizes):
        smallest = max(tile, (smallest - 1) * pool_strides + pool_size) + kernel - 1
    x = inputs = start(name, input_shape, input_tensor, smallest=smallest)
    for stage, (count, kernel) in enumerate(zip(scaled(name, filters, width), kernel_sizes), start=1):
        x = TiledConv2D(count, kernel, tile=tile, use_bias=False, name=f"stage{stage}_conv")(x)
        if neighbourhood == 1:
            x = LPPooling2D(pool_size, pool_strides, epsilon=epsilon, name=f"stage{stage}")(x)
            continue
        x = LPPooling2D(pool_size, pool_strides, name=f"stage{stage}_pool")(x)  # a norm of norms is that of all
        more = {"grid": torus(name, count, neighbourhood), "epsilon": epsilon, "name": f"stage{stage}"}
        x = ChannelLPPooling(neighbourhood, 1, "circular", **more)(x)
    x = classify(name, x, include_top, classes, classifier_activation, pooling)
    return finish(name, inputs, x, weights)


def torus(who, maps, neighbourhood=1):
    """The rows and columns, as near to a square as can be, that so many maps are laid out on.

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
