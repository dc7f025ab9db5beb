"""Images in folders, DIR/train/CLASS/*.png and DIR/test/CLASS/*.png, through TFDS's ImageFolder.

Source: tfds.ImageFolder, TensorFlow Datasets.
"""

from pathlib import Path

import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.examples import Examples
from kzoo.data.source import Source, check_image_size, tidy

SUFFIXES = (".jpg", ".jpeg", ".png")  # what ImageFolder reads


def folder(path, image_size=None):
    """The Source of a folder of images, classes in alphabetical order.

    Shapes: images (H, W, 1) uint8 if all are grey, otherwise (H, W, 3); H and W as in the files, or `image_size`.
    Units: 0..255. Errors: Refusal if the folder is not there, has no train/CLASS/ images, holds a file that is no
    image, or its images differ in size and no image_size is given.
    """
    import tensorflow_datasets as tfds

    root = Path(path).expanduser()
    require(root.is_dir(), "load", "folder, a directory", folder=str(path))
    found = sorted(file for file in root.glob("*/*/*") if file.suffix.lower() in SUFFIXES)
    layout = f"folder with images {'/'.join(('train', 'CLASS', 'NAME.png'))}"
    require(any(file.parts[-3] == "train" for file in found), "load", layout, folder=str(path))

    sizes, modes = zip(*map(_header, found))
    differ = len(set(sizes)) > 1
    check_image_size(image_size, (None, None, 3))
    first, odd = sizes[0], next((size for size in sizes if size != sizes[0]), None)
    expected = "image_size=(height, width) for images that differ in size"
    require(not differ or image_size, "load", expected, folder=str(path), sizes=(first, odd))

    channels = 1 if set(modes) <= {"1", "L"} else 3
    decoded = (None, None, channels) if differ else (*first, channels)
    builder = tfds.ImageFolder(str(root), shape=decoded, dtype=tf.uint8)
    names = tuple(builder.info.features["label"].names)

    def examples(split, start, stop):
        # ImageFolder has shuffled its list of files, the same each time: the tail is a fair sample.
        some = builder.as_dataset(split=split, as_supervised=True).skip(start).take(stop - start)
        return Examples(some.map(lambda x, y: tidy(x, y, image_size), tf.data.AUTOTUNE), stop - start)

    return Source(
        name=root.name,
        input_shape=(*(image_size or first), channels),
        dtype="uint8",
        label_shape=(),
        classes=len(names),
        class_names=names,
        sizes={split: info.num_examples for split, info in builder.info.splits.items() if info.num_examples},
        examples=examples,
    )


def _header(file):
    """((height, width), mode) of an image file, without decoding it."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            return (image.height, image.width), image.mode
    except OSError as error:
        raise Refusal(f"load expects images in its folder; received {str(file)!r}, which is none.") from error
