"""What a person sees of a run: the table at its end, its plots, its history and its card.

Source: none.
"""

import csv
import io

import numpy as np
from rich.console import Console
from rich.table import Table

from kzoo.export.formats import FORMATS
from kzoo.export.model_card import code
from kzoo.files import write_atomically
from kzoo.terminal import percent


def rows(metrics):
    """The lines of a run's table: what, measured, published."""
    published = metrics["published"]
    found = [
        (
            "test error",
            percent(metrics["test"]["error"]) if "test" in metrics else "-",
            percent(published and published["error"]),
        )
    ]
    if metrics.get("validation"):
        found.append(("validation error", percent(metrics["validation"]["error"]), ""))
    found.append(("training error", percent(metrics["train"]["error"]), ""))
    found.append(("parameters", f"{metrics['parameters']:,}", ""))
    found.append(("training time", f"{metrics['seconds']:,.0f} s, {metrics['steps_per_second']:,.0f} steps/s", ""))
    for format, told in (metrics["export"].get("formats") or {"saved_model": metrics["export"]}).items():
        difference = told["max_difference"]
        label = f"{FORMATS[format].label} reloaded, differs by"
        found.append((label, "-" if difference is None else f"{difference:.1e}", ""))
        if "accuracy" in told:
            found.append((f"{FORMATS[format].label} test error", percent(1 - told["accuracy"]["after"]), ""))
    return found


def print_table(title, metrics):
    """Print a run's table."""
    table = Table(title=title, title_justify="left")
    for column, justify in (("", "left"), ("measured", "right"), ("published", "right")):
        table.add_column(column, justify=justify)
    for row in rows(metrics):
        table.add_row(*row)
    console = Console(markup=False)
    console.print(table)
    if metrics["published"]:
        console.print(f"Published: {metrics['published']['source']}", highlight=False)


def write_history(history, folder):
    """history.csv: a row a period."""
    keys = list(dict.fromkeys(key for row in history for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["epoch", *keys], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": epoch, **row} for epoch, row in enumerate(history, start=1))
    write_atomically(folder / "history.csv", text.getvalue())


def figure(width, height):
    """A matplotlib figure that needs no screen."""
    from matplotlib.figure import Figure

    return Figure((width, height), dpi=120, layout="constrained")


def plot_history(history, scores, published, title, path):
    """Loss and error over the periods; the kept weights' test error and the published one as lines across."""
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
    left.set(xlabel="period", ylabel="loss", yscale="log")
    right.set(xlabel="period", ylabel="error, %", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    sheet.savefig(path)


def plot_confusion(net, x, y, names, title, path):
    """The confusion matrix of a classifier on test examples; nothing for other outputs or over 100 classes."""
    from sklearn.metrics import ConfusionMatrixDisplay

    if np.ndim(y) != 1 or len(net.output_shape) != 2 or net.output_shape[-1] > 100:
        return
    classes = net.output_shape[-1]
    sheet = figure(6, 5.5)
    axes = sheet.subplots()
    ConfusionMatrixDisplay.from_predictions(
        y,
        net.predict(x, batch_size=500, verbose=0).argmax(-1),
        labels=range(classes),
        display_labels=names or range(classes),
        cmap="Blues",
        colorbar=False,
        include_values=classes <= 20,
        xticks_rotation="vertical" if names and max(map(len, names)) > 2 else "horizontal",
        ax=axes,
    )
    axes.set_title(f"{title}: test examples", parse_math=False)
    sheet.savefig(path)


def plot_maps(net, x, y, names, title, path, most=6):
    """Images, their label maps and the model's, side by side; nothing for models of other outputs."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    if np.ndim(y) < 3 or len(net.output_shape) != 4 or np.shape(x)[-1] not in (1, 3):
        return
    chosen = np.linspace(0, len(x) - 1, min(most, len(x))).astype(int)
    x, y, classes = x[chosen], y[chosen].reshape(len(chosen), *y.shape[1:3]), net.output_shape[-1]
    said = net.predict(x, verbose=0).argmax(-1)
    colours = class_colours(classes)
    shown = {"cmap": ListedColormap(colours), "vmin": -0.5, "vmax": classes - 0.5, "interpolation": "nearest"}
    height, width = x.shape[1:3]
    sheet = figure(9, 0.8 + 3 * len(chosen) * min(height / width, 2))
    for row, (image, truth, answer) in zip(sheet.subplots(len(chosen), 3, squeeze=False), zip(x, y, said)):
        row[0].imshow(image.astype("uint8") if image.max() > 1 else image, cmap="gray")
        row[1].imshow(np.where(truth < classes, truth, np.nan), **shown)  # what has no class stays white
        row[2].imshow(answer, **shown)
    for axes, name in zip(sheet.axes, ("image", "labels", "model")):
        axes.set_title(name)
    for axes in sheet.axes:
        axes.set_axis_off()
    keys = [Patch(color=colour, label=name) for colour, name in zip(colours, names or map(str, range(classes)))]
    sheet.legend(handles=keys, loc="outside lower center", ncols=min(classes, 12), fontsize=8, frameon=False)
    sheet.suptitle(f"{title}: test examples", parse_math=False)
    sheet.savefig(path)


def class_colours(classes):
    """A colour a class, (classes, 4): ten strong ones, then their pale kin; of more than twenty classes a rainbow.

    >>> class_colours(11).shape, len(np.unique(class_colours(20), axis=0))
    ((11, 4), 20)
    """
    from matplotlib import colormaps

    if classes > 20:
        return colormaps["turbo"](np.linspace(0, 1, classes))
    return colormaps["tab20"]([*range(0, 20, 2), *range(1, 20, 2)][:classes])


def card(label, config, metrics, data):
    """The run's model card, Markdown."""
    published = metrics["published"]
    lines = [f"| {what} | {measured} | {said} |" for what, measured, said in rows(metrics)]
    shape = ", ".join(map(str, data.input_shape))
    return "\n".join(
        [
            f"# {label}",
            "",
            f"`{config.model.name}` trained on `{data.name}` with seed {metrics['seed']} "
            f"by kzoo {metrics['versions']['kzoo']}.",
            "",
            "| | measured | published |",
            "|---|---:|---:|",
            *lines,
            "",
            *([f"Published figure: {published['source']}.", ""] if published else []),
            "![loss and error](history.png)",
            "",
            "## Use it",
            "",
            f"Input: float32 batches (N, {shape}) as the data set has them; preprocessing is inside. "
            f"Output: probabilities of {data.classes} classes.",
            "",
            "```python",
            "import tensorflow as tf                    # no kzoo, no Keras",
            'net = tf.saved_model.load("saved_model")',
            f"probabilities = net.serve(tf.zeros((1, {shape})))",
            "```",
            "",
            "`net.features` gives the maps of its stages; of images, `net.serve_image` takes files' bytes and",
            "`net.serve_pixels` uint8 arrays, of any size. `saved_model/assets/labels.txt` has the classes' names.",
            "",
            *_other_formats(metrics, data),
            "```python",
            "import kzoo                                # to go on in Keras",
            'net = kzoo.load_model(".")',
            "```",
            "",
            "`config.yaml` is the whole config, `metrics.json` the figures, `history.csv` a row a period.",
            "",
        ]
    )


def _other_formats(metrics, data):
    """The card's lines on a run's exports but the SavedModel."""
    about = {"inputs": {"input": [None, *data.input_shape]}, "labels": None, "classes": data.classes, "examples": 0}
    for format in metrics["export"].get("formats", {}):
        if format != "saved_model":
            yield from ("```python", code({"format": format, "file": FORMATS[format].file}, about), "```", "")
