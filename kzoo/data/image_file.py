"""Reads images from files with Pillow, for training and for predictions alike: upright, opaque, in their own depth.

Source: Exif 2.32, tag 0x0112 (orientation); PNG 1.2, sections 4.2.1.1 (tRNS) and 2.4 (scaling of grey levels);
ISO/IEC 23008-12, annex B (brands of HEIF).
"""

import contextlib
import io
import os
import threading
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from kzoo.types import PathLike

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # of Pillow
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# of photos that Pillow does not read: they are listed like other images, and refused by name
UNREAD_SUFFIXES = (".avif", ".heic", ".heif", ".hif")
PHOTO_SUFFIXES = (*SUFFIXES, *UNREAD_SUFFIXES)
HEIF_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
BACKGROUND = "white"  # what transparent pixels show
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)  # the tag of Exif; its values that exchange width and height
DEEP = {"I;16": "uint16", "I;16B": "uint16", "I;16L": "uint16", "I": "int32", "F": "float32"}  # modes of grey images
GREY_STEPS = {"L;2": 85, "L;4": 17}  # between the grey levels of files of 2 and 4 bits, which Pillow scales to 8 bits
UNREADABLE = "not an image that can be read"
HEIF = "a HEIC or AVIF photo, which kzoo does not read: convert it to JPEG"
_OPENING = threading.Lock()  # Python's list of ignored warnings is one for all threads


class UnreadableImageError(ValueError):
    """A file that is not read as an image; the message is a phrase that follows "FILE is"."""


class ImageHeader(NamedTuple):
    """What the header of an image file says: size when upright, channels, dtype, and whether it is an animation."""

    size: tuple[int, int]  # height, width
    channels: int
    dtype: str
    animated: bool


def read_header(file: PathLike) -> ImageHeader:
    """Returns the header of an image file without decoding its pixels. Raises UnreadableImageError."""
    if not os.path.isfile(file):  # a named pipe would block
        raise UnreadableImageError(UNREADABLE)
    with _open(file) as image:
        # of TIFF Pillow states the upright size
        sideways = image.format != "TIFF" and _orientation(image) in SIDEWAYS
        return ImageHeader(
            size=image.size if sideways else image.size[::-1],
            channels=1 if image.mode in ("1", "L", *DEEP) else 3,
            dtype=DEEP.get(image.mode, "uint8"),
            # MPO: a JPEG followed by further pictures, as phones write
            animated=image.format != "MPO" and getattr(image, "is_animated", False),
        )


def read_image(file: PathLike, channels: int) -> np.ndarray:
    """Returns the pixels (H, W, channels) of an image file, as `decode_image` does."""
    with open(file, "rb") as opened:
        return decode_image(opened.read(), channels)


def decode_image(content: bytes, channels: int, max_pixels: int | None = None) -> np.ndarray:
    """Returns the pixels (H, W, channels) of an image file's content, turned upright as its Exif data say.

    Grey images of more than 8 bits keep their values: uint16, int32 or float32; all others are uint8. Transparent
    pixels are blended with white. Of an animation or a TIFF of several pages the first picture is returned.
    Arguments: channels, 1 (grey) or 3 (red, green, blue); max_pixels, if it is less than Pillow accepts.
    Raises UnreadableImageError for damaged files, images of too many pixels, and colour images of 16 bits, which Pillow
    would cut to 8.
    """
    with _open(io.BytesIO(content)) as image:
        if max_pixels is not None and image.width * image.height > max_pixels:
            raise UnreadableImageError(f"an image of more than {max_pixels:,} pixels")
        try:
            _check_png(image, content)
            ImageOps.exif_transpose(image, in_place=True)  # copies of large photos take as long as decoding them
            upright: Image.Image = image
            if upright.mode in DEEP:
                grey = np.asarray(upright).astype(DEEP[upright.mode])
                return np.repeat(grey[..., None], channels, axis=-1)
            if upright.has_transparency_data:
                opaque = Image.new("RGBA", upright.size, BACKGROUND)
                upright = Image.alpha_composite(opaque, upright.convert("RGBA"))
            mode = "L" if channels == 1 else "RGB"
            pixels = np.array(upright if upright.mode == mode else upright.convert(mode))
            return pixels.reshape(*pixels.shape[:2], channels)
        except Exception as error:  # a damaged file can raise any exception
            raise UnreadableImageError(UNREADABLE) from error


