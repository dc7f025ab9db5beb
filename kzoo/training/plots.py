"""Plots of a run: loss and error by epoch, the confusion matrix, the worst mistakes, and predicted label maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kzoo.analysis.array_grid import array_grid
from kzoo.checks import shorten
from kzoo.export.label_maps import class_colours
from kzoo.figures import figure, log_scale, save_figure, whole_ticks
from kzoo.task import Task
from kzoo.training.predictions import ConfusedPredictions, MapPredictions, Shown

POINTS = 10  # epochs up to which each is marked
LONG = 22  # characters of a class's name in a plot


def plot_history(
    history: Sequence[dict[str, float]],
    scores: dict[str, Any],
    published: dict | None,
    title: str,
    path: Path,
    starts: Sequence[int] = (0,),
) -> None:
    """Plots loss and error by epoch, with lines at the test error of the kept weights and at the published one.

    The error is left out where a model has no accuracy. starts: the completed epochs at which each stage of the
    training starts; of several stages each has its number at the top, and a vertical line separates two.
    """
    has_error = not history or "accuracy" in history[0]
    sheet = figure(9 if has_error else 5, 3.6)
    left, *others = sheet.subplots(1, 1 + has_error, squeeze=False)[0]
    epochs, marker = np.arange(1, len(history) + 1), "o" if len(history) <= POINTS else None
    losses: list[float] = []
    for prefix, label in (("", "training"), ("val_", "validation")):
        if history and f"{prefix}loss" in history[0]:
            drawn = [row[f"{prefix}loss"] for row in history]
            losses += drawn
            left.plot(epochs, drawn, marker=marker, label=label)
            for right in others:
                error = [100 * (1 - row[f"{prefix}accuracy"]) for row in history]
                right.plot(epochs, error, marker=marker, label=label)
    left.set_title(title, parse_math=False, pad=6 if len(starts) == 1 else 16)  # points, above the stages' numbers
    left.set(xlabel="epoch", ylabel="loss")
    log_scale(left, losses)
    for right in others:
        if "error" in scores.get("test", ()):
            right.axhline(100 * scores["test"]["error"], color="black", ls="--", lw=1, label="test, weights kept")
        if published:
            right.axhline(100 * published["error"], color="grey", ls=":", lw=1, label="test, published")
        right.set(xlabel="epoch", ylabel="error, %", ylim=(0, None))
    for axes in (left, *others):
        whole_ticks(axes.xaxis)
        axes.grid(alpha=0.3)
        _mark_stages(axes, starts, len(history))
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    save_figure(sheet, path)


def _mark_stages(axes, starts, epochs):
    """Draws a line between the stages that the epochs reached, and writes the number of each above the axes."""
    reached = [start for start in starts if start < epochs]
    if len(reached) < 2:
        return
    place = {"va": "bottom", "fontsize": 8, "transform": axes.get_xaxis_transform()}
    axes.text(0, 1.01, "stage ", ha="right", **{**place, "transform": axes.transAxes})
    for number, (start, end) in enumerate(zip(reached, [*reached[1:], epochs]), start=1):
        if start:
            axes.axvline(start + 0.5, color="black", lw=0.8)
        axes.text((start + end + 1) / 2, 1.01, number, ha="center", **place)


def plot_tasks(model: Any, x: np.ndarray, y: Any, tasks: Sequence[Task], title: str, folder: Path) -> None:
    """Plots predicted against true numbers as numbers.png, or inputs, targets and outputs as images.png, by the task.

    Of several tasks, y is {name: targets}, and the name of each file has that of its output.
    """
    import keras

    for task in tasks:
        outputs = model.get_layer(task.name).output if task.name else model.outputs[0]
        of_task = keras.Model(model.inputs, outputs), x, y[task.name] if task.name else y
        named = f"_{task.name}.png" if task.name else ".png"
        if task.kind == "regression":
            plot_numbers(
                *of_task, task.names, f"{title}, {task.name}" if task.name else title, folder / f"numbers{named}"
            )
        elif task.kind == "image":
            plot_images(*of_task, title, folder / f"images{named}")


def plot_numbers(model: Any, x: np.ndarray, y: np.ndarray, names: Sequence[str] | None, title: str, path: Path) -> None:
    """Plots the predicted numbers of examples against the true ones, of at most nine of an example's numbers."""
    predicted, count = model.predict(x, batch_size=500, verbose=0), min(9, y.shape[1])
    columns = min(3, count)
    rows = -(-count // columns)
    sheet = figure(3.4 * columns, 0.4 + 3.2 * rows)
    grid = sheet.subplots(rows, columns, squeeze=False).flat
    for number, axes in enumerate(grid):
        if number >= count:
            axes.set_axis_off()
            continue
        ends = [y[:, number].min(), y[:, number].max()]
        axes.plot(ends, ends, color="black", lw=1)
        axes.plot(y[:, number], predicted[:, number], ".", ms=3, alpha=0.5)
        axes.set(xlabel="test example" if count == 1 and not names else names[number] if names else f"number {number}")
        axes.set(ylabel="model" if number % columns == 0 else None)
        axes.grid(alpha=0.3)
    sheet.suptitle(title, parse_math=False)
    save_figure(sheet, path)


def plot_images(model: Any, x: np.ndarray, y: np.ndarray, title: str, path: Path, most: int = 6) -> None:
    """Plots inputs, targets and outputs; does nothing unless targets are images of one or three channels.

    Each image has its own grey scale; colours are cut to 0 and 1, or to 0 and 255 if they are larger.
    """
    if y.ndim != 4 or y.shape[-1] not in (1, 3) or x.shape[-1] not in (1, 3):
        return
    chosen = np.linspace(0, len(x) - 1, min(most, len(x))).astype(int)
    predicted = model.predict(x[chosen], verbose=0)
    top = 255 if max(y.max(), x.max()) > 1 else 1
    sheet = figure(9, 0.8 + 3 * len(chosen) * min(y.shape[1] / y.shape[2], 2))
    for row, images in zip(sheet.subplots(len(chosen), 3, squeeze=False), zip(x[chosen], y[chosen], predicted)):
        for axes, image in zip(row, images):
            if image.shape[-1] == 1:
                axes.imshow(image[..., 0], cmap="gray")
            else:
                axes.imshow(np.clip(image / top, 0, 1))
    for axes, name in zip(sheet.axes, ("input", "target", "model")):
        axes.set_title(name)
    for axes in sheet.axes:
        axes.set_axis_off()
    sheet.suptitle(title, parse_math=False)
    save_figure(sheet, path)


def plot_confusion(predictions: ConfusedPredictions, title: str, path: Path) -> None:
    """Plots the confusion matrix, of label maps in percent of the pixels of each class."""
    from sklearn.metrics import ConfusionMatrixDisplay

    matrix, classes, of_maps = predictions.confusion, predictions.classes, isinstance(predictions, MapPredictions)
    if matrix is None:
        return
    if of_maps:
        matrix = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    labels = [shorten(predictions.name(number), LONG) for number in range(classes)]
    side = min(max(6.0, 2 + 0.3 * classes), 14.0)
    sheet = figure(side, side - 0.5)
    axes = sheet.subplots()
    ConfusionMatrixDisplay(matrix, display_labels=labels).plot(
        cmap="Blues",
        colorbar=False,
        include_values=classes <= 20,
        values_format=".0f" if of_maps else "d",
        xticks_rotation="vertical" if max(map(len, labels)) > 2 else "horizontal",
        text_kw={"fontsize": 9 if classes > 10 else None},
        ax=axes,
    )
    axes.tick_params(labelsize=min(10.0, 60 * side / max(classes, 1)))
    what = "pixels of each class, %" if of_maps else "examples"
    axes.set_title(f"{title}: {predictions.split} {what}", parse_math=False)
    save_figure(sheet, path)


def plot_mistakes(predictions: ConfusedPredictions, title: str, path: Path) -> None:
    """Plots the examples with the worst mistakes, each with its true and its predicted label or label map."""
    heading = f"{title}: the worst mistakes among the {predictions.size:,} {predictions.split} examples"
    if isinstance(predictions, MapPredictions):
        plot_maps(predictions.worst, predictions, heading, path)
        return
    names = [[shorten(predictions.name(label), LONG) for label in shown[2:4]] for shown in predictions.worst]
    titles = [
        f"#{shown.number}: {truth}\npredicted {predicted} ({shown.score:.2f})"
        for shown, (truth, predicted) in zip(predictions.worst, names)
    ]
    sheet = array_grid([shown.x for shown in predictions.worst], titles, heading, columns=min(6, len(titles)))
    save_figure(sheet, path)


def plot_maps(shown: Sequence[Shown], predictions: MapPredictions, title: str, path: Path) -> None:
    """Plots images, their label maps and the predicted ones, with the names of the classes."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    classes, colours = predictions.classes, class_colours(predictions.classes)
    style: dict[str, Any] = {"cmap": ListedColormap(colours), "vmin": -0.5, "vmax": classes - 0.5}
    style["interpolation"] = "nearest"
    height, width = shown[0].x.shape[:2]
    sheet = figure(9, 1.2 + (3 * min(height / width, 2) + 0.25) * len(shown))
    for row, one in zip(sheet.subplots(len(shown), 3, squeeze=False), shown):
        row[0].imshow(_as_image(one.x), cmap="gray")
        is_class = (one.truth >= 0) & (one.truth < classes)
        row[1].imshow(np.where(is_class, one.truth, np.nan), **style)  # pixels without a class stay white
        row[2].imshow(one.prediction, **style)
        for axes, text in zip(row, (f"#{one.number}", "truth", f"predicted, {100 * one.score:.3g} % wrong")):
            axes.set_title(text, fontsize=9)
            axes.set_axis_off()
    names = [shorten(predictions.name(number), LONG) for number in range(classes)]
    keys = [Patch(color=colour, label=name) for colour, name in zip(colours, names)]
    if any(((one.truth < 0) | (one.truth >= classes)).any() for one in shown):
        keys.append(Patch(facecolor="white", edgecolor="grey", label="no class"))
    columns = max(1, min(classes, 100 // (max(map(len, names)) + 5)))
    sheet.legend(handles=keys, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)
    sheet.suptitle(title, parse_math=False, fontsize=10)
    save_figure(sheet, path)


def _as_image(x):
    """Returns an example (H, W, channels) as matplotlib draws it: of other numbers of channels than 3 the mean."""
    if x.shape[-1] != 3:
        return x.mean(-1)
    return x.astype("uint8") if x.max() > 1 else x.clip(0)
