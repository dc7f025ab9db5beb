"""Images of all kinds against the arrays that they were made from: depth, transparency, orientation, damage."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kzoo.data.image_file import UnreadableImageError, check_pixels, decode_image, read_header, read_image, read_mask
from tests.data.photos import HEIC

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 4), "uint8")


def save(path, image, kind, **options):
    image.save(path / "image.png", kind, **options)  # the content says what it is
    return path / "image.png"


def encode(kind, mode):
    """Returns a file with one grey level for each half of an image, and these levels, (8, 16)."""
    levels = np.repeat([[51, 204]], 8, 0).repeat(8, 1).astype("uint8")
    content = io.BytesIO()
    Image.fromarray(levels).convert("RGB").convert(mode).save(content, kind)
    return content.getvalue(), levels


KINDS = [
    *[("PNG", mode) for mode in ("RGB", "L", "P", "RGBA", "LA")],
    *[("JPEG", mode) for mode in ("RGB", "L", "CMYK")],
    *[("GIF", mode) for mode in ("RGB", "L")],
    *[("BMP", mode) for mode in ("RGB", "L", "P", "RGBA")],
    *[("WEBP", mode) for mode in ("RGB", "RGBA")],
    *[("TIFF", mode) for mode in ("RGB", "L", "P", "RGBA", "CMYK")],
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind, mode", KINDS)
def test_kinds(tmp_path, kind, mode, channels):
    content, levels = encode(kind, mode)
    (tmp_path / "it").write_bytes(content)
    found, header = read_image(tmp_path / "it", channels), read_header(tmp_path / "it")
    assert found.shape == (8, 16, channels) and found.dtype == header.dtype == "uint8" and header.size == (8, 16)
    grey = mode == "L" and kind != "GIF"  # whose palette may hold colours
    assert header.channels == (1 if grey else 3) and not header.animated
    np.testing.assert_allclose(found.astype(int), levels[..., None].repeat(channels, -1), atol=4)


@pytest.mark.parametrize("low, high", [(0, 150), (1000, 1500), (0, 65535)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_keep_their_values(tmp_path, kind, low, high):
    values = np.linspace(low, high, 24).astype("uint16").reshape(4, 6)
    file = save(tmp_path, Image.fromarray(values), kind)
    assert read_header(file) == ((4, 6), 1, "uint16", False)
    for channels in (1, 3):
        found = read_image(file, channels)
        assert found.dtype == "uint16"
        np.testing.assert_array_equal(found, values[..., None].repeat(channels, -1))


@pytest.mark.parametrize("dtype, value", [("int32", 70_000), ("float32", 0.25)])
def test_deeper_tiff_keeps_its_values(tmp_path, dtype, value):
    file = save(tmp_path, Image.fromarray(np.full((4, 6), value, dtype)), "TIFF")
    assert read_header(file).dtype == dtype
    np.testing.assert_array_equal(read_image(file, 1), np.full((4, 6, 1), value, dtype))


def png(width, height, pixels=b"", bits=8, colour=0, *chunks):
    """Returns a PNG, by default grey, whose header declares a size, whatever the size of its pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("colour, channels", [(2, 3), (4, 2), (6, 4)], ids=["RGB", "LA", "RGBA"])
def test_16_bit_colours_are_refused_and_not_cut_to_8(tmp_path, colour, channels):
    (tmp_path / "it.png").write_bytes(png(1, 1, bytes(1 + 2 * channels), 16, colour))
    for read in (read_header, lambda file: read_image(file, 3)):
        with pytest.raises(UnreadableImageError, match="^a colour image of 16 bits, which Pillow would cut to 8: save"):
            read(tmp_path / "it.png")
    (tmp_path / "it.png").write_bytes(png(1, 1, bytes(3), 16, 0, (b"tRNS", b"\0\0")))
    with pytest.raises(UnreadableImageError, match="^a grey image of more than 8 bits with transparent pixels$"):
        read_header(tmp_path / "it.png")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparent_pixels_are_blended_with_white(tmp_path, kind):
    file = save(tmp_path, Image.fromarray(PIXELS, "RGBA"), kind, **({"lossless": True} if kind == "WEBP" else {}))
    alpha = PIXELS[..., 3:] / 255
    np.testing.assert_allclose(read_image(file, 3), PIXELS[..., :3] * alpha + 255 * (1 - alpha), atol=1)


