"""Reads the examples in files as a model takes them: images, and arrays of one example or of many."""

import dataclasses
import os
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, one_line, require
from kzoo.data.file_arguments import is_image
from kzoo.data.image_file import UnreadableImageError, read_image
from kzoo.data.npz_source import read_member
from kzoo.data.source import resize_images
from kzoo.memory import available_memory
from kzoo.types import PathLike, Shape

NAMES = ("x", "x_test")  # arrays of examples in an .npz file of several arrays


@dataclasses.dataclass(frozen=True)
class ExampleReader:
    """Reads files as examples of one shape.

    Arguments: who, what messages name; shape, of one example, None where any size fits; resize, how images get that
    shape, as for `kzoo.data.load`.
    """

    who: str
    shape: Shape
    resize: str | int = "stretch"

    def read(self, file: PathLike) -> np.ndarray:
        """Returns the examples in a file as float32, (N, *shape). Raises Refusal if they have another shape."""
        if os.path.exists(file) and not os.path.isfile(file):  # a named pipe would block
            raise Refusal(f"{self.who}: {file} is no regular file.")
        return self._pixels(Path(file))[None] if is_image(file) else self._examples(Path(file))

    def _pixels(self, file: Path) -> np.ndarray:
        """Returns an image (H, W, C), resized if the size is known.

        The pixels are those of `kzoo.data.image_file`, as in training: 0 to 255, or to 65,535 if the file has 16 bits.
        """
        images = len(self.shape) == 3 and self.shape[-1] in (1, 3)
        expected = f".npy files for examples of shape ({self._text}), which are not images"
        require(images, self.who, expected, file=str(file))
        try:
            pixels = read_image(file, self.shape[-1] or 3)
        except (UnreadableImageError, OSError) as error:
            raise Refusal(f"{self.who}: {file} {reason(error)}") from error
        size = tuple(self.shape[:2])
        fits = pixels.shape[:2] == size and isinstance(self.resize, str)  # a length of the shorter side enlarges
        if None in size or fits:
            return pixels.astype("float32")
        return resize_images(tf.constant(pixels), size, self.resize).numpy().astype("float32")

    def _examples(self, file: Path) -> np.ndarray:
        x = _numbers(file, self.who)
        found = x.shape
        if x.ndim == len(self.shape) and self._fits(x):  # one example
            x = x[None]
        elif x.ndim == len(self.shape) and self.shape[-1] == 1:  # examples without the axis of their one channel
            x = x[..., None]
        elif x.ndim == len(self.shape) - 1 and self.shape[-1] == 1:  # one of them
            x = x[None, ..., None]
        fits = x.ndim == len(self.shape) + 1 and self._fits(x[0] if len(x) else x) and len(x) > 0
        require(fits, self.who, f"an array of shape (N, {self._text}), N above 0", file=str(file), shape=found)
        return x

    def _fits(self, x: np.ndarray) -> bool:
        return x.ndim == len(self.shape) and all(wanted in (None, n) for n, wanted in zip(x.shape, self.shape))

    @property
    def _text(self) -> str:
        return ", ".join(str(n or "any") for n in self.shape)


def reason(error: Exception) -> str:
    """Returns why a file was not read, as a phrase that follows its name.

    >>> reason(FileNotFoundError(2, "No such file or directory", "x.png"))
    'cannot be read: no such file or directory.'
    """
    if isinstance(error, OSError):
        return f"cannot be read: {(error.strerror or one_line(error, 300)).lower()}."
    return f"is {error}."


def _numbers(file: Path, who: str) -> np.ndarray:
    """Returns the array of numbers in a .npy or .npz file as float32."""
    packed = file.suffix.lower() == ".npz" or zipfile.is_zipfile(file)
    try:
        x = _read_npz(file) if packed else np.load(file, allow_pickle=False)
    except Exception as error:  # a damaged file can raise any exception
        kind = "no .npz file of examples" if packed else "neither an image nor a .npy array"
        by_system = isinstance(error, OSError) and error.strerror
        why = reason(error) if by_system else f"is {kind}: {one_line(error, 300)}"
        raise Refusal(f"{who}: {file} {why}") from error
    numeric = isinstance(x, np.ndarray) and x.dtype.kind in "fiub"
    require(numeric, who, "one array of numbers in a .npy file", file=str(file))
    with np.errstate(over="ignore"):  # of numbers beyond float32, whose outputs are refused
        return x.astype("float32")


def _read_npz(file: Path) -> np.ndarray:
    """Returns the array of examples in an .npz file: its only one, or the one called x or x_test.

    Raises ValueError if there is none.
    """
    with zipfile.ZipFile(file) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        name = next((name for name in NAMES if name in members), None)
        if name is None and len(members) != 1:
            raise ValueError(f"of several arrays one must be called {' or '.join(NAMES)}; it has {sorted(members)}")
        member = members[name] if name else next(iter(members.values()))
        if member.file_size > available_memory():
            raise ValueError(f"its array has {member.file_size:,} bytes, more than the free memory")
        return read_member(archive, member)