def check_pixels(content: bytes) -> None:
    """Decodes an image file's content and discards the pixels. Raises UnreadableImageError as `decode_image` does.

    JPEGs are decoded to an eighth of their size, which reads the whole file in a fraction of the time.
    """
    with _open(io.BytesIO(content)) as image:
        try:
            _check_png(image, content)
            image.draft(None, (1, 1))
            image.load()
        except Exception as error:  # a damaged file can raise any exception
            raise UnreadableImageError(UNREADABLE) from error


def read_mask(file: PathLike) -> np.ndarray:
    """Returns the label map (H, W, 1) of an image file as int32: palette indices, or grey levels as the file has them.

    It is turned upright as images are. Raises UnreadableImageError for damaged files, and for colours and JPEGs, whose
    pixels are no class numbers.
    """
    with open(file, "rb") as opened, _open(opened) as image:
        if image.format in ("JPEG", "MPO"):
            raise UnreadableImageError("a JPEG, which changes class numbers: save masks as PNG")
        if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B", "I;16L"):
            raise UnreadableImageError("an image of colours: save masks as grey levels or palette indices")
        step = max((GREY_STEPS.get(layout, 1) for layout in _layouts(image)), default=1)
        try:
            pixels = np.asarray(ImageOps.exif_transpose(image))
        except Exception as error:  # a damaged file can raise any exception
            raise UnreadableImageError(UNREADABLE) from error
        return (pixels.astype("int32") // step)[..., None]


def _check_png(image, content):
    """Reads the checksums of a PNG, which decoding ignores."""
    if image.format == "PNG":
        with _open(io.BytesIO(content)) as other:
            other.verify()


def _is_heif(file):
    """Returns whether a file, by its path or opened, starts like a HEIC or AVIF photo, whatever its name."""
    try:
        with contextlib.nullcontext(file) if hasattr(file, "read") else open(file, "rb") as opened:
            opened.seek(0)
            start = opened.read(12)
    except OSError:
        return False
    return start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS


def _open(file):
    """Returns an opened image of one of FORMATS, without its pixels."""
    try:
        with _OPENING, warnings.catch_warnings(action="ignore"):  # of images half as large as Pillow accepts
            image = Image.open(file, formats=FORMATS)
            _orientation(image)  # which warns of damaged Exif data
    except Image.DecompressionBombError:
        raise UnreadableImageError(f"an image of more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels") from None
    except Exception as error:  # a damaged file can raise any exception
        raise UnreadableImageError(HEIF if _is_heif(file) else UNREADABLE) from error
    problem = _lost_depth(image)
    if problem:
        image.close()
        raise UnreadableImageError(problem)
    return image


def _orientation(image):
    """Returns the Exif orientation of an image, 1 if it has none; its pixels are not decoded."""
    if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
        return 1  # Pillow would decode the pixels to look for Exif data behind them
    return image.getexif().get(ORIENTATION, 1)


def _layouts(image):
    """Returns how the pixels lie in an opened file, in the words of Pillow's decoders."""
    return [str(tile[3][0] if isinstance(tile[3], tuple) else tile[3]) for tile in image.tile]


def _lost_depth(image):
    """Returns a phrase on an image whose depth Pillow cannot keep, None for others."""
    if image.mode in DEEP:
        return "a grey image of more than 8 bits with transparent pixels" if image.has_transparency_data else None
    deep = image.format in ("PNG", "TIFF") and any(";16" in layout for layout in _layouts(image))
    return "a colour image of 16 bits, which Pillow would cut to 8: save it with 8 bits" if deep else None
