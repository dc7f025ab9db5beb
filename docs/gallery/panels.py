"""Rows of panels in one style: images, grids of maps, curves and bars.

A panel is a function that draws on matplotlib axes, with a title, an aspect ratio, and whether the axes have ticks.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

WIDTH, HEIGHT, TITLE, GAP, TICKS = 8.6, 1.8, 0.26, 0.16, 0.3  # inches, at 100 dots an inch
RED, BLUE, GREEN, ORANGE, GREY = COLOURS = ("#d6336c", "#1c7ed6", "#2b8a3e", "#f08c00", "#868e96")


class Panel(NamedTuple):
    """One drawing in a row."""

    draw: Any
    title: str
    ratio: float = 1.0
    ticks: bool = False


def shown(x):
    """Returns a map or a colour image as an array (H, W) or (H, W, 3), without axes of size 1."""
    x = np.asarray(x, "float32")
    while x.ndim > 2 and 1 in (x.shape[0], x.shape[-1]):
        x = x[0] if x.shape[0] == 1 else x[..., 0]
    if x.ndim not in (2, 3) or (x.ndim == 3 and x.shape[-1] != 3):
        raise ValueError(f"image: one map or one colour image expected, got shape {x.shape}")
    return x


def image(x, title="", limit=None, overlay=None, signed=False):
    """A map or colour image: black is 0 and white `limit`; signed maps are red below 0 and blue above.

    `limit` is the value of full white or blue, by default the largest magnitude; pass one to compare panels. A `signed`
    map has these colours even if nothing is below 0. `overlay` is a function of the axes that draws over the image, in
    pixel coordinates.
    """
    x = shown(x)
    limit = limit or np.abs(x).max() or 1.0

    def draw(axes):
        if x.ndim == 3:
            axes.imshow(np.clip(x, 0, 1), interpolation="nearest")
        elif signed or x.min() < -1e-3 * limit:
            axes.imshow(x, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest")
        else:
            axes.imshow(x, cmap="gray", vmin=0, vmax=limit, interpolation="nearest")
        if overlay:
            overlay(axes)
            axes.set(xlim=(-0.5, x.shape[1] - 0.5), ylim=(x.shape[0] - 0.5, -0.5))

    return Panel(draw, title, x.shape[1] / x.shape[0])


def classes(x, title="", overlay=None):
    """A map of integers, with a colour for each."""
    x = np.squeeze(np.asarray(x))

    def draw(axes):
        axes.imshow(x, cmap="tab10", vmin=-0.5, vmax=9.5, interpolation="nearest")
        if overlay:
            overlay(axes)

    return Panel(draw, title, x.shape[1] / x.shape[0])


def tiles(xs, title="", columns=None, limit=None):
    """Several maps or colour images of one size, such as kernels, in a grid of `columns`."""
    xs = [shown(x) for x in xs]
    columns = columns or int(np.ceil(len(xs) ** 0.5))
    rows = -(-len(xs) // columns)
    high, wide = xs[0].shape[:2]
    edge = max(1, round(0.08 * max(high, wide)))
    sheet = np.full((rows * (high + edge) - edge, columns * (wide + edge) - edge, *xs[0].shape[2:]), np.nan, "float32")
    for i, x in enumerate(xs):
        top, left = i // columns * (high + edge), i % columns * (wide + edge)
        sheet[top : top + high, left : left + wide] = x
    limit = limit or np.nanmax(np.abs(sheet)) or 1.0
    if sheet.ndim == 3:
        return image(np.where(np.isnan(sheet), 1.0, sheet), title)

    def draw(axes):
        signed = np.nanmin(sheet) < -1e-3 * limit
        cmap = "RdBu" if signed else "gray"
        axes.imshow(sheet, cmap=cmap, vmin=-limit if signed else 0, vmax=limit, interpolation="nearest")

    return Panel(draw, title, sheet.shape[1] / sheet.shape[0])


def curves(title, lines, x=None, ratio=1.6, **settings):
    """Named lines over x, by default over the indices; `settings` are passed to the axes."""

    def draw(axes):
        for colour, (label, values) in zip(COLOURS * 4, lines.items()):
            y = np.ravel(np.asarray(values))
            axes.plot(np.arange(len(y)) if x is None else x, y, color=colour, label=label, lw=1.4)
        if len(lines) > 1 and not all(label.startswith("_") for label in lines):
            axes.legend(fontsize=7, frameon=False, handlelength=1.2)
        axes.grid(alpha=0.25)
        axes.set(**settings)

    return Panel(draw, title, ratio, ticks=True)


def bars(title, heights, labels=None, highlight=(), ratio=1.6, **settings):
    """Bars, those of `highlight` in red."""
    heights = np.ravel(np.asarray(heights))

    def draw(axes):
        axes.bar(range(len(heights)), heights, color=[RED if i in highlight else BLUE for i in range(len(heights))])
        if labels is not None:
            axes.set_xticks(range(len(heights)), labels)
        axes.set(**settings)

    return Panel(draw, title, ratio, ticks=True)


def boxes(*corners, colour=RED):
    """An overlay for `image`: rectangles (top, left, bottom, right) in pixels, with bottom and right exclusive."""

    def overlay(axes):
        for top, left, bottom, right in corners:
            xs = np.array([left, right, right, left, left]) - 0.5
            axes.plot(xs, np.array([top, top, bottom, bottom, top]) - 0.5, color=colour, lw=1.3)

    return overlay


def points(rows, columns, colour=RED, size=9):
    """An overlay for `image`: dots at pixels."""
    return lambda axes: axes.scatter(np.ravel(columns), np.ravel(rows), s=size, color=colour, zorder=3)


def sheet(rows):
    """Returns a figure of rows of panels; the panels of a row have one height."""
    rows = [row if isinstance(row, (list, tuple)) and not isinstance(row, Panel) else [row] for row in rows]
    heights = []
    for row in rows:
        taken = GAP * (len(row) + 1) + TICKS * sum(panel.ticks for panel in row)
        heights.append(min(HEIGHT, (WIDTH - taken) / sum(panel.ratio for panel in row)))
    ticks = [TICKS * any(panel.ticks for panel in row) for row in rows]
    whole = sum(heights) + sum(ticks) + len(rows) * (TITLE + GAP / 2)
    drawing = Figure((WIDTH, whole), dpi=100, facecolor="white")
    top = whole
    for row, height, below in zip(rows, heights, ticks):
        top -= TITLE + height
        left = GAP
        for panel in row:
            left += TICKS * panel.ticks
            wide = panel.ratio * height
            axes = drawing.add_axes((left / WIDTH, top / whole, wide / WIDTH, height / whole))
            panel.draw(axes)
            axes.set_title(panel.title, fontsize=8, pad=4, parse_math=False)
            axes.tick_params(labelsize=6.5, length=2, pad=2)
            if not panel.ticks:
                axes.set_xticks([])
                axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_visible(panel.ticks)
                spine.set_color("#adb5bd")
            left += wide + GAP
        top -= below + GAP / 2
    return drawing
