"""Label maps that a model predicts for images: shares of the classes, and files with the maps and their pictures."""

import glob
import io
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kzoo.checks import Refusal, require
from kzoo.data.file_arguments import is_image
from kzoo.data.image_file import UnreadableImageError, read_image
from kzoo.files import check_writable, write_atomically

SUFFIXES_OF_MAPS = (".npy", ".png", "_overlay.png")  # class numbers, classes in colours, these over the image
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

    Of `street.png` these are street.npy with the class numbers, street.png with the same numbers and a palette of
    colours (the colours only for more than 256 classes), and street_overlay.png with the colours over the image, all in
    the image's own size. Maps of files in several folders are written into subfolders of the same names. Files of one
    stem keep their suffix in the names; examples of an array's file get their number, and have no overlay.
    Raises Refusal, before anything is predicted, if the folder cannot be written, if two files would write the same
    maps or, unless `overwrite` is true, if it holds one of these maps.
    """

    def __init__(self, folder: Path, files: list[Path], overwrite: bool = False):
        self.folder = Path(folder)
        self.written: set[Path] = set()
        self.names = names_of_maps(files)
        check_writable(self.folder / "maps.npy", "predict --maps")
        images = [path for file in self.names if is_image(file) for path in self._paths(file, None)]
        doubled = [path for path, count in Counter(images).items() if count > 1]
        require(not doubled, "predict --maps", "files whose maps have different names", map=str(doubled[:1]))
        there = [path for path in images if path.exists()] + [
            path for file in self.names if not is_image(file) for path in self._numbered(file)
        ]
        require(overwrite or not there, "predict --maps", "a folder without these maps, or --overwrite", file=there[:1])

    def _paths(self, file, index):
        name = self.names[file] + ("" if index is None else f"_{index}")
        return [self.folder / f"{name}{suffix}" for suffix in SUFFIXES_OF_MAPS]

    def _numbered(self, file):
        """Returns the maps in the folder that look like those of examples of an array's file."""
        return sorted(self.folder.glob(f"{glob.escape(self.names[file])}_[0-9]*.*"))

    def write(self, file: Path, index: int | None, label_map: np.ndarray, classes: int) -> None:
        """Writes the files of one example; index: its number in an array's file, or None."""
        numbers, coloured, overlay = paths = self._paths(file, index)
        twice = index is not None and not self.written.isdisjoint(paths)
        require(not twice, "predict --maps", "files whose maps have different names", map=str(numbers))
        self.written.update(paths)
        image = self._image(file)
        if image is not None:
            label_map = resize_map(label_map, image.shape[:2])
        numbers.parent.mkdir(parents=True, exist_ok=True)
        stream = io.BytesIO()
        np.save(stream, label_map)
        write_atomically(numbers, stream.getvalue())
        palette = np.round(255 * class_colours(classes)[:, :3]).astype("uint8")
        write_atomically(coloured, encode_label_map(label_map, palette))
        if image is not None:
            blended = np.round((1 - OPACITY) * image + OPACITY * palette[label_map]).astype("uint8")
            write_atomically(overlay, encode_png(Image.fromarray(blended)))

    def write_image(self, file: Path, index: int | None, image: np.ndarray) -> None:
        """Writes an image (H, W, C) that a model predicts: its numbers, and a picture of the first or three channels.

        The picture has the range from 0 to 1, or to 255 if there are larger numbers.
        """
        numbers, picture, _ = self._paths(file, index)
        numbers.parent.mkdir(parents=True, exist_ok=True)
        stream = io.BytesIO()
        np.save(stream, image)
        write_atomically(numbers, stream.getvalue())
        shown = image if image.shape[-1] == 3 else image[..., 0]
        scaled = shown * (255 if shown.max() <= 1 else 1)
        write_atomically(picture, encode_png(Image.fromarray(np.clip(np.round(scaled), 0, 255).astype("uint8"))))

    def _image(self, file):
        """Returns the pixels of an image file as 8-bit RGB, or None for an array's file."""
        if not is_image(file):
            return None
        try:
            pixels = np.asarray(read_image(file, 3), "float32")
        except UnreadableImageError as error:
            raise Refusal(f"predict: {file} is {error}.") from error
        return np.clip(pixels * (255 / max(255, pixels.max())), 0, 255)  # 16 bits are scaled


def names_of_maps(files: Sequence[Path]) -> dict[Path, str]:
    """Returns for each file the name of its maps: its path in the folder that holds all files, without the suffix.

    Of files that differ only in their suffix the names keep it.

    >>> names_of_maps([Path("in/a/x.png"), Path("in/b.png"), Path("in/b.jpg")])
    {PosixPath('in/a/x.png'): 'a/x', PosixPath('in/b.png'): 'b.png', PosixPath('in/b.jpg'): 'b.jpg'}
    """
    places = {file: Path(os.path.abspath(file)) for file in files}
    if not places:
        return {}
    base = os.path.commonpath([place.parent for place in places.values()])
    inside = {file: place.relative_to(base) for file, place in places.items()}
    stems = Counter(path.with_suffix("") for path in set(inside.values()))
    return {
        file: (path.with_suffix("") if stems[path.with_suffix("")] == 1 else path).as_posix()
        for file, path in inside.items()
    }


def resize_map(label_map: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a label map of another size, each pixel with the class of the nearest one.

    >>> resize_map(np.array([[1, 2]]), (1, 4)).tolist()
    [[1, 1, 2, 2]]
    """
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(size, label_map.shape))
    return label_map[rows[:, None], columns]


def encode_label_map(label_map: np.ndarray, palette: np.ndarray) -> bytes:
    """Returns the bytes of a PNG file whose pixels are class numbers and whose palette has the colours (classes, 3).

    Of more than 256 classes, which a palette cannot hold, the pixels are the colours.
    """
    if len(palette) > 256:
        return encode_png(Image.fromarray(palette[label_map]))
    image = Image.fromarray(label_map.astype("uint8"))
    image.putpalette(palette.tobytes())
    return encode_png(image)


def encode_png(image: Image.Image) -> bytes:
    """Returns the bytes of a PNG file."""
    stream = io.BytesIO()
    image.save(stream, "png")
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