def test_a_shape_drawn_in_alpha_only(tmp_path):
    shape = np.zeros((4, 6, 4), "uint8")
    shape[1:3, 2:5, 3] = 255
    expected = np.where(shape[..., 3] > 0, 0, 255)
    np.testing.assert_array_equal(read_image(save(tmp_path, Image.fromarray(shape), "PNG"), 1)[..., 0], expected)
    indices = Image.fromarray((shape[..., 3] > 0).astype("uint8"), "P")
    indices.putpalette([0, 0, 0, 0, 0, 0])
    for kind in ("PNG", "GIF"):
        file = save(tmp_path, indices, kind, transparency=0)
        np.testing.assert_array_equal(read_image(file, 1)[..., 0], expected)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(tmp_path, kind, orientation):
    """By the definition of Exif: which sides of the scene the first row and the first column show."""
    x = np.repeat(np.repeat(PIXELS[:2, :3, 0], 16, 0), 16, 1)  # blocks, which JPEG keeps
    turn = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.T,
        6: lambda a: a.T[:, ::-1],
        7: lambda a: a.T[::-1, ::-1],
        8: lambda a: a.T[::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    file = save(tmp_path, Image.fromarray(x), kind, exif=exif, **options)
    expected = turn(x)
    assert read_header(file).size == expected.shape
    np.testing.assert_allclose(read_image(file, 1)[..., 0].astype(int), expected, atol=3)


def test_the_first_picture_of_several(tmp_path):
    pictures = [Image.new("L", (6, 4), value) for value in (10, 200)]
    for kind in ("GIF", "TIFF", "PNG", "WEBP"):
        lossless = {"lossless": True} if kind == "WEBP" else {}
        file = save(tmp_path, pictures[0], kind, save_all=True, append_images=pictures[1:], **lossless)
        assert read_header(file).animated
        assert set(read_image(file, 1).ravel()) == {10}


@pytest.mark.parametrize("kind, mode", [("PNG", "RGB"), ("JPEG", "CMYK"), ("GIF", "L"), ("BMP", "P"), ("TIFF", "L")])
def test_damaged_images(tmp_path, kind, mode):
    content, _ = encode(kind, mode)
    for damaged in (content[: len(content) // 2], content[:20], b"", content.replace(b"\x06\0", b"\xff\xff", 2)[:60]):
        (tmp_path / "it").write_bytes(damaged)
        with pytest.raises(UnreadableImageError, match="^not an image that can be read$|^an image of more than"):
            read_image(tmp_path / "it", 1)


def test_images_that_would_fill_the_memory(tmp_path):
    (tmp_path / "it.png").write_bytes(png(20_000, 20_000))
    for read in (read_header, lambda file: read_image(file, 3)):
        with pytest.raises(UnreadableImageError, match="^an image of more than 178,956,970 pixels$"):
            read(tmp_path / "it.png")


def test_other_formats_and_no_files(tmp_path):
    for name, content in (("it.ppm", b"P5 1 1 255 a"), ("it.txt", b"text")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableImageError, match="^not an image that can be read$"):
            read_header(tmp_path / name)
    for missing in (tmp_path, tmp_path / "none"):
        with pytest.raises(UnreadableImageError):
            read_header(missing)


def test_heic_is_named_whatever_the_suffix(tmp_path):
    for name, start in (("it.heic", HEIC), ("it.jpg", HEIC), ("it.avif", b"\0\0\0\x1cftypavif")):
        (tmp_path / name).write_bytes(start + bytes(50))
        for read in (read_header, lambda file: read_image(file, 3)):
            with pytest.raises(
                UnreadableImageError, match="^a HEIC or AVIF photo, which kzoo does not read: convert it"
            ):
                read(tmp_path / name)
    (tmp_path / "it.heic").write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(UnreadableImageError, match="^not an image that can be read$"):
        read_header(tmp_path / "it.heic")


@pytest.mark.parametrize("kind, mode", KINDS)
def test_pixels_are_checked_as_they_are_decoded(kind, mode):
    """Damaged at any place, a file is refused by the check if and only if it cannot be decoded."""
    content = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 3), "uint8")
    Image.fromarray(noise).convert(mode).save(content, kind)
    content, refused = content.getvalue(), 0
    check_pixels(content)
    for length in np.linspace(0, len(content) - 2, 12).astype(int):
        damaged = content[:length], content[:length] + bytes([content[length] ^ 255]) + content[length + 1 :]
        for each in damaged:
            try:
                decode_image(each, 3)
            except UnreadableImageError:
                refused += 1
                with pytest.raises(UnreadableImageError):
                    check_pixels(each)
            else:
                check_pixels(each)
    assert refused > 5


def test_masks_keep_their_numbers(tmp_path):
    labels = np.arange(24, dtype="uint8").reshape(4, 6) % 4
    palette = Image.fromarray(labels, "P")
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 12).tolist())
    for kind in ("PNG", "GIF", "TIFF", "BMP"):
        np.testing.assert_array_equal(read_mask(save(tmp_path, palette, kind))[..., 0], labels)
    for kind in ("PNG", "TIFF", "BMP"):
        grey = Image.fromarray(labels * 60)
        np.testing.assert_array_equal(read_mask(save(tmp_path, grey, kind))[..., 0], labels * 60)
    deep = np.array([[0, 300], [65535, 7]], "uint16")
    assert read_mask(save(tmp_path, Image.fromarray(deep), "PNG"))[..., 0].tolist() == deep.tolist()
    assert read_mask(save(tmp_path, Image.fromarray(labels > 1), "PNG"))[..., 0].tolist() == (labels > 1).tolist()
    assert read_mask(save(tmp_path, palette, "PNG")).dtype == "int32"


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_grey_levels_of_masks_are_not_scaled(tmp_path, bits):
    row = b"\0" + bytes([0b01_10_00_11])  # the filter, then as many pixels of `bits` bits as fit
    width = 8 // bits
    (tmp_path / "it.png").write_bytes(png(width, 1, row, bits))
    expected = [0b01100011 >> (8 - bits * (i + 1)) & (2**bits - 1) for i in range(width)]
    assert read_mask(tmp_path / "it.png").ravel().tolist() == expected


def test_masks_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    labels = np.arange(6, dtype="uint8").reshape(2, 3)
    file = save(tmp_path, Image.fromarray(labels), "PNG", exif=exif)
    np.testing.assert_array_equal(read_mask(file)[..., 0], labels.T[:, ::-1])


def test_colours_jpegs_and_damage_are_no_masks(tmp_path):
    for image, kind, words in (
        (Image.new("RGB", (4, 4)), "PNG", "an image of colours: save masks as grey levels or palette indices"),
        (Image.new("LA", (4, 4)), "PNG", "an image of colours"),
        (Image.new("L", (4, 4)), "JPEG", "a JPEG, which changes class numbers: save masks as PNG"),
    ):
        with pytest.raises(UnreadableImageError, match=f"^{words}"):
            read_mask(save(tmp_path, image, kind))
    file = save(tmp_path, Image.fromarray(PIXELS[..., 0]), "PNG")
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(UnreadableImageError, match="^not an image that can be read$"):
        read_mask(file)
