"""A foveated glimpse: patches around one location of an image, sharp at its centre and coarser farther out.

Source: Larochelle & Hinton 2010, "Learning to combine foveal glimpses with a third-order Boltzmann machine"; Mnih,
Heess, Graves & Kavukcuoglu 2014, "Recurrent models of visual attention", arXiv:1406.6247, section 3.1.
"""

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import check_floating, dtype_of, sum_dtype, tensors
from kzoo.ops.sizes import after_checks, require_pixels, shape_of
from kzoo.ops.views import as_tuple, check_positions
from kzoo.ops.xla import island
from kzoo.types import Size, Tensor


def foveated_glimpse(x: Tensor, location: Tensor, size: Size, scales: int = 3, ratio: int = 2) -> Tensor:
    """Returns patches around a location, each `ratio` times as wide and as coarse as the one before.

    The patches have one size and are stacked along the channels.
    Shapes: x (B, H, W, C) floating; location (B, 2), row and column from -1 (centre of the first pixel) to 1 (centre of
    the last); returns (B, *size, scales * C) in x's dtype, finest patch first, computed in float32 or wider. A pixel of
    patch s is the mean of ratio^s x ratio^s samples one pixel apart, interpolated bilinearly; beyond the image there
    are zeros. The gradient reaches the location too.

    >>> x = ops.reshape(ops.arange(9.0), (1, 3, 3, 1))
    >>> foveated_glimpse(x, [[0.0, 0.0]], 1, scales=2).numpy().ravel()  # the middle; four samples half a pixel from it
    array([4., 4.], dtype=float32)
    """
    who = "foveated_glimpse"
    x, location = tensors(who, "FoveatedGlimpse2D", x, location)
    require(len(x.shape) == 4, who, "x (batch, height, width, channels)", shape=tuple(x.shape))
    check_floating(who, x)
    require_pixels(who, shape_of(x))
    x = after_checks(x)
    fits = len(location.shape) == 2 and location.shape[1] == 2 and "float" in dtype_of(location)
    fits = fits and (location.shape[0] == x.shape[0] or None in (location.shape[0], x.shape[0]))
    require(fits, who, "location (batch, 2), floating", location=tuple(location.shape), dtype=dtype_of(location))
    check_glimpse(who, scales, ratio)
    sizes = as_tuple(who, "size", size, 2)
    for n, length in zip(sizes, x.shape[1:3]):
        samples = [n, int(ratio) ** min(int(scales) - 1, 32), length]
        check_positions(who, "samples times pixels", samples, size=size, scales=scales, ratio=ratio)
    return _foveated_glimpse(x, location, size=sizes, scales=int(scales), ratio=int(ratio))


def check_glimpse(who, scales, ratio):
    """Raises a ValueError unless scales and ratio are integers above 0."""
    require(is_integer(scales, least=1), who, "scales, an integer above 0", scales=scales)
    require(is_integer(ratio, least=1), who, "ratio, an integer above 0", ratio=ratio)


@island
def _foveated_glimpse(x, location, *, size, scales, ratio):
    image, position = ops.cast(x, sum_dtype(x.dtype)), ops.cast(location, sum_dtype(x.dtype))
    patches = []
    for scale in range(scales):
        rows, columns = (
            _samples(position[:, axis], n, ops.shape(x)[axis + 1], ratio**scale) for axis, n in enumerate(size)
        )
        # linear interpolation is a matrix on each axis: no gather, so no scatter in the gradient
        patches.append(ops.einsum("bjw,biwc->bijc", columns, ops.einsum("bih,bhwc->biwc", rows, image)))
    return ops.cast(ops.concatenate(patches, -1), x.dtype)


def _samples(position, count, length, step):
    """Returns how much each pixel of an axis adds to each pixel of a patch: (B, count, length)."""
    centre = (position + 1) / 2 * (ops.cast(length, position.dtype) - 1)
    offsets = ops.arange(count * step, dtype=position.dtype) - (count * step - 1) / 2
    samples = (centre[:, None] + offsets)[..., None]
    first, pixels = ops.floor(samples), ops.arange(length, dtype=position.dtype)
    # weights from the fraction: 1 - |distance| is equal, but has gradient 0 at whole pixels, where training may start
    after = samples - first
    weights = ops.where(pixels == first, 1 - after, 0) + ops.where(pixels == first + 1, after, 0)
    return ops.mean(ops.reshape(weights, (-1, count, step, length)), 2)
