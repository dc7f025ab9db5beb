"""k-max pooling: the k largest values of a sequence, in their original order.

Source: Kalchbrenner, Grefenstette & Blunsom 2014, "A convolutional neural network for modelling sentences",
arXiv:1404.2188, sections 3.2 and 3.3.
"""

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import check_ordered, tensors
from kzoo.ops.sizes import after_checks, require_size, sizes_of
from kzoo.ops.xla import island
from kzoo.types import Tensor

__all__ = ["dynamic_k", "k_max_pool"]


def k_max_pool(x: Tensor, k: int) -> Tensor:
    """Returns the k largest values of each channel, in their original order.

    Shapes: x (B, L, C) floating or integer, L of at least k; returns (B, k, C) in x's dtype. Of equal values the first
    are taken; the gradient goes to the values taken.

    >>> k_max_pool([[[3.0], [1.0], [5.0], [2.0]]], 2)[0, :, 0].numpy()
    array([3., 5.], dtype=float32)
    """
    (x,) = tensors("k_max_pool", "KMaxPooling1D", x)
    require(len(x.shape) == 3, "k_max_pool", "x (batch, length, channels)", shape=tuple(x.shape))
    check_ordered("k_max_pool", x)
    check_k("k_max_pool", k, *sizes_of(x))
    x = after_checks(x)
    return _k_max_pool(x, k=int(k))


def check_k(who, k, length):
    """Raises a ValueError unless k is an integer above 0 and at most the length, if that is known."""
    require(is_integer(k, least=1), who, "k, an integer above 0", k=k)
    require_size(length is None or k <= length, who, "k of at most the length", k=k, length=length)


@island
def _k_max_pool(x, *, k):
    columns = ops.moveaxis(x, 1, -1)
    indices = ops.sort(ops.top_k(columns, k)[1], -1)
    return ops.moveaxis(ops.take_along_axis(columns, indices, -1), -1, 1)


def dynamic_k(k: int, layer: int, layers: int, length: int) -> int:
    """Returns the k of layer `layer` of `layers`: max(k, ceil((layers - layer) / layers * length)).

    >>> [dynamic_k(3, layer, 3, 18) for layer in (1, 2, 3)]  # the paper's example
    [12, 6, 3]
    """
    check_k("dynamic_k", k, None)
    good = is_integer(layers, 1) and is_integer(layer, 1) and layer <= layers
    require(good, "dynamic_k", "layer and layers, integers with 1 <= layer <= layers", layer=layer, layers=layers)
    return max(int(k), -(-(layers - layer) * length // layers))
