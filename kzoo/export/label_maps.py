"""Label maps that a model predicts for images: shares of the classes, and files with the maps and their pictures."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kzoo.checks import Refusal, require
from kzoo.data.image_file import SUFFIXES, UnreadableImageError, read_image
from kzoo.files import check_writable, write_atomically

SUFFIXES_OF_MAPS = (".npy", ".png", "_overlay.png")  # class numbers, coloured classes, these over the image
OPACITY = 0.5  # of the colours over an image


def class_shares(label_map: np.ndarray, labels: list[str] | None, top: int) -> list[dict[str, Any]]:
    """Returns the classes with the largest shares of a label map's pixels, those without a pixel left out.

    >>> class_shares(np.array([[2, 2], [2, 0]]), None, top=1)
    [{'class': 2, 'label': None, 'share': 0.75}]
    """
    classes, counts = np.unique(label_map, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:top]
    return [
        {
            "class": int(classes[i]),
            "label": labels[classes[i]] if labels else None,
            "share": float(counts[i] / label_map.size),
        }
        for i in order
    ]


class MapWriter:
    """Writes label maps into a folder, with the names of the files that they were predicted for.

    Of `street.png` these are street.npy with the class numbers, street.png with a colour for each class, and
    street_overlay.png with the colours over the image, all in the image's own size. Files of one stem keep their suffix
    in the names; examples of an .npy file get their number, and have no overlay.
    Raises Refusal, before anything is predicted, if the folder cannot be written or, unless `overwrite` is true, if it
    holds one of these files.
    """

    def __init__(self, folder: Path, files: list[Path], overwrite: bool = False):
        self.folder = Path(folder)
        stems = Counter(file.stem for file in files)
        self.names = {file: file.stem if stems[file.stem] == 1 else file.name for file in files}
        doubled = [name for name, count in Counter(self.names.values()).items() if count > 1]
        require(not doubled, "predict --maps", "files of different names", name=doubled[0] if doubled else None)
        check_writable(self.folder / "maps.npy", "predict --maps")
        there = [path for file in files for path in self._paths(file, None) if path.exists()]
        require(overwrite or not there, "predict --maps", "a folder without these maps, or --overwrite", file=there[:1])

    def _paths(self, file, index):
        name = self.names[file] + ("" if index is None else f"_{index}")
        return [self.folder / f"{name}{suffix}" for suffix in SUFFIXES_OF_MAPS]

    def write(self, file: Path, index: int | None, label_map: np.ndarray, classes: int) -> None:
        """Writes the files of one example; index: its number in an .npy file, or None."""
        numbers, coloured, overlay = self._paths(file, index)
        image = self._image(file)
        if image is not None:
            label_map = resize_map(label_map, image.shape[:2])
        stream = io.BytesIO()
        np.save(stream, label_map)
        write_atomically(numbers, stream.getvalue())
        colours = np.round(255 * class_colours(classes)[:, :3]).astype("uint8")[label_map]
        write_atomically(coloured, encode_png(colours))
        if image is not None:
            write_atomically(overlay, encode_png(np.round((1 - OPACITY) * image + OPACITY * colours).astype("uint8")))

    def _image(self, file):
        """Returns the pixels of an image file as 8-bit RGB, or None for an .npy file."""
        if file.suffix.lower() not in SUFFIXES:
            return None
        try:
            pixels = np.asarray(read_image(file, 3), "float32")
        except UnreadableImageError as error:
            raise Refusal(f"predict: {file} is {error}.") from error
        return np.clip(pixels * (255 / max(255, pixels.max())), 0, 255)  # 16 bits are scaled


def resize_map(label_map: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a label map of another size, each pixel with the class of the nearest one.

    >>> resize_map(np.array([[1, 2]]), (1, 4)).tolist()
    [[1, 1, 2, 2]]
    """
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(size, label_map.shape))
    return label_map[rows[:, None], columns]


def encode_png(pixels: np.ndarray) -> bytes:
    """Returns the bytes of a PNG file of 8-bit RGB pixels (H, W, 3)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def class_colours(classes: int) -> np.ndarray:
    """Returns one RGBA colour per class: ten strong ones, then their ten pale variants; over twenty, a rainbow.

    >>> class_colours(11).shape, len(np.unique(class_colours(20), axis=0))
    ((11, 4), 20)
    """
    from matplotlib import colormaps

    if classes > 20:
        return colormaps["turbo"](np.linspace(0, 1, classes))
    return colormaps["tab20"]([*range(0, 20, 2), *range(1, 20, 2)][:classes])
