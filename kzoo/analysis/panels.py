"""Panels of figures that show examples of data and maps of them: signals, images, and one slice of volumes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 64  # examples in one figure


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


def show_example(axes: Any, x: np.ndarray, at: int | None = None) -> None:
    """Draws an example (*spatial, channels): three channels in colour, others as the grey image of their mean."""
    x = one_slice(x, x.ndim - 1, at)
    if x.ndim == 2:
        axes.plot(x, linewidth=1)
        axes.set(xlabel="position", ylabel="input")
        return
    low, high = x.min(), x.max()
    x = (x - low) / (high - low) if high > low else np.zeros_like(x)
    show_image(axes, x if x.shape[-1] == 3 else x.mean(-1), cmap="gray", vmin=0, vmax=1)


def show_signed(axes: Any, x: np.ndarray, at: int | None = None) -> None:
    """Draws a map (*spatial, channels) of signed numbers: zero is grey in three channels, and else white.

    The largest number of the map has the strongest colour. Other numbers of channels are added up.
    """
    x = one_slice(x, x.ndim - 1, at)
    if x.ndim == 2:
        axes.axhline(0, color="grey", linewidth=0.5)
        axes.plot(x, linewidth=1)
        axes.set(xlabel="position", ylabel="projection")
        return
    if x.shape[-1] == 3:
        show_image(axes, 0.5 + x / (2 * (np.abs(x).max() or 1)))
    else:
        total = x.sum(-1)
        top = np.abs(total).max() or 1
        show_image(axes, total, cmap="RdBu_r", vmin=-top, vmax=top)


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
