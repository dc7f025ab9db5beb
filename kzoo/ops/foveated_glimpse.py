"""A foveated glimpse: an image seen sharply at one place and ever more coarsely around it.

Source: Larochelle & Hinton 2010, "Learning to combine foveal glimpses with a third-order Boltzmann machine"; Mnih,
Heess, Graves & Kavukcuoglu 2014, "Recurrent models of visual attention", arXiv:1406.6247, section 3.1.
"""

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import check_floating, dtype_of, tensors, wide
from kzoo.ops.views import as_tuple
from kzoo.ops.xla import island


def foveated_glimpse(x, location, size, scales=3, ratio=2):
    """Patches of one size around a place, each `ratio` times as wide and as coarse as the one before, side by side.

    Shapes: x (B, H, W, C) floating; location (B, 2), row and column from -1, the first cell's centre, to 1, the last
    one's; returns (B, *size, scales * C) in x's dtype, the finest patch first; computed in float32 or wider.
    A cell of patch s is the mean of ratio^s x ratio^s samples one cell apart, interpolated linearly; beyond the image
    there are zeros. The gradient reaches the location too. Units: size in cells.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> x = ops.reshape(ops.arange(9.0), (1, 3, 3, 1))
    >>> foveated_glimpse(x, [[0.0, 0.0]], 1, scales=2).numpy().ravel()  # the middle; four samples half a cell from it
    array([4., 4.], dtype=float32)
    """
    who = "foveated_glimpse"
    x, location = tensors(who, "FoveatedGlimpse2D", x, location)
    require(len(x.shape) == 4, who, "x (batch, height, width, channels)", shape=tuple(x.shape))
    check_floating(who, x)
    fits = len(location.shape) == 2 and location.shape[1] == 2 and "float" in dtype_of(location)
    fits = fits and (location.shape[0] == x.shape[0] or None in (location.shape[0], x.shape[0]))
    require(fits, who, "location (batch, 2), floating", location=tuple(location.shape), dtype=dtype_of(location))
    check_glimpse(who, scales, ratio)
    size = as_tuple(who, "size", size, 2)
    return _foveated_glimpse(x, location, size=size, scales=int(scales), ratio=int(ratio))


def check_glimpse(who, scales, ratio):
    """Refuse what is no number of patches, or of cells from one to the next."""
    require(is_integer(scales, least=1), who, "scales, an integer above 0", scales=scales)
    require(is_integer(ratio, least=1), who, "ratio, an integer above 0", ratio=ratio)


@island
def _foveated_glimpse(x, location, *, size, scales, ratio):
    image, place = ops.cast(x, wide(x.dtype)), ops.cast(location, wide(x.dtype))
    patches = []
    for scale in range(scales):
        rows, columns = (
            _samples(place[:, axis], n, ops.shape(x)[axis + 1], ratio**scale) for axis, n in enumerate(size)
        )
        # linear interpolation is a matrix on each axis: no gather, so no scatter in the gradient
        patches.append(ops.einsum("bjw,biwc->bijc", columns, ops.einsum("bih,bhwc->biwc", rows, image)))
    return ops.cast(ops.concatenate(patches, -1), x.dtype)


def _samples(place, count, length, step):
    """(B, count, length): how much each cell of the axis gives to each cell of a patch."""
    centre = (place + 1) / 2 * (ops.cast(length, place.dtype) - 1)
    offsets = ops.arange(count * step, dtype=place.dtype) - (count * step - 1) / 2
    samples = (centre[:, None] + offsets)[..., None]
    first, cells = ops.floor(samples), ops.arange(length, dtype=place.dtype)
    # by the fraction, and not 1 - |distance|, whose slope at a whole cell, where training may start, would be 0
    after = samples - first
    weights = ops.where(cells == first, 1 - after, 0) + ops.where(cells == first + 1, after, 0)
    return ops.mean(ops.reshape(weights, (-1, count, step, length)), 2)
