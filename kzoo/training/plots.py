"""Plots of a run: loss and error by epoch, and predictions: a confusion matrix, label maps, numbers or images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.export.label_maps import class_colours
from kzoo.figures import figure, save_figure
from kzoo.task import Task

if TYPE_CHECKING:
    import keras

Names = Sequence[str] | None  # of classes


def plot_history(
    history: Sequence[dict[str, float]], scores: dict[str, Any], published: dict | None, title: str, path: Path
) -> None:
    """Plots loss and error by epoch, with lines at the test error of the kept weights and at the published one.

    Without classes the first metric takes the place of the error.
    """
    sheet = figure(9, 3.6)
    left, right = sheet.subplots(1, 2)
    epochs = np.arange(1, len(history) + 1)
    of_classes = not history or "accuracy" in history[0]
    metric = None if of_classes else next((key for key in history[0] if "loss" not in key), None)
    for prefix, label in (("", "training"), ("val_", "validation")):
        if history and f"{prefix}loss" in history[0]:
            left.plot(epochs, [row[f"{prefix}loss"] for row in history], label=label)
            if of_classes:
                right.plot(epochs, [100 * (1 - row[f"{prefix}accuracy"]) for row in history], label=label)
            elif metric:
                right.plot(epochs, [row[f"{prefix}{metric}"] for row in history], label=label)
    kept = scores.get("test", {}).get("error" if of_classes else metric)
    if kept is not None:
        right.axhline(100 * kept if of_classes else kept, color="black", ls="--", lw=1, label="test, weights kept")
    if published and of_classes:
        right.axhline(100 * published["error"], color="grey", ls=":", lw=1, label="test, published")
    left.set_title(title, parse_math=False)
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    right.set(xlabel="epoch", ylabel="error, %" if of_classes else metric, ylim=(0, None) if of_classes else None)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    save_figure(sheet, path)


def plot_predictions(
    model: "keras.Model", x: np.ndarray, y: Any, tasks: Sequence[Task], names: Names, title: str, folder: Path
) -> None:
    """Plots what a model predicts for examples: confusion.png, maps.png, numbers.png or images.png, by the task.

    Of several tasks, y and the outputs of the model are those of their names, which the files have too.
    """
    import keras

    for task in tasks or [Task()]:
        one, part = model, y
        if task.name:
            one, part = keras.Model(model.input, model.get_layer(task.name).output), y[task.name]
        of_task = (one, x, part, task.names or names, f"{title}, {task.name}" if task.name else title)
        ending = f"_{task.name}.png" if task.name else ".png"
        if task.of_classes:
            plot_confusion(*of_task, folder / f"confusion{ending}")
            plot_maps(*of_task, folder / f"maps{ending}")
        elif task.kind == "regression":
            plot_numbers(*of_task, folder / f"numbers{ending}")
        elif task.kind == "image":
            plot_images(*of_task, folder / f"images{ending}")


def plot_numbers(model: "keras.Model", x: np.ndarray, y: np.ndarray, names: Names, title: str, path: Path) -> None:
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
        axes.set(xlabel="test example" if count == 1 and not names else str(names[number] if names else number))
        axes.set(ylabel="model" if number % columns == 0 else None)
        axes.grid(alpha=0.3)
    sheet.suptitle(f"{title}: test examples", parse_math=False)
    save_figure(sheet, path)


def plot_images(
    model: "keras.Model", x: np.ndarray, y: np.ndarray, names: Names, title: str, path: Path, most: int = 6
) -> None:
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
    sheet.suptitle(f"{title}: test examples", parse_math=False)
    save_figure(sheet, path)


def plot_confusion(model: "keras.Model", x: np.ndarray, y: np.ndarray, names: Names, title: str, path: Path) -> None:
    """Plots a classifier's confusion matrix on examples; does nothing for other models or over 100 classes."""
    from sklearn.metrics import ConfusionMatrixDisplay

    if np.ndim(y) != 1 or len(model.output_shape) != 2 or model.output_shape[-1] > 100:
        return
    classes = model.output_shape[-1]
    sheet = figure(6, 5.5)
    axes = sheet.subplots()
    ConfusionMatrixDisplay.from_predictions(
        y,
        model.predict(x, batch_size=500, verbose=0).argmax(-1),
        labels=range(classes),
        display_labels=names or range(classes),
        cmap="Blues",
        colorbar=False,
        include_values=classes <= 20,
        xticks_rotation="vertical" if names and max(map(len, names)) > 2 else "horizontal",
        ax=axes,
    )
    axes.set_title(f"{title}: test examples", parse_math=False)
    save_figure(sheet, path)


def plot_maps(
    model: "keras.Model", x: np.ndarray, y: np.ndarray, names: Names, title: str, path: Path, most: int = 6
) -> None:
    """Plots images, their label maps and the predicted ones; does nothing for models of other inputs or outputs."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    if np.ndim(y) < 3 or len(model.output_shape) != 4 or np.shape(x)[-1] not in (1, 3):
        return
    chosen = np.linspace(0, len(x) - 1, min(most, len(x))).astype(int)
    x, y, classes = x[chosen], y[chosen].reshape(len(chosen), *y.shape[1:3]), model.output_shape[-1]
    predicted = model.predict(x, verbose=0).argmax(-1)
    colours = class_colours(classes)
    style: dict[str, Any] = {"cmap": ListedColormap(colours), "vmin": -0.5, "vmax": classes - 0.5}
    style["interpolation"] = "nearest"
    height, width = x.shape[1:3]
    sheet = figure(9, 0.8 + 3 * len(chosen) * min(height / width, 2))
    for row, (image, label_map, predicted_map) in zip(
        sheet.subplots(len(chosen), 3, squeeze=False), zip(x, y, predicted)
    ):
        row[0].imshow(image.astype("uint8") if image.max() > 1 else image, cmap="gray")
        is_class = (label_map >= 0) & (label_map < classes)
        row[1].imshow(np.where(is_class, label_map, np.nan), **style)  # pixels without a class stay white
        row[2].imshow(predicted_map, **style)
    for axes, name in zip(sheet.axes, ("image", "labels", "model")):
        axes.set_title(name)
    for axes in sheet.axes:
        axes.set_axis_off()
    keys = [Patch(color=colour, label=name) for colour, name in zip(colours, names or map(str, range(classes)))]
    sheet.legend(handles=keys, loc="outside lower center", ncols=min(classes, 12), fontsize=8, frameon=False)
    sheet.suptitle(f"{title}: test examples", parse_math=False)
    save_figure(sheet, path)
