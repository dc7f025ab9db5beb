"""Plots of a run: loss and error by epoch, the confusion matrix, and predicted label maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.export.label_maps import class_colours
from kzoo.figures import figure, save_figure

if TYPE_CHECKING:
    import keras

Names = Sequence[str] | None  # of classes


def plot_history(
    history: Sequence[dict[str, float]],
    scores: dict[str, Any],
    published: dict | None,
    title: str,
    path: Path,
    starts: Sequence[int] = (0,),
) -> None:
    """Plots loss and error by epoch, with lines at the test error of the kept weights and at the published one.

    starts: the completed epochs at which each stage of the training starts; a vertical line separates two stages.
    """
    sheet = figure(9, 3.6)
    left, right = sheet.subplots(1, 2)
    epochs = np.arange(1, len(history) + 1)
    for prefix, label in (("", "training"), ("val_", "validation")):
        if history and f"{prefix}loss" in history[0]:
            left.plot(epochs, [row[f"{prefix}loss"] for row in history], label=label)
            right.plot(epochs, [100 * (1 - row[f"{prefix}accuracy"]) for row in history], label=label)
    if "test" in scores:
        right.axhline(100 * scores["test"]["error"], color="black", ls="--", lw=1, label="test, weights kept")
    if published:
        right.axhline(100 * published["error"], color="grey", ls=":", lw=1, label="test, published")
    left.set_title(title, parse_math=False)
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    right.set(xlabel="epoch", ylabel="error, %", ylim=(0, None))
    for axes in (left, right):
        for index, start in enumerate(start for start in starts if 0 < start < len(history)):
            axes.axvline(start + 0.5, color="black", lw=0.8, label=None if index else "next stage")
        axes.grid(alpha=0.3)
        axes.legend()
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
