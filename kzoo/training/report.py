"""The results of a run for people: the table that is printed at its end, and history.csv."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from kzoo.config.config import Config
from kzoo.config.recipe import shortfall
from kzoo.config.stages import stages_of
from kzoo.export.registry import FORMATS
from kzoo.files import write_csv
from kzoo.terminal import console, percent, print_table, short_rate, short_time

SPLITS = {"test": "test", "validation": "validation", "train": "training"}  # as people read them
PICTURES = {
    "history.png": "Loss and error by epoch",
    "confusion.png": "Confusion matrix",
    "mistakes.png": "The worst mistakes",
    "maps.png": "Label maps: truth and prediction",
    "numbers.png": "Predicted against true numbers",
    "images.png": "Inputs, targets and outputs",
    "filters.png": "Kernels of the first convolution",
}


ABBREVIATIONS = {"iou": "IoU", **{word: word.upper() for word in ("auc", "f1", "mae", "mse", "r2", "rmse")}}


def metric_label(key: str) -> str:
    """Returns the name of a metric in words.

    >>> metric_label("digit_mean_iou"), metric_label("mae")
    ('digit mean IoU', 'MAE')
    """
    words = key.replace("io_u", "iou").split("_")
    return " ".join(ABBREVIATIONS.get(word, word) for word in words)


def metric_text(key: str, value: float | None) -> str:
    """Returns the value of a metric: accuracies and errors in percent; "-" where there is none.

    >>> metric_text("digit_accuracy", 0.5), metric_text("mae", 0.123456)
    ('50 %', '0.1235')
    """
    if key == "error" or key.endswith("accuracy"):
        return percent(value)
    return "-" if value is None else f"{value:.4f}" if key.endswith("loss") else f"{value:.4g}"


def result_rows(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Returns the rows of a run's table: (quantity, measured, published)."""
    published, short = metrics["published"], shortfall(metrics)
    published_error = percent(published and published["error"])
    test, validation, train = (metrics.get(split) or {} for split in SPLITS)
    error = percent(test.get("error")) + spread(test.get("errors", ())) + (f", {short}" if published and short else "")
    rows = [("test error", error, published_error)] if "error" in train else []
    if "views_error" in test:  # the published error is one of several views too
        rows = [(*rows[0][:2], ""), ("test error, mean of views", percent(test["views_error"]), published_error)]
    for split, scores in (("validation", validation), ("train", train)):
        if "error" in scores:
            rows.append((f"{SPLITS[split]} error", percent(scores["error"]), ""))
    split, *others = [name for name in SPLITS if metrics.get(name)]
    measured = extra_metrics(metrics[split])
    rows += [(f"{SPLITS[split]} {metric_label(key)}", metric_text(key, value), "") for key, value in measured.items()]
    for other in others if "error" not in train else ():  # where there is no error, the first metric
        for key in list(measured)[:1]:
            rows.append((f"{SPLITS[other]} {metric_label(key)}", metric_text(key, metrics[other].get(key)), ""))
    rows.append(("parameters", f"{metrics['parameters']:,}", ""))
    epochs = f"{metrics['epochs']:,} epoch{'s' * (metrics['epochs'] != 1)}"
    rows.append(("training time", f"{short_time(metrics['seconds'])}, {epochs}", ""))
    if last := metrics.get("last_epoch"):
        rates = short_rate(last["steps_per_second"]), short_rate(last["examples_per_second"])
        rows.append(("speed in the last epoch", "{} steps/s, {} examples/s".format(*rates), ""))
    for name, export in metrics["export"].get("formats", {}).items():
        label, difference = FORMATS[name].label, export["max_difference"]
        rows.append((f"{label} reloaded, differs by", "-" if difference is None else f"{difference:.1e}", ""))
        if "agreement" in export:
            rows.append((f"{label} predicts the same class for", percent(export["agreement"]["share"]), ""))
        if "accuracy" in export:
            rows.append((f"{label} test error", percent(1 - export["accuracy"]["after"]), ""))
    return rows


def spread(errors: Sequence[float]) -> str:
    """Returns the smallest and the largest error of several seeds as text to add to their mean.

    >>> spread([0.129, 0.17, 0.13]), spread([])
    (' (12.9 - 17 % over 3 seeds)', '')
    """
    if not errors:
        return ""
    return f" ({percent(min(errors)).removesuffix(' %')} - {percent(max(errors))} over {len(errors)} seeds)"


def extra_metrics(scores: dict[str, Any]) -> dict[str, float | None]:
    """Returns the config's metrics among the results of a split.

    >>> extra_metrics({"error": 0.5, "loss": 1.0, "decoder_loss": 0.2, "f1_score": 0.5, "views_error": 0.1})
    {'f1_score': 0.5}
    """
    return {
        name: value
        for name, value in scores.items()
        if name not in ("error", "errors", "loss") and not name.endswith("_loss") and not name.startswith("views_")
    }


def training_text(config: Config, sizes: dict[str, int], epochs: int, steps: int) -> str:
    """Returns a sentence on the data and the training for the card.

    sizes: the number of examples of each split; epochs, steps: of the whole training.
    """
    stages = [stage.config.training for stage in stages_of(config)]
    last = stages[-1].loss
    given = list(last.values()) if isinstance(last, dict) else last
    losses = given if isinstance(given, list) else [given]
    count = f" in {len(stages)} stages" if len(stages) > 1 else ""
    examples = ", ".join(f"{size:,} {SPLITS[name]}" for name, size in sizes.items())
    optimizers = " and ".join(dict.fromkeys(each.optimizer.class_name for each in stages))
    loss = ", ".join(spec.class_name for spec in losses)
    return (
        f"{examples} examples. Epochs: {epochs:,}, {steps:,} steps with batches of {config.data.batch_size} examples, "
        f"by {optimizers} on {loss}{count}."
    )


def pictures(folder: Path) -> list[tuple[str, str]]:
    """Returns (file, caption) of the pictures that a run has written into its folder."""
    found = [(file, caption) for file, caption in PICTURES.items() if (folder / file).is_file()]
    named = sorted(path.name for path in folder.glob("numbers_*.png"))
    return [*found, *((file, f"{PICTURES['numbers.png']}: {file[len('numbers_') : -4]}") for file in named)]


def print_results(title: str, metrics: dict[str, Any]) -> None:
    """Prints a run's table."""
    table = Table(title=title, title_justify="left")
    for column, justify in (("", "left"), ("measured", "right"), ("published", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for row in result_rows(metrics):
        table.add_row(*row)
    print_table(table)
    if metrics["published"]:
        console().print(f"Published: {metrics['published']['source']}", highlight=False)


def write_history(history: Sequence[dict[str, float]], folder: Path, starts: Sequence[int] = (0,)) -> None:
    """Writes history.csv, one row per epoch.

    starts: the completed epochs at which each stage of the training starts; of several a row has the stage's number.
    """
    keys = list(dict.fromkeys(key for row in history for key in row))
    stages = ["stage"] if len(starts) > 1 else []
    rows = (
        [epoch, *(sum(start < epoch for start in starts) for _ in stages), *(row.get(key) for key in keys)]
        for epoch, row in enumerate(history, start=1)
    )
    write_csv(folder / "history.csv", ["epoch", *stages, *keys], rows)
