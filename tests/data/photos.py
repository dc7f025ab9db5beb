"""Folders of small photos for tests: real pictures, as phones and other programs write them."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"  # how such a file starts
SIDEWAYS = 6  # the Exif orientation of a photo that is taken upright


def crop(name: str, size: tuple[int, int], seed: int) -> Image.Image:
    """Returns a part of scikit-learn's photo china.jpg or flower.jpg, of (width, height)."""
    photo = Image.fromarray(load_sample_image(f"{name}.jpg"))
    draw = np.random.default_rng(seed)
    left, top = (int(draw.integers(0, whole - part)) for whole, part in zip(photo.size, size))
    return photo.crop((left, top, left + size[0], top + size[1]))


def save_rotated(image: Image.Image, file: Path) -> None:
    """Writes a photo whose pixels lie on their side, and whose Exif data say so."""
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    image.rotate(90, expand=True).save(file, exif=exif, quality=95)


def mixed_photos(root: Path, count: int = 12) -> Path:
    """Writes `count` photos of each of two classes: JPEG, PNG, WebP, GIF, BMP and TIFF, of mixed sizes.

    china/0.jpg is rotated by its Exif data, and china/1.png is damaged.
    """
    suffixes = ("jpg", "png", "webp", "gif", "bmp", "tif")
    for name in ("china", "flower"):
        (root / name).mkdir(parents=True)
        for i in range(count):
            image = crop(name, (90 + i, 70) if i % 2 else (60, 80 + i), i)
            image.save(root / name / f"{i}.{suffixes[i % len(suffixes)]}")
    save_rotated(crop("china", (60, 80), 0), root / "china" / "0.jpg")
    damaged = root / "china" / "1.png"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    return root
