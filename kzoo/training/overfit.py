"""Whether a model can fit one batch: the first thing to try when a training does not learn.

Source: Karpathy 2019, "A recipe for training neural networks": "overfit one batch".
"""

import math

from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.figures import figure, save_figure
from kzoo.training.run_data import load_data
from kzoo.training.short_training import History, first_stage, train_briefly
from kzoo.types import PathLike

STEPS, ROUND = 1000, 20  # most steps; steps between two evaluations
ACCURACY, LOSS = 0.99, 0.01  # from which a batch counts as fitted; the loss as a fraction of that before training


def overfit(config: Config, count: int, label: str, path: PathLike) -> str:
    """Trains a new model on `count` training examples until it fits them, draws the curves, and returns the verdict.

    The examples are those that the first steps of a training see, as one batch without augmentation; dropout stays.
    Of several stages the first is trained.
    They count as fitted if the accuracy, in training steps or evaluated, is at least 0.99, or if the loss is at most a
    hundredth of that before the training. Otherwise the training ends after 1,000 steps. Nothing but the picture at
    `path`, a .png file, is written. Raises Refusal if there are fewer training examples.
    """
    config = first_stage(config)
    data = load_data(config)
    expected = f"a number of examples from 1 to {data.train.size}, all training examples"
    require(1 <= count <= data.train.size, "--overfit", expected, overfit=count)
    batch = config.data.model_copy(update={"batch_size": count, "augment": []})
    config = config.model_copy(update={"data": batch})
    history = train_briefly(config, data, label, STEPS // ROUND, ROUND, is_over, one_batch=True)
    plot_overfit(history, f"{label}: {count} training examples", path)
    return f"{verdict(history, count, label)} Curves: {path}"


def is_over(history: History) -> bool:
    """Returns whether the examples are fitted, or the loss is no number any more.

    >>> is_over([{"val_loss": 2.0}, {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.3, "val_accuracy": 1.0}])
    True
    """
    return is_fitted(history) or not math.isfinite(history[-1]["loss"])


def is_fitted(history: History) -> bool:
    """Returns whether the last results are those of a model that fits its examples."""
    last, start = history[-1], history[0]["val_loss"]
    accurate = max(last.get("accuracy", 0), last.get("val_accuracy", 0)) >= ACCURACY
    return math.isfinite(last["loss"]) and (accurate or min(last["loss"], last["val_loss"]) <= LOSS * start)


def verdict(history: History, count: int, label: str) -> str:
    """Returns what the results mean, in one sentence or two."""
    steps, last = ROUND * (len(history) - 1), history[-1]
    examples = f"{count:,} training example{'s' * (count > 1)}"
    if not math.isfinite(last["loss"]):
        return (
            f"{label} diverges on {examples}: the loss is {last['loss']} after {steps} steps. Try a smaller learning "
            "rate (--find-lr)."
        )
    names = [name for name in ("accuracy", "loss") if name in last]
    results = ", ".join(f"{name} {last[name]:.4g} (evaluated: {last[f'val_{name}']:.4g})" for name in names)
    results += f"; the loss was {history[0]['val_loss']:.4g} before"
    if is_fitted(history):
        return f"{label} fits {examples} after {steps} steps: {results}."
    return (
        f"{label} does not fit {examples} within {steps} steps: {results}. Look at the learning rate (--find-lr), the "
        "labels, the preprocessing and the layers that do not train."
    )


def plot_overfit(history: History, title: str, path: PathLike) -> None:
    """Plots loss and, if it is measured, accuracy by step: in training steps, and evaluated without dropout."""
    names = [name for name in ("loss", "accuracy") if name in history[-1]]
    sheet = figure(4.5 * len(names), 3.6)
    grid = sheet.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(grid, names):
        for key, label in ((name, "training steps"), (f"val_{name}", "evaluated, without dropout")):
            points = [(ROUND * index, row[key]) for index, row in enumerate(history) if key in row]
            axes.plot(*zip(*points), ".-", label=label)
        axes.set(xlabel="step", ylabel=name)
        axes.grid(alpha=0.3)
    grid[0].set_yscale("log")
    grid[0].legend()
    sheet.suptitle(title, parse_math=False)
    save_figure(sheet, path)
