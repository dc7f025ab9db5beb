"""Multiplications and additions of one forward pass, counted layer by layer.

TensorFlow's profiler counts grouped convolutions and einsum wrongly, and XLA's counts what it made of a layer.

Source: none; a multiplication and an addition are two operations, as in the papers of most models here.
"""

import math

import keras
from keras import layers

from kzoo.layers.capsules import Capsules
from kzoo.layers.fastfood import Fastfood
from kzoo.layers.gabor_conv import GaborConv2D
from kzoo.layers.locally_connected import LocallyConnected
from kzoo.layers.primary_capsules import PrimaryCapsules2D
from kzoo.layers.tiled_conv import TiledConv

TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
FACTORS = ("kernel", "whitening", "centroids")  # of the weights' names
POOLS = ("Pooling", "Subsampling", "Pyramid")  # of the layers' names


def flops(net):
    """Operations for one example, or None where a size is unknown.

    Counted are products with kernels (two operations a weight and place), the sums or comparisons of pools, and four
    operations a value for batch norms and for sums of branches one each; activations are not.

    >>> from kzoo.models.registry import model
    >>> flops(model("mnist1d_fc100"))  # 2 (40 x 100 + 100 x 100 + 100 x 10)
    30000
    """
    counts = [_of_layer(layer) for layer in net.layers if not isinstance(layer, layers.InputLayer)]
    return None if None in counts else sum(counts)


def _of_layer(layer):
    source, output = (keras.tree.flatten(tensors)[0].shape[1:] for tensors in (layer.input, layer.output))
    if None in source or None in output:
        return None
    name, cells = type(layer).__name__, math.prod(output)
    if isinstance(layer, Fastfood):  # two transforms, three diagonals a block
        blocks, d = layer.scale.shape
        return blocks * (2 * d * (d.bit_length() - 1) + 3 * d)
    if isinstance(layer, Capsules):  # predictions, then their weighted sums and, but for the last round, agreements
        inputs, capsules, depth, dimension = layer.kernel.shape
        return 2 * inputs * capsules * dimension * (depth + 2 * layer.iterations - 1)
    if isinstance(layer, PrimaryCapsules2D):  # (places * kinds, dimension)
        output = (output[0] // layer.capsules, output[1] * layer.capsules)
    if isinstance(layer, layers.BatchNormalization):
        return 4 * cells
    if isinstance(layer, (layers.Add, layers.Average)):
        return cells * (len(layer.input) - 1)
    if any(part in name for part in POOLS):
        size = getattr(layer, "pool_size", None)
        size = (size,) if isinstance(size, int) else size
        return cells * math.prod(size) if size else math.prod(source)
    kernels = [tuple(weight.shape) for weight in layer.weights if weight.name.endswith(FACTORS)]
    if isinstance(layer, GaborConv2D):  # on the sum of the channels; a complex cell is two filters
        kernels = [(*layer.kernel_size, layer.filters * (1 + layer.energy))]
    if not kernels:
        return 0
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    shape = source if isinstance(layer, TRANSPOSED) else output
    places = math.prod(shape[1:] if first else shape[:-1])
    if isinstance(layer, (TiledConv, LocallyConnected)):  # of all its kernels each place meets one
        kernels = [kernel[layer.rank :] for kernel in kernels]
    return 2 * places * sum(map(math.prod, kernels))
