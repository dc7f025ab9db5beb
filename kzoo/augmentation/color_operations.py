"""Operations on the colours of images that RandAugment draws from, as the Python Imaging Library defines them.

Source: Pillow's ImageOps.py and ImageEnhance.py. Values between two bytes are looked up at the nearest byte.
"""

from keras import ops

from kzoo.types import Tensor

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in grey: ITU-R BT.601


def grey_image(x: Tensor) -> Tensor:
    """Returns the grey image (B, H, W, 1) of a colour image (B, H, W, 3), or of one that is grey already.

    >>> grey_image(ops.reshape(ops.array([100.0, 200.0, 100.0]), (1, 1, 1, 3))).numpy().round().item()
    159.0
    """
    return x if x.shape[-1] == 1 else ops.sum(x * ops.convert_to_tensor(LUMA, x.dtype), -1, keepdims=True)


def smooth(x: Tensor) -> Tensor:
    """Returns images (B, H, W, C) convolved with a kernel of 5 in the centre and 1 around it, over 13.

    Pixels at the border stay as they are.
    """
    padded = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    total = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    inner = [_is_inner(side) for side in ops.shape(x)[1:3]]
    return ops.where(inner[0][:, None, None] & inner[1][:, None], (total + 4 * x) / 13, x)


def auto_contrast(x: Tensor) -> Tensor:
    """Returns images (B, H, W, C) in which each channel is stretched to values from 0 to 255.

    >>> auto_contrast(ops.reshape(ops.array([10.0, 20.0, 30.0]), (1, 3, 1, 1))).numpy().ravel()
    array([  0. , 127.5, 255. ], dtype=float32)
    """
    low, high = ops.min(x, (1, 2), keepdims=True), ops.max(x, (1, 2), keepdims=True)
    span = high - low
    return ops.where(span > 0, (x - low) * (255 / ops.where(span > 0, span, 1)), x)


def posterize(x: Tensor, bits: int) -> Tensor:
    """Returns images of which only the highest bits of each value are kept.

    >>> posterize(ops.array([200.0, 255.0]), 2).numpy()
    array([192., 192.], dtype=float32)
    """
    step = 2 ** (8 - bits)
    return ops.floor(ops.round(x) / step) * step


def solarize(x: Tensor, threshold: float) -> Tensor:
    """Returns images whose values of at least a threshold are inverted.

    >>> solarize(ops.array([100.0, 200.0]), 128).numpy()
    array([100.,  55.], dtype=float32)
    """
    return ops.where(x < threshold, x, 255 - x)


def equalize(x: Tensor) -> Tensor:
    """Returns images (B, H, W, C) in which each channel has all values from 0 to 255 about equally often.

    >>> equalize(ops.reshape(ops.arange(4.0), (1, 4, 1, 1))).numpy().ravel()  # fewer pixels than values: as it was
    array([0., 1., 2., 3.], dtype=float32)
    """
    _, height, width, channels = ops.shape(x)
    levels = ops.cast(ops.clip(ops.round(x), 0, 255), "int32")
    by_channel = ops.reshape(ops.transpose(levels, (0, 3, 1, 2)), (-1, height * width))
    counts = ops.cast(ops.bincount(by_channel, minlength=256), "int32")
    below = ops.cumsum(counts, -1) - counts
    last = ops.take_along_axis(counts, ops.max(by_channel, -1, keepdims=True), -1)
    step = (height * width - last) // 255
    table = ops.minimum((step // 2 + below) // ops.maximum(step, 1), 255)
    values = ops.reshape(ops.take_along_axis(table, by_channel, -1), (-1, channels, height, width))
    equalized = ops.cast(ops.transpose(values, (0, 2, 3, 1)), x.dtype)
    return ops.where(ops.reshape(step, (-1, 1, 1, channels)) > 0, equalized, x)


def _is_inner(side):
    places = ops.arange(side)
    return (places > 0) & (places < side - 1)
