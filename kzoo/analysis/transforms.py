"""Shifts, rotations, scalings, all three at once, and flips of channels-last arrays, with linear interpolation."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import scipy.ndimage

from kzoo.analysis.model_inputs import Inputs
from kzoo.checks import is_integer, is_number, require

Transform: TypeAlias = Literal["shift", "rotation", "scale", "flip", "similarity"]
Amount: TypeAlias = float | tuple[float, ...]

LABELS = {
    "shift": "shift (pixels)",
    "rotation": "rotation (degrees)",
    "scale": "scale (factor)",
    "flip": "flipped axis",
    "similarity": "factor, degrees, pixels",
}
BORDERS = {"circular": "grid-wrap", "zeros": "grid-constant", "replicate": "nearest", "reflect": "mirror"}
CROP = "crop"  # of analyses that compare only what a transformed input has data for


class Moves(NamedTuple):
    """A transformation of several amounts, and how inputs continue outside."""

    transform: Transform
    amounts: tuple[Amount, ...]
    border: str

    @property
    def filling(self) -> str:
        """The border of `transform_array`."""
        return "zeros" if self.border == CROP else self.border

    def of(self, inputs: Inputs) -> Iterator[Inputs]:
        """Yields the inputs transformed by each amount."""
        for amount in self.amounts:
            yield inputs.replaced(transform_array(inputs.x, self.transform, amount, self.filling))


def transform_array(
    x: Any, transform: Transform, amount: Any, border: str = "circular", strides: Sequence[Any] = ()
) -> np.ndarray:
    """Returns an array (B, *spatial, C) that is shifted, rotated, scaled or flipped; its shape stays the same.

    transform: "shift" by `amount` pixels towards larger indices, along the last spatial axis or (a tuple) along each;
    "rotation" counterclockwise by degrees about the centre, and "scale" by a factor about the centre (above 1
    enlarges), both of images only; "flip" of the spatial axis `amount`; "similarity" by (factor, degrees, pixels along
    each axis), which scales and rotates about the centre and then shifts: signals without rotation, volumes within
    their last two axes.
    border: what lies outside the array: "circular" continues with the opposite end, "zeros" is 0, "replicate" repeats
    the edge element, "reflect" mirrors at the edge element without repeating it.
    strides: pixels between positions of x, if x is a map of a strided layer and `amount` is in pixels.

    >>> transform_array([[[1.0], [2.0], [3.0]]], "shift", 1).ravel()
    array([3., 1., 2.])
    """
    x = np.asarray(x)
    x = x if x.dtype in ("float32", "float64") else x.astype("float32")
    rank = x.ndim - 2
    check_transform("transform_array", transform, rank)
    require(border in BORDERS, "transform_array", f"border, one of {tuple(BORDERS)}", border=border)
    (amount,) = checked_amounts("transform_array", transform, [amount], x.shape[1:-1], limited=False)
    if transform == "flip":
        return np.flip(x, 1 + amount)
    step = np.array([float(n) for n in strides or (1,) * rank])
    factor, degrees, *shift = as_similarity(transform, amount, rank)
    maps = np.moveaxis(x, -1, 1)
    centre = (np.array(maps.shape[2:]) - 1) / 2
    matrix, offset = np.eye(rank + 1), np.zeros(rank + 1)  # of maps one after the other, which is quicker for SciPy
    matrix[1:, 1:] = _inverse(factor, degrees, rank) * step / step[:, None]
    offset[1:] = centre - matrix[1:, 1:] @ (centre + np.array(shift) / step)
    flat = maps.reshape(-1, *maps.shape[2:])
    moved = scipy.ndimage.affine_transform(flat, matrix, offset, order=1, mode=BORDERS[border])
    return np.moveaxis(moved.reshape(maps.shape), 1, -1)


def _inverse(factor, degrees, rank):
    """Returns the matrix from positions of a scaled and rotated array to those of the array, about the centre."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix, axes = np.eye(rank), slice(-min(rank, 2), None)
    matrix[axes, axes] = np.array([[cos, sin], [-sin, cos]])[axes, axes] / factor
    return matrix


def as_similarity(transform: Transform, amount: Any, rank: int) -> tuple[Any, ...]:
    """Returns the factor, the degrees and the pixels along each spatial axis of a transformation that is no flip.

    >>> as_similarity("shift", 3, 2), as_similarity("rotation", 90, 2)
    ((1, 0, 0, 3), (1, 90, 0, 0))
    """
    if transform == "similarity":
        return amount
    factor, degrees = amount if transform == "scale" else 1, amount if transform == "rotation" else 0
    return factor, degrees, *(pixels(amount, rank) if transform == "shift" else (0,) * rank)


