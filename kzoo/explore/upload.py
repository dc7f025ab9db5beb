"""Decodes uploaded files in memory: images and .npy arrays of bounded size, as one example of a model's input."""

import io

import numpy as np
import tensorflow as tf
from numpy.lib import format as npy

from kzoo.checks import Refusal, one_line, require
from kzoo.data.image_file import UnreadableImageError, decode_image
from kzoo.data.source import resize_images
from kzoo.types import Shape

MAX_BYTES = 2**24  # of a file
MAX_PIXELS = 2**26  # of an image: more than cameras of telephones take
BYTE = (0.0, 255.0)  # the limits of pixels as files hold them
NPY = b"\x93NUMPY"


def decode_upload(
    content: bytes, shape: Shape, limits: tuple[float, float] = BYTE, resize: str | int = "stretch"
) -> np.ndarray:
    """Returns the example in a file's content as float32 of a shape (*spatial, channels).

    An image is resized to the shape as `resize` says, as for `kzoo.data.load`; its black and white become the two
    limits, or stay as they are in the file where the limits are 0 and 255. Of an array of several examples the first is
    returned. Refuses content that is neither, arrays of another shape, and numbers that are not finite.

    >>> file = io.BytesIO()
    >>> np.save(file, np.ones((5, 4, 1)))
    >>> decode_upload(file.getvalue(), (4, 1)).shape
    (4, 1)
    """
    require(0 < len(content) <= MAX_BYTES, "upload", f"a file of 1 to {MAX_BYTES:,} bytes", bytes=len(content))
    x = _decode_array(content, shape) if content.startswith(NPY) else _decode_pixels(content, shape, limits, resize)
    require(np.isfinite(x).all(), "upload", "finite numbers", nan_or_infinite=int((~np.isfinite(x)).sum()))
    return x


def _decode_pixels(content: bytes, shape: Shape, limits: tuple[float, float], resize: str | int) -> np.ndarray:
    channels = shape[-1]
    expected = f"an .npy file with an example of shape {tuple(shape)}"
    require(len(shape) == 3 and channels in (1, 3), "upload", expected, first_bytes=content[:8])
    try:
        image = decode_image(content, channels or 3, MAX_PIXELS)
    except UnreadableImageError as error:
        raise Refusal(f"upload: the file is {error}.") from None
    x = resize_images(tf.constant(image), tuple(shape[:2]), resize).numpy().astype("float32")
    if image.dtype.kind == "u" and limits != BYTE:
        low, high = limits
        x = low + (high - low) * x / np.iinfo(image.dtype).max
    return x.astype("float32")


def _decode_array(content: bytes, shape: Shape) -> np.ndarray:
    file = io.BytesIO(content)
    try:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        found, _, dtype = read_header(file)
    except Exception as error:  # a damaged file can raise any exception
        raise Refusal(f"upload: the file is no .npy array: {one_line(error, 300)}") from None
    fits = tuple(shape) in (found, found[1:]) and 0 not in found and dtype.kind in "fiub"
    require(fits, "upload", f"an array of numbers of shape {tuple(shape)}", shape=found, dtype=dtype.name)
    complete = len(content) - file.tell() == int(np.prod(found, dtype=object)) * dtype.itemsize
    require(complete, "upload", "a complete .npy file", shape=found, bytes=len(content))
    with np.errstate(over="ignore"):  # infinite numbers are refused
        x = np.load(io.BytesIO(content), allow_pickle=False).astype("float32")
    return x if x.shape == tuple(shape) else x[0]
