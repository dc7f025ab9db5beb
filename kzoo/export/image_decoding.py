"""Decodes image files within a TensorFlow graph, as `kzoo.data.image_file` reads them where TensorFlow can.

Source: PNG 1.2, section 4.1.1 (IHDR); ITU-R BT.601 (luminance), in the integers of Pillow, as is the blending.
"""

import tensorflow as tf

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"  # first bytes
DEPTH, COLOUR_TYPE = 24, 25  # offsets in a PNG file
GREY, SIXTEEN_BITS = b"\x00", b"\x10"
WHITE, LUMINANCE = 255, (19595, 38470, 7471)  # of 2**16


def decode_image(content, channels):
    """Returns the pixels of an image file, (H, W, channels) in int32; of an animation the first picture.

    Grey PNG files of 16 bits keep their values, and transparent pixels of PNG files are blended with white. Unlike
    training and `kzoo predict`, TensorFlow does not turn images upright as their Exif data say, does not know
    transparency in GIF files or as one colour of a PNG file without a palette, and reads no TIFF or WebP files.
    Arguments: content, the bytes of a BMP, GIF, JPEG or PNG file, a string tensor (); channels, 1 or 3.
    Raises InvalidArgumentError, when the graph runs, for damaged files and for PNG files of 16 bits that are not grey.

    >>> decode_image(tf.io.encode_png(tf.constant([[[50000]]], "uint16")), 3).numpy().tolist()
    [[[50000, 50000, 50000]]]
    """
    header = tf.strings.join([tf.strings.substr(content, 0, 26), b"\0" * 26])  # of a file of any length
    png = tf.equal(tf.strings.substr(header, 0, len(PNG)), PNG)
    jpeg = tf.equal(tf.strings.substr(header, 0, len(JPEG)), JPEG)
    deep = png & tf.equal(tf.strings.substr(header, DEPTH, 1), SIXTEEN_BITS)
    grey = tf.equal(tf.strings.substr(header, COLOUR_TYPE, 1), GREY)
    refusal = "a PNG file of 16 bits that is not grey is refused: save it with 8 bits"
    with tf.control_dependencies([tf.debugging.Assert(~deep | grey, [refusal])]):
        image = tf.case(
            [
                (deep, lambda: tf.cast(tf.io.decode_png(content, 1, "uint16"), "int32")),
                (jpeg, lambda: tf.cast(tf.io.decode_jpeg(content, dct_method="INTEGER_ACCURATE"), "int32")),
            ],
            lambda: tf.cast(tf.io.decode_image(content, expand_animations=False), "int32"),
        )
    image = tf.cond(png & tf.equal(tf.shape(image)[-1] % 2, 0), lambda: _blend(image), lambda: image)
    of_one_channel = tf.equal(tf.shape(image)[-1], 1)
    if channels == 1:
        image = tf.cond(of_one_channel, lambda: image, lambda: _luminance(image))
    else:
        image = tf.cond(of_one_channel, lambda: tf.repeat(image, 3, axis=-1), lambda: image[..., :3])
    return tf.ensure_shape(image, (None, None, channels))


def _blend(image):
    """Returns pixels whose last channel is the opacity, in front of white."""
    opacity = image[..., -1:]
    value = 128 * (image[..., :-1] * opacity + WHITE * (255 - opacity)) + 128 * 128
    return (value // 256 + value) // 256 // 128  # Pillow's division by 255


def _luminance(image):
    return (tf.reduce_sum(image[..., :3] * LUMINANCE, -1, keepdims=True) + 2**15) // 2**16