def pixels(amount: Any, rank: int) -> tuple[Any, ...]:
    """Returns a shift as pixels along each spatial axis.

    >>> pixels(3, 2)
    (0, 3)
    """
    return amount if isinstance(amount, tuple) else (0,) * (rank - 1) + (amount,)


def check_transform(who: str, transform: Any, rank: int) -> None:
    """Refuses unknown transformations, and rotations and scalings of anything but images."""
    require(
        isinstance(transform, str) and transform in LABELS, who, f"transform, one of {(*LABELS,)}", transform=transform
    )
    planar = transform in ("rotation", "scale")
    require(not planar or rank == 2, who, f"images for a {transform}", spatial_axes=rank)


def checked_amounts(
    who: str, transform: Transform, amounts: Any, spatial: Sequence[int], limited: bool = True
) -> tuple[Amount, ...]:
    """Returns the amounts of a transformation of arrays with these spatial sizes, refusing what makes no sense.

    `limited`: shifts must be whole pixels and smaller than the array.
    """
    rank = len(spatial)
    expected = {
        "shift": f"amounts, a sequence of shifts in whole pixels or {rank}-tuples of them, below {(*spatial,)}",
        "rotation": "amounts, a sequence of finite degrees",
        "scale": "amounts, a sequence of finite factors above 0",
        "flip": f"amounts, a sequence of spatial axes from 0 to {rank - 1}",
        "similarity": f"amounts, a sequence of tuples (factor above 0, degrees{' of 0' if rank == 1 else ''}, whole "
        f"pixels along each axis, below {(*spatial,)})",
    }[transform]
    given = list(amounts) if isinstance(amounts, (list, tuple, range, np.ndarray)) else []
    given = [tuple(a) if isinstance(a, (list, np.ndarray)) and np.ndim(a) else a for a in given]
    require(given and all(_fits(transform, a, spatial, limited) for a in given), who, expected, amounts=amounts)
    return tuple(given)


def _fits(transform, amount, spatial, limited):
    if transform == "shift":
        parts = pixels(amount, len(spatial))
        numbers = len(parts) == len(spatial) and all(map(is_integer if limited else is_number, parts))
        return numbers and (not limited or all(abs(part) < n or part == 0 for part, n in zip(parts, spatial)))
    if transform == "flip":
        return is_integer(amount) and 0 <= amount < len(spatial)
    if transform == "similarity":
        good = isinstance(amount, tuple) and len(amount) == 2 + len(spatial)
        good = good and _fits("scale", amount[0], spatial, limited) and _fits("rotation", amount[1], spatial, limited)
        return good and _fits("shift", amount[2:], spatial, limited) and (len(spatial) > 1 or amount[1] == 0)
    return is_number(amount) and math.isfinite(amount) and (transform == "rotation" or amount > 0)


def default_amounts(transform: Transform, spatial: Sequence[int]) -> tuple[Amount, ...]:
    """Returns the amounts that are tried unless others are given, in order of size.

    Shifts up to 8 pixels and a quarter of the last axis in both directions, all rotations in steps of 15 degrees,
    factors from 1/2 to 2 in steps of a quarter of an octave, and the flip of each axis; no similarities.
    """
    limit = min(8, spatial[-1] // 4)
    return {
        "shift": tuple(range(-limit, limit + 1)),
        "rotation": tuple(range(-180, 181, 15)),
        "scale": tuple(2.0 ** (quarter / 4) for quarter in range(-4, 5)),
        "flip": tuple(range(len(spatial))),
        "similarity": (),
    }[transform]


def checked_moves(
    who: str,
    transform: Transform,
    amounts: Any,
    border: str | None,
    spatial: Sequence[int],
    defaults: Callable[[Transform, Sequence[int]], Sequence[Amount]] = default_amounts,
    borders: Sequence[str] = tuple(BORDERS),
) -> Moves:
    """Returns a transformation of arrays with these spatial sizes; refuses amounts and borders that make no sense.

    Where they are None: the default amounts; "circular" for shifts and "zeros" for the others.
    """
    check_transform(who, transform, len(spatial))
    chosen = checked_amounts(who, transform, defaults(transform, spatial) if amounts is None else amounts, spatial)
    border = ("circular" if transform == "shift" else "zeros") if border is None else border
    require(border in borders, who, f"border, one of {(*borders,)}", border=border)
    return Moves(transform, chosen, border)


def amount_places(amounts: Sequence[Amount]) -> tuple[np.ndarray, list[str]]:
    """Returns where amounts stand on an axis of a plot, and the labels of those that are not just numbers."""
    if any(isinstance(amount, tuple) for amount in amounts):
        return np.arange(len(amounts), dtype="float64"), [str(amount) for amount in amounts]
    return np.array(amounts, dtype="float64"), []
