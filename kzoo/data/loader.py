"""One call from a name, a folder or a file of arrays to the splits of a run.

Source: none.
"""

import dataclasses
import os

from kzoo.checks import is_integer, require
from kzoo.data.examples import Examples
from kzoo.data.folder_source import folder as read_folder
from kzoo.data.npz_source import arrays as read_arrays
from kzoo.data.tfds_source import named as read_named


@dataclasses.dataclass(frozen=True)
class Data:
    """A data set ready for a run.

    Shapes: input_shape is that of one example. Arguments: validation and test are None where there is none, classes
    is None where the set does not say (label maps), class_names where the classes have only numbers. Errors: none.
    """

    name: str
    train: Examples
    validation: Examples | None
    test: Examples | None
    classes: int | None
    class_names: tuple | None
    input_shape: tuple


def load(name=None, *, folder=None, arrays=None, validation=0, image_size=None, length=None):
    """The splits of one data set: by `name`, from a `folder` of images or from an .npz file of `arrays`.

    The test split is the set's `test`, or its `validation` where it has no test split and nobody asked for that as
    validation; a folder's `val` counts as `validation`.
    Shapes: as `Data`; images are resized to `image_size` (height, width) if it is given, series and clips of a set by
    name cut or filled to `length` steps or frames.
    Units: `validation` is a fraction of the training split in (0, 1), or a number of examples, taken from its end and
    the same in every run; or the name of one of the set's own splits; 0 for none.
    Errors: Refusal if not exactly one of name, folder and arrays is given, validation is none of these, or the
    source is refused (`named`, `folder`, `arrays`).

    >>> digits = load("digits", validation=0.2)
    >>> digits.train.size, digits.validation.size, digits.test.size, digits.input_shape, digits.classes
    (1150, 287, 360, (8, 8, 1), 10)
    """
    found = facts(name, folder=folder, arrays=arrays, image_size=image_size, length=length, prepare=True)
    sizes = found.sizes
    require("train" in sizes, "load", f"a train split in {found.name!r}", splits=sorted(sizes))

    own = validation if isinstance(validation, str) else None
    held = 0 if own else _held_out(validation, sizes["train"])
    if own:
        ok = own in sizes and own != "train"
        require(ok, "load", f"validation, one of the splits {sorted({*sizes} - {'train'})}", validation=validation)
    tests = [split for split in ("test", "validation", "val") if split in sizes and split != own]

    def split(name, start=0, stop=None):
        return found.examples(name, start, sizes[name] if stop is None else stop)

    kept = sizes["train"] - held
    return Data(
        name=found.name,
        train=split("train", 0, kept),
        validation=split(own) if own else split("train", kept) if held else None,
        test=split(tests[0]) if tests else None,
        classes=found.classes,
        class_names=found.class_names,
        input_shape=found.input_shape,
    )


def specs(name=None, *, folder=None, arrays=None, image_size=None, length=None):
    """(input_shape, dtype, classes) of a data set, without preparing or downloading it.

    Errors: Refusal as `load`, except that a set need not be prepared.

    >>> specs("mnist1d")
    ((40, 1), 'float32', 10)
    """
    found = facts(name, folder=folder, arrays=arrays, image_size=image_size, length=length)
    return found.input_shape, found.dtype, found.classes


def facts(name=None, *, folder=None, arrays=None, image_size=None, length=None, prepare=False):
    """The facts of a data set as a `Source`, its files in place if `prepare`. Errors: Refusal as `load`."""
    given = {"name": name, "folder": folder, "arrays": arrays}
    given = {key: value for key, value in given.items() if value is not None}
    require(len(given) == 1, "load", "exactly one of name, folder and arrays", **(given or {"name": None}))
    image_size = tuple(image_size) if isinstance(image_size, list) else image_size
    if name is not None:
        return read_named(name, image_size, length, prepare)
    require(length is None, "load", "length of a set by its name only", length=length)
    path = folder if arrays is None else arrays
    require(isinstance(path, (str, os.PathLike)), "load", "a path", **given)
    return read_folder(path, image_size) if arrays is None else read_arrays(path, image_size)


def _held_out(validation, size):
    """How many of `size` training examples `validation` asks for."""
    ok = not isinstance(validation, bool) and isinstance(validation, (int, float)) and 0 <= validation < size
    ok = ok and (validation < 1 or is_integer(validation, 1))
    expected = f"validation, 0, a fraction below 1, a number below the {size} training examples or a split's name"
    require(ok, "load", expected, validation=validation)
    return validation if validation >= 1 or validation == 0 else min(max(1, round(validation * size)), size - 1)
