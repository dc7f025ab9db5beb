"""Pictures of a dataset: a sheet of examples with what augmentation makes of them, and a summary."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kzoo.analysis.array_grid import array_grid
from kzoo.analysis.panels import show_image, value_limits
from kzoo.data.split_warnings import name_of
from kzoo.export.label_maps import class_colours
from kzoo.figures import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 40  # classes with a bar of their own
COLUMNS = 8
Names = Sequence[str] | None


class Batch(NamedTuple):
    """Examples and their labels, or label maps."""

    x: np.ndarray
    y: np.ndarray


def draw_examples(title: str, batch: Batch, augmented: Batch | None, names: Names, classes: int | None) -> "Figure":
    """Returns a figure of examples, each followed by the same one augmented, if there is augmentation.

    Label maps are drawn over their images, in a colour for each class; pixels without a class show the image.
    """
    batches = [batch, augmented] if augmented else [batch]
    arrays = [one.x[i] for i in range(len(batch.x)) for one in batches]
    titles = [text for y in batch.y for text in [_title(y, names), "augmented"][: len(batches)]]
    is_bytes = batch.x.dtype == "uint8"
    limits = (0.0, 255.0) if is_bytes else value_limits(arrays)
    sheet = array_grid(arrays, titles, f"{title}: training examples", min(COLUMNS, len(arrays)), limits)
    if batch.y.ndim > 2 and batch.x.ndim == 4:
        from matplotlib.colors import ListedColormap

        count = classes or int(batch.y.max()) + 1
        style = {"cmap": ListedColormap(class_colours(count)), "vmin": -0.5, "vmax": count - 0.5, "alpha": 0.5}
        label_maps = [one.y[i].reshape(one.y.shape[1:3]) for i in range(len(batch.y)) for one in batches]
        for axes, label_map in zip(sheet.axes, label_maps):
            is_class = (label_map >= 0) & (label_map < count)
            show_image(axes, np.where(is_class, label_map, np.nan), **style)
    return sheet


def _title(y, names):
    return name_of(int(y), names) if np.ndim(y) == 0 and y.dtype.kind in "iu" else ""


def draw_summary(
    title: str, counts: Mapping[str, np.ndarray], x: np.ndarray, names: Names, sizes: np.ndarray | None
) -> "Figure":
    """Returns a figure of the class balance of the splits, a histogram of values, and the sizes of image files.

    Shapes: counts, of each class; x, examples; sizes (N, 2), heights and widths, None if they are not known.
    """
    has_classes = any(len(of_split) for of_split in counts.values())
    columns = has_classes + 1 + (sizes is not None)
    classes = max(map(len, counts.values()))
    sheet = figure(4.5 * columns, min(10.0, max(3.6, 0.22 * min(classes, MOST) + 1.2)))
    panels = list(sheet.subplots(1, columns, squeeze=False)[0])
    if has_classes:
        _draw_balance(panels.pop(0), counts, names)
    _draw_values(panels.pop(0), x)
    if sizes is not None:
        axes = panels.pop(0)
        axes.scatter(sizes[:, 1], sizes[:, 0], s=12, alpha=0.4)
        axes.set(xlabel="width, pixels", ylabel="height, pixels", xlim=(0, None), ylim=(0, None))
        axes.set_title("sizes of the image files", fontsize=10)
    sheet.suptitle(title, parse_math=False)
    return sheet


def _draw_balance(axes, counts, names):
    """Draws the share of each class in each split: bars, or lines of sorted shares for many classes."""
    classes = max(map(len, counts.values()))
    for index, (split, of_split) in enumerate(counts.items()):
        shares = 100 * np.pad(of_split, (0, classes - len(of_split))) / max(1, of_split.sum())
        if classes > MOST:
            axes.plot(np.sort(shares)[::-1], label=split)
        else:
            height = 0.8 / len(counts)
            axes.barh(np.arange(classes) + (index + 0.5) * height - 0.4, shares, height, label=split)
    if classes > MOST:
        axes.set(xlabel="classes, the most frequent first", ylabel="share, %", ylim=(0, None))
    else:
        axes.set_yticks(range(classes), [name_of(label, names) for label in range(classes)], parse_math=False)
        axes.invert_yaxis()
        axes.set(xlabel="share, %", xlim=(0, 1.4 * max(1e-9, *(bar.get_width() for bar in axes.patches))))
    axes.set_title("classes", fontsize=10)
    axes.legend(fontsize=8, loc="upper right" if classes > MOST else "center right")


def _draw_values(axes, x):
    channels = x.shape[-1] if x.shape[-1] <= 4 else 1
    flat = x.reshape(-1, channels).astype("float64")
    colours = ("red", "green", "blue") if channels == 3 else (None,) * channels
    edges = np.linspace(*value_limits([flat]), 65)
    for channel, colour in zip(flat.T, colours):
        shown = colour and f"tab:{colour}"
        axes.hist(channel, edges, histtype="step", color=shown, label=colour, density=True)
    if channels == 3:
        axes.legend(fontsize=8)  # the bars of the splits have two of these colours
    axes.set(xlabel="value", ylabel="density")
    axes.set_yticks([])
    axes.set_title("values of training examples", fontsize=10)
