"""Panels of figures that show examples of data and maps of them: signals, images, and one slice of volumes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 64  # examples in one figure
SIGNED = "RdBu_r"  # colours of signed numbers, zero white


def panels(count: int, parts: int = 1, spatial: int = 2, title: str = "") -> "tuple[Figure, np.ndarray]":
    """Returns a figure with a title, and its axes (examples, parts): at most 64 examples of `parts` panels each.

    spatial: the number of spatial axes. Panels of signals are wider than those of images.
    """
    shown = min(count, MOST)
    across = max(1, -int(-np.sqrt(shown / parts) // 1))
    down = -(-shown // across)
    width, height = (3.2, 2.2) if spatial == 1 else (1.8, 2.0)
    sheet = figure(max(4.0, width * across * parts) + 0.8, height * down + 0.7)
    axes = sheet.subplots(down, across * parts, squeeze=False).reshape(-1, parts)
    for each in axes[shown:].flat:
        each.set_axis_off()
    more = f", the first {MOST} of {count} examples" if count > MOST else ""
    head, *rest = title.split("\n")
    sheet.suptitle("\n".join([f"{head}{more}", *rest]), fontsize=10)
    return sheet, axes[:shown]


def one_slice(x: np.ndarray, spatial: int, at: int | None = None) -> np.ndarray:
    """Returns an example or a map as it is drawn: of three spatial axes a slice along the first, by default the middle.

    >>> one_slice(np.eye(3), 3), one_slice(np.eye(3), 3, at=0)
    (array([0., 1., 0.]), array([1., 0., 0.]))
    """
    return x[len(x) // 2 if at is None else at] if spatial == 3 else x


def value_limits(arrays: Sequence[np.ndarray] | np.ndarray, signed: bool = False) -> tuple[float, float]:
    """Returns the smallest and largest finite value of arrays; with `signed`, limits symmetric about 0.

    >>> value_limits([np.array([-1, 2])]), value_limits([np.array([-1, 2])], signed=True)
    ((-1.0, 2.0), (-2.0, 2.0))
    """
    flat = np.concatenate([np.ravel(array) for array in arrays]).astype("float64")
    flat = flat[np.isfinite(flat)]
    low, high = (flat.min(), flat.max()) if flat.size else (0.0, 1.0)
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    return (float(low), float(high)) if low < high else (float(low) - 0.5, float(low) + 0.5)


def show(axes: Any, array: np.ndarray, limits: tuple[float, float], colours: str = "gray") -> None:
    """Draws an array (*spatial, channels): bars, a signal with a line for each channel, or an image.

    Images of 3 channels are shown in colour, of other numbers of channels their mean; of a volume the middle slice.
    """
    low, high = limits
    array = np.asarray(array, "float64")
    if array.ndim == 1:
        axes.bar(np.arange(len(array)), array, color="0.3")
        axes.set_ylim(min(low, 0.0), max(high, 0.0))
    elif array.ndim == 2:
        axes.plot(array, linewidth=1, color="0.2" if array.shape[1] == 1 else None)
        if low < 0 < high:
            axes.axhline(0, linewidth=0.5, color="0.7", zorder=0)
        margin = 0.05 * (high - low)
        axes.set_ylim(low - margin, high + margin)
    else:
        image = one_slice(array, array.ndim - 1)
        if image.shape[-1] == 3:
            show_image(axes, np.clip((image - low) / (high - low), 0, 1))
        else:
            show_image(axes, image.mean(-1), cmap=colours, vmin=low, vmax=high)
        return
    axes.locator_params(nbins=3)
    axes.tick_params(labelsize=6, length=2)


def show_example(axes: Any, x: np.ndarray, at: int | None = None) -> None:
    """Draws an example (*spatial, channels), its smallest number darkest and its largest brightest."""
    x = one_slice(x, x.ndim - 1, at)
    show(axes, x, value_limits([x]))
    if x.ndim == 2:
        axes.set(xlabel="position", ylabel="input")


def show_signed(axes: Any, x: np.ndarray, at: int | None = None) -> None:
    """Draws a map (*spatial, channels) of signed numbers: zero is grey in three channels, and else white.

    The largest number of the map has the strongest colour. Other numbers of channels are added up.
    """
    x = one_slice(x, x.ndim - 1, at)
    if x.ndim > 2 and x.shape[-1] != 3:
        x = x.sum(-1, keepdims=True)
    show(axes, x, value_limits([x], signed=True), SIGNED)
    if x.ndim == 2:
        axes.set(xlabel="position", ylabel="projection")


def show_image(axes: Any, image: np.ndarray, **colours: Any) -> Any:
    """Draws an image without ticks and interpolation, and returns it."""
    axes.set_xticks([])
    axes.set_yticks([])
    return axes.imshow(image, interpolation="nearest", **colours)


def show_overlay(axes: Any, x: np.ndarray, shade: np.ndarray, **colours: Any) -> Any:
    """Draws an example (*spatial, channels) coloured by a map (*spatial) of it, and returns what a colour bar needs."""
    if shade.ndim > 1:
        show_example(axes, x)
        return show_image(axes, one_slice(shade, shade.ndim), alpha=0.55, **colours)
    from matplotlib.collections import LineCollection

    positions = np.arange(len(x))
    for channel in x.T:
        points = np.stack([positions, channel], -1)
        halves = np.concatenate([points[:1], (points[1:] + points[:-1]) / 2, points[-1:]])
        lines = LineCollection(list(np.stack([halves[:-1], points, halves[1:]], 1)), array=shade, linewidth=2)
        lines.set(cmap=colours["cmap"], clim=(colours["vmin"], colours["vmax"]))
        axes.add_collection(lines)
    axes.autoscale()
    axes.set(xlabel="position", ylabel="input")
    return lines
