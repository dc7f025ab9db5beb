"""Image files decoded in a graph: the pixels of `kzoo.data.image_file`, which Pillow reads."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.data.image_file import read_image
from kzoo.export.image_decoding import decode_image

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (9, 7, 4)).astype("uint8")
PALETTE = Image.fromarray(COLOURS[..., :3]).quantize(16)
PICTURES = {
    "grey.png": Image.fromarray(COLOURS[..., 0]),
    "grey_and_alpha.png": Image.fromarray(COLOURS[..., :2], "LA"),
    "colours.png": Image.fromarray(COLOURS[..., :3]),
    "colours_and_alpha.png": Image.fromarray(COLOURS),
    "deep.png": Image.fromarray(RNG.integers(0, 2**16, (9, 7)).astype("uint16")),
    "black_and_white.png": Image.fromarray(COLOURS[..., 0]).convert("1"),
    "palette.png": PALETTE,
    "grey.jpg": Image.fromarray(COLOURS[..., 0]).resize((32, 21)),
    "colours.jpg": Image.fromarray(COLOURS[..., :3]).resize((32, 21)),
    "colours.bmp": Image.fromarray(COLOURS[..., :3]),
    "palette.gif": PALETTE,
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [*PICTURES, "transparent_palette.png"])
def test_pixels_are_those_of_training(tmp_path, name, channels):
    if name == "transparent_palette.png":
        PALETTE.save(tmp_path / name, transparency=3)
    else:
        PICTURES[name].save(tmp_path / name)
    content = tf.constant((tmp_path / name).read_bytes())
    expected = read_image(tmp_path / name, channels)
    for function in (decode_image, tf.function(decode_image)):
        decoded = function(content, channels).numpy()
        assert decoded.dtype == "int32"
        np.testing.assert_array_equal(decoded, expected)


def test_files_that_are_refused():
    stream = io.BytesIO()
    Image.fromarray(COLOURS[..., 0]).save(stream, "png")
    deep = tf.io.encode_png(RNG.integers(0, 2**16, (9, 7, 3)).astype("uint16"))
    in_graph = tf.function(lambda content: decode_image(content, 3))
    for content in (deep, b"", b"no image", stream.getvalue()[:30]):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="16 bits that is not grey" if content is deep else None
        ):
            in_graph(tf.constant(content))
