"""Pictures of a dataset: a sheet of examples with what augmentation makes of them, and a summary."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kzoo.analysis.array_grid import array_grid
from kzoo.analysis.panels import show_image, value_limits
from kzoo.data.split_warnings import name_of
from kzoo.export.label_maps import class_colours
from kzoo.figures import figure
from kzoo.reports.target_content import TargetContent
from kzoo.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 40  # classes with a bar of their own
COLUMNS, PANELS = 8, 4  # in a row of the two figures
NUMBERS, BINS = 6, 41  # numbers of an example with a histogram, and its edges
LISTED = 4  # numbers or labels above an example


class Batch(NamedTuple):
    """Examples and their targets {name: array}, "" for the name of a single one."""

    x: np.ndarray
    y: Mapping[str, np.ndarray]


def draw_examples(title: str, batch: Batch, augmented: Batch | None, tasks: Sequence[Task]) -> "Figure":
    """Returns a figure of examples, each followed by the same one augmented, if there is augmentation.

    Above each example are its class, its labels or its numbers. Label maps are drawn over their images, in a colour for
    each class; pixels without a class show the image. Images that are targets follow their example.
    tasks: of the targets, with names and numbers of classes.
    """
    batches = [batch, augmented] if augmented else [batch]
    images = [task for task in tasks if task.kind == "image"]
    limits = (0.0, 255.0) if batch.x.dtype == "uint8" else value_limits([one.x for one in batches])
    arrays, titles = [], []
    for i in range(len(batch.x)):
        for one, text in zip(batches, (_title(tasks, batch.y, i), "augmented")):
            arrays.append(one.x[i])
            titles.append(text)
            for task in images:
                arrays.append(_within(one.y[task.name][i], batch.y[task.name], limits))
                titles.append(f"target {task.name}".strip())
    columns = len(batches) * (1 + len(images))
    columns *= max(1, COLUMNS // columns)
    sheet = array_grid(arrays, titles, f"{title}: training examples", min(columns, len(arrays)), limits)
    for task in tasks:
        if task.kind == "segmentation" and batch.x.ndim == 4:
            _draw_maps(sheet.axes[:: 1 + len(images)], [one.y[task.name] for one in batches], task.size)
    return sheet


def _title(tasks, y, i):
    """Returns what the targets of an example are, where words can say it."""
    return ", ".join(text for text in (_target_text(task, y[task.name][i]) for task in tasks) if text)


def _target_text(task, y):
    if task.kind == "regression":
        text = ", ".join(f"{number:.4g}" for number in y[:LISTED]) + (", ..." if len(y) > LISTED else "")
    elif task.kind == "multilabel":
        found = [name_of(int(label), task.names) for label in np.flatnonzero(y)]
        text = ", ".join(found[:LISTED]) + (", ..." if len(found) > LISTED else "") if found else "no label"
    elif np.ndim(y) == 0 and y.dtype.kind in "iu":
        text = name_of(int(y), task.names)
    else:
        text = ""
    return text


def _within(image, images, limits):
    """Returns an image with the range of all images stretched to limits, unless both are those of bytes."""
    if image.dtype == "uint8" and limits == (0.0, 255.0):
        return image
    low, high = value_limits([images])
    return limits[0] + (image - low) * (limits[1] - limits[0]) / (high - low)


def _draw_maps(panels, batches, classes):
    """Draws label maps (B, H, W, 1) of batches over the images in panels, those of an example one after the other."""
    from matplotlib.colors import ListedColormap

    count = classes or int(batches[0].max()) + 1
    style = {"cmap": ListedColormap(class_colours(count)), "vmin": -0.5, "vmax": count - 0.5, "alpha": 0.5}
    label_maps = [maps[i].reshape(maps.shape[1:3]) for i in range(len(batches[0])) for maps in batches]
    for axes, label_map in zip(panels, label_maps):
        is_class = (label_map >= 0) & (label_map < count)
        show_image(axes, np.where(is_class, label_map, np.nan), **style)


def draw_summary(
    title: str,
    targets: Sequence[Mapping[str, TargetContent]],
    x: np.ndarray,
    images: Mapping[str, np.ndarray],
    sizes: np.ndarray | None,
) -> "Figure":
    """Returns a figure of the targets and the values of the examples, and of the sizes of image files.

    It shows how often classes and labels are in each split, and histograms of at most six of an example's numbers.
    Arguments: targets, {split: content} of each; x, examples; images, {name: array} of targets that are images; sizes
    (N, 2), heights and widths, None if they are not known.
    """
    panels: list[Callable[[Any], None]] = []
    for of_splits in targets:
        panels += _target_panels(of_splits)
    panels.append(lambda axes: _draw_values(axes, x, "values of training examples"))
    for name, values in images.items():
        panels.append(functools.partial(_draw_values, x=values, title=f"values of {name or 'targets'}"))
    if sizes is not None:
        panels.append(lambda axes: _draw_sizes(axes, sizes))
    columns = min(len(panels), PANELS)
    rows = -(-len(panels) // columns)
    classes = max(len(content.counts) for of_splits in targets for content in of_splits.values())
    height = min(10.0, max(3.6, 0.22 * min(classes, MOST) + 1.2))
    sheet = figure(4.5 * columns, height if rows == 1 else 3.6 * rows)
    grid = list(sheet.subplots(rows, columns, squeeze=False).flat)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for draw, axes in zip(panels, grid):
        draw(axes)
    sheet.suptitle(title, parse_math=False)
    return sheet


def _target_panels(of_splits):
    """Returns what draws the panels of one target: functions of axes."""
    first = next(iter(of_splits.values()))
    task, unit = first.task, f"{first.task.name} " if first.task.name else ""
    if task.kind == "regression":
        numbers = {split: content.numbers() for split, content in of_splits.items()}
        count = next(iter(numbers.values())).shape[1]
        names = [unit + (first.name(i) if task.names or count > 1 else "number") for i in range(min(count, NUMBERS))]
        return [
            lambda axes, i=i, name=name: _draw_numbers(axes, {split: y[:, i] for split, y in numbers.items()}, name)
            for i, name in enumerate(names)
        ]
    if task.kind == "image" or not any(len(content.counts) for content in of_splits.values()):
        return []
    counts = {split: content.counts for split, content in of_splits.items()}
    labels = task.kind == "multilabel"
    totals = {split: content.examples if labels else content.counts.sum() for split, content in of_splits.items()}
    return [lambda axes: _draw_balance(axes, counts, totals, task.names, f"{unit}{'labels' if labels else 'classes'}")]


def _draw_balance(axes, counts, totals, names, title):
    """Draws the share of each class or label in each split: bars, or lines of sorted shares where there are many."""
    classes = max(map(len, counts.values()))
    for index, (split, of_split) in enumerate(counts.items()):
        shares = 100 * np.pad(of_split, (0, classes - len(of_split))) / max(1, totals[split])
        if classes > MOST:
            axes.plot(np.sort(shares)[::-1], label=split)
        else:
            height = 0.8 / len(counts)
            axes.barh(np.arange(classes) + (index + 0.5) * height - 0.4, shares, height, label=split)
    if classes > MOST:
        axes.set(xlabel=f"{title}, the most frequent first", ylabel="share, %", ylim=(0, None))
    else:
        axes.set_yticks(range(classes), [name_of(label, names) for label in range(classes)], parse_math=False)
        axes.invert_yaxis()
        axes.set(xlabel="share, %", xlim=(0, 1.4 * max(1e-9, *(bar.get_width() for bar in axes.patches))))
    axes.set_title(title, fontsize=10, parse_math=False)
    axes.legend(fontsize=8, loc="upper right" if classes > MOST else "center right")


def _draw_numbers(axes, numbers, title):
    """Draws a histogram of one number of the targets in each split."""
    edges = np.linspace(*value_limits(list(numbers.values())), BINS)
    for split, of_split in numbers.items():
        axes.hist(of_split, edges, histtype="step", density=True, label=split)
    axes.set(xlabel="value", ylabel="density")
    axes.set_yticks([])
    axes.set_title(title, fontsize=10, parse_math=False)
    axes.legend(fontsize=8)


def _draw_values(axes, x, title):
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
    axes.set_title(title, fontsize=10, parse_math=False)


def _draw_sizes(axes, sizes):
    axes.scatter(sizes[:, 1], sizes[:, 0], s=12, alpha=0.4)
    axes.set(xlabel="width, pixels", ylabel="height, pixels", xlim=(0, None), ylim=(0, None))
    axes.set_title("sizes of the image files", fontsize=10)
