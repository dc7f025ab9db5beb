"""Uploads: pixels and arrays against their files, and hostile content, which must be refused in one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.explore.upload import MAX_BYTES, MAX_PIXELS, decode_upload


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def npy(x, **settings):
    file = io.BytesIO()
    np.save(file, x, **settings)
    return file.getvalue()


def test_images_keep_their_pixels_or_fill_the_limits(seeds):
    pixels = seeds.integers(0, 256, (6, 5), "uint8")
    np.testing.assert_array_equal(decode_upload(png(pixels), (6, 5, 1))[..., 0], pixels)
    scaled = decode_upload(png(pixels), (6, 5, 1), (-1.0, 1.0))
    np.testing.assert_allclose(scaled[..., 0], pixels / 127.5 - 1, atol=1e-6)
    assert scaled.dtype == "float32"
    colours = seeds.integers(0, 256, (6, 5, 3), "uint8")
    np.testing.assert_array_equal(decode_upload(png(colours), (6, 5, 3)), colours)
    assert decode_upload(png(colours), (12, 9, 1)).shape == (12, 9, 1)
    deep = (pixels.astype("uint16") << 8) + 3
    np.testing.assert_allclose(decode_upload(png(deep), (6, 5, 1), (0.0, 1.0))[..., 0], deep / 65535, atol=1e-6)


def test_images_are_resized_as_asked(seeds):
    pixels = seeds.integers(0, 256, (6, 12), "uint8")
    np.testing.assert_array_equal(decode_upload(png(pixels), (6, 6, 1), resize="crop")[..., 0], pixels[:, 3:9])
    padded = decode_upload(png(pixels), (12, 12, 1), resize="pad")[..., 0]
    np.testing.assert_array_equal(padded[3:9], pixels)
    assert padded.sum() == pixels.sum()


def test_arrays_of_one_example_or_several(seeds):
    x = seeds.normal(size=(3, 8, 2))
    np.testing.assert_array_equal(decode_upload(npy(x), (8, 2)), x[0].astype("float32"))
    np.testing.assert_array_equal(decode_upload(npy(np.asfortranarray(x[1])), (8, 2)), x[1].astype("float32"))
    assert decode_upload(npy(x[0] > 0), (8, 2)).max() == 1


def huge_header():
    text = str({"descr": "<f4", "fortran_order": False, "shape": (10**12, 8, 2)}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def bomb():
    """Returns a PNG of 81 million pixels in few bytes."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "a file of 1 to 16,777,216 bytes; received bytes=0"),
        (bytes(MAX_BYTES + 1), "received bytes=16777217"),
        (b"hello", "expects an .npy file with an example of shape (8, 2)"),
        (huge_header(), "a complete .npy file"),
        (b"\x93NUMPY\x01\x00", "no .npy array"),
        (b"\x93NUMPY\x09\x00" + bytes(99), "no .npy array"),
        (npy(np.zeros((8, 3))), "an array of numbers of shape (8, 2); received shape=(8, 3)"),
        (npy(np.zeros((0, 8, 2))), "received shape=(0, 8, 2)"),
        (npy(np.zeros((8, 2)))[:-1], "a complete .npy file"),
        (npy(np.zeros((8, 2))) + b"x", "a complete .npy file"),
        (npy(np.full((8, 2), {}, object), allow_pickle=True), "dtype='object'"),
        (npy(np.full((8, 2), 1j)), "dtype='complex128'"),
        (npy(np.full((8, 2), np.nan)), "finite numbers; received nan_or_infinite=16"),
    ],
    ids=range(13),
)
def test_refusals(content, words):
    with pytest.raises(Refusal) as caught:
        decode_upload(content, (8, 2))
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content, words",
    [
        (png(np.zeros((9, 9), "uint8"))[:60], "not an image that can be read"),
        (b"<svg onload=alert(1)>", "not an image that can be read"),
        (bomb(), f"an image of more than {MAX_PIXELS:,} pixels"),
    ],
    ids=["damaged", "svg", "bomb"],
)
def test_refused_images(content, words):
    with pytest.raises(Refusal, match=words):
        decode_upload(content, (8, 8, 1))
