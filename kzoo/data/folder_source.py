"""Datasets from folders of images, DIR/train/CLASS/*.png and DIR/test/CLASS/*.png, through `tfds.ImageFolder`."""

import itertools
import warnings

import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.example_checks import ExampleChecks, count_readable
from kzoo.data.examples import Examples
from kzoo.data.source import Source, check_image_size, check_utf8, digest, local_path, prepare_example

SUFFIXES = (".jpg", ".jpeg", ".png")  # of the files that ImageFolder reads
FORMATS = ("JPEG", "MPO", "PNG")  # MPO: a JPEG followed by further pictures, as phones write


def folder_source(path, image_size=None):
    """Returns the `Source` of a folder of images, with the classes in alphabetical order.

    Its digest covers the names and sizes of the images, not their pixels.
    Shapes: images (H, W, 1) uint8 if all are grey, otherwise (H, W, 3); H and W as in the files, or `image_size`.
    Raises Refusal if the folder is missing, has no train/CLASS/ images, contains a file that cannot be read as an
    image, or its images differ in size and `image_size` is None.
    """
    import tensorflow_datasets as tfds

    root = local_path(path)
    require(root.is_dir(), "load", "folder, a directory", folder=str(path))
    levels = [sorted(root.glob(pattern)) for pattern in ("*", "*/*", "*/*/*")]  # what ImageFolder lists
    for entry in itertools.chain(*levels):
        check_utf8(entry)
    files = [file for file in levels[-1] if file.name.lower().endswith(SUFFIXES)]
    layout = "folder with images train/CLASS/NAME.png"
    require(any(file.parts[-3] == "train" for file in files), "load", layout, folder=str(path))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of images half as large as it accepts
        sizes, modes = zip(*map(_size_and_mode, files))
    check_image_size(image_size, (None, None, 3))
    first, other = sizes[0], next((size for size in sizes if size != sizes[0]), None)
    expected = "image_size=(height, width) for images that differ in size"
    require(other is None or image_size, "load", expected, folder=str(path), sizes=(first, other))

    channels = 1 if set(modes) <= {"1", "L"} else 3
    decoded = (*first, channels) if other is None else (None, None, channels)
    builder = tfds.ImageFolder(str(root), shape=decoded, dtype=tf.uint8)
    class_names = tuple(builder.info.features["label"].names)

    def find_damage():
        contents = tf.data.Dataset.from_tensor_slices([str(file) for file in files]).map(tf.io.read_file)
        count, whole = count_readable(contents.map(builder.info.features["image"].decode_example))
        return None if whole else f"{files[count]} is damaged"

    def read(split, start, stop):
        # ImageFolder shuffles its list of files, with a fixed seed: the tail is a random sample.
        dataset = builder.as_dataset(split=split, as_supervised=True).skip(start).take(stop - start)
        dataset = dataset.map(lambda x, y: prepare_example(x, y, image_size), tf.data.AUTOTUNE)
        return Examples(dataset, stop - start, checks=ExampleChecks(find_damage=find_damage))

    return Source(
        name=root.name,
        input_shape=(*(image_size or first), channels),
        dtype="uint8",
        label_shape=(),
        classes=len(class_names),
        class_names=class_names,
        split_sizes={split: info.num_examples for split, info in builder.info.splits.items() if info.num_examples},
        read=read,
        content=digest([(file.relative_to(root).as_posix(), file.stat().st_size) for file in files]),
    )


def _size_and_mode(file):
    """Returns ((height, width), mode) of an image file without decoding it."""
    from PIL import Image

    try:
        if not file.is_file():  # a named pipe would block
            raise OSError
        with Image.open(file) as image:
            if image.format in FORMATS:
                return (image.height, image.width), image.mode
            problem = f"{image.format}, neither JPEG nor PNG"
    except Image.DecompressionBombError:
        problem = f"an image of more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels"
    except Exception:  # a damaged file can raise any exception
        problem = "not an image"
    raise Refusal(f"load expects images in its folder; received {str(file)!r}, {problem}.")
